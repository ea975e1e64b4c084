"""Small models and batches for the tests of methods, equal on every backend."""

import hashlib
import inspect
import math

import keras
import numpy as np
from keras import ops

from keras_ssl import methods
from keras_ssl.networks import generators, vae

SHAPE = (8, 8, 1)
CLASSES = 4
POOL = 40


def network(
    activation="swish",
    dropout=0.0,
    seed=0,
    pooling=keras.layers.MaxPooling2D,
):
    """A small network with batch normalization and known weights."""
    images = keras.Input(SHAPE)
    x = images
    for filters in (4, 6):
        x = keras.layers.Conv2D(filters, 3, padding="same")(x)
        x = keras.layers.BatchNormalization(momentum=0.9)(x)
        x = keras.layers.Activation(activation)(x)
        x = pooling(pool_size=2)(x)
    x = keras.layers.Flatten()(x)
    if dropout:
        x = keras.layers.Dropout(dropout, seed=seed)(x)
    return known(keras.Model(images, keras.layers.Dense(CLASSES)(x)), seed)


def set_weights(variables, seed=0, scale=1.0):
    """Known values for weights; those of normalization keep theirs."""
    rng = np.random.default_rng(seed)
    for variable in variables:
        if variable.name not in ("gamma", "beta"):
            spread = scale / np.sqrt(np.prod(variable.shape[:-1]))
            variable.assign(rng.normal(0.0, spread, variable.shape))


def known(made, seed=0, scale=1.5):
    """A model with weights that are equal everywhere."""
    set_weights(made.trainable_variables, seed, scale)
    return made


def ladder_network(activation="swish"):
    """Three levels: a convolution, pooling and a dense layer, the logits."""
    images = keras.Input(SHAPE)
    x = keras.layers.Conv2D(4, 3, padding="same", use_bias=False)(images)
    x = keras.layers.BatchNormalization(momentum=0.9, scale=False)(x)
    x = keras.layers.Activation(activation)(x)
    x = keras.layers.Flatten()(keras.layers.AveragePooling2D(2)(x))
    x = keras.layers.Dense(6, use_bias=False)(x)
    x = keras.layers.BatchNormalization(momentum=0.9, scale=False)(x)
    x = keras.layers.Activation(activation)(x)
    x = keras.layers.Dense(CLASSES, use_bias=False)(x)
    logits = keras.layers.BatchNormalization(momentum=0.9)(x)
    return known(keras.Model(images, logits))


def plain_network(normalize=False):
    """One dense layer; its examples know nothing of each other, unless they
    are normalized together.
    """
    images = keras.Input(SHAPE)
    x = keras.layers.Flatten()(images)
    if normalize:
        x = keras.layers.BatchNormalization(momentum=0.9)(x)
    made = keras.Model(images, keras.layers.Dense(CLASSES)(x))
    rng = np.random.default_rng(0)
    for variable in made.trainable_variables[-2:]:
        variable.assign(rng.normal(0.0, 0.4, variable.shape))
    return made


def coded_network():
    """Dense, with a code that does not hold all of an image."""
    images = keras.Input(SHAPE)
    x = keras.layers.Flatten()(images)
    x = keras.layers.Dense(12, "swish", name="code")(x)
    made = keras.Model(images, keras.layers.Dense(CLASSES)(x))
    set_weights(made.trainable_variables)
    return made


def pooled_network():
    """Convolutions and maximum poolings without normalization."""
    images = keras.Input(SHAPE)
    x = images
    for filters in (4, 6):
        x = keras.layers.Conv2D(filters, 3, padding="same")(x)
        x = keras.layers.Activation("swish")(x)
        x = keras.layers.MaxPooling2D()(x)
    x = keras.layers.Flatten()(x)
    made = keras.Model(images, keras.layers.Dense(CLASSES)(x))
    set_weights(made.trainable_variables)
    return made


def generator():
    """Noise of 5 values to images."""
    made = generators.generator_mlp(SHAPE, hidden=(7,), noise_size=5)
    return known(made, scale=1.0)


def encoder():
    """Images to the distribution of their 5 noises."""
    made = generators.encoder_mlp(SHAPE, hidden=(7,), noise_size=5)
    return known(made, scale=1.0)


# learning rates of SGD at which losses agree; the density of a code that
# learns its variance is steeper than a class'
RATES = {"adgm": 1e-3, "sdgm": 1e-3}
# every level of a ladder divides by the deviations of six examples
RATES |= {"ladder": 1e-5, "gamma_ladder": 1e-5}
# faster, a guess comes so near the cutoff, a mean, that rounding decides on it
RATES |= {"adamatch": 0.01}


def pixels():
    return math.prod(SHAPE)


def gaussian(*sizes):
    """Of a vector of 5, given vectors of these sizes."""
    return known(vae.Gaussian(sizes, 5, (7,)), scale=1.0)


def decoder(*sizes):
    """Of an image, given vectors of these sizes."""
    return known(vae.Logits(sizes, pixels(), (7,)), scale=1.0)


def code_classifier():
    made = vae.CodeClassifier(CLASSES, SHAPE, (7, 6), 5, (8,))
    return known(made, scale=1.0)


def auxiliary_classifier():
    made = vae.AuxiliaryClassifier(
        CLASSES, SHAPE, (7, 6), 5, "softplus", momentum=None
    )
    return known(made, scale=1.0)


# what a method needs to be tried on small images, by name: arguments (a
# network among them as a function that makes it), and a function that makes a
# network where it does not take any
ARGUMENTS = {
    **dict.fromkeys(
        (
            "pseudo_label",
            "fixmatch",
            "flexmatch",
            "uda",
            "defixmatch",
            "refixmatch",
            "adamatch",
            "crmatch",
            "meta_pseudo_labels",
            "abc",
            "open_match",
            "debiased_pseudo_label",
            "daso",
            "darp",
            "semi_reward",
        ),
        {"threshold": 0.5},
    ),
    "crest": {"threshold": 0.5, "labeled_size": 8, "alignment": 0.5},
    "freematch": {"fairness_weight": 100.0},
    "regmixmatch": {"fairness_weight": 100.0, "sure": 0.7},
    # full after the first steps
    "comatch": {"threshold": 0.5, "memory_size": 24},
    "simmatch": {"threshold": 0.5, "memory_size": 12},
    "label_propagation": {"memory_size": 12, "neighbors": 5},
    # GANs
    "improved_gan": {"generator": generator},
    "cat_gan": {"generator": generator},
    "bad_gan": {"generator": generator, "encoder": encoder},
    # autoencoders
    "adversarial_auto_encoder": {"width": 16, "style_size": 3},
    # ladder networks
    "ladder": {"costs": (1.0, 0.5, 0.1, 0.1)},
    # variational autoencoders
    "m1": {"decoder": lambda: decoder(5)},
    "m2": {
        "labeled_size": 8,
        "code_size": 5,
        "encoder": lambda: gaussian(pixels(), CLASSES),
        "decoder": lambda: decoder(5, CLASSES),
    },
    "m1_m2": {
        "labeled_size": 8,
        "encoder": lambda: gaussian(5, CLASSES),
        "decoder": lambda: gaussian(5, CLASSES),
        "image_decoder": lambda: decoder(5),
        "code_size": 5,
    },
    "adgm": {
        "labeled_size": 8,
        "alpha": 0.01,
        "code_size": 5,
        "encoder": lambda: gaussian(pixels(), 5, CLASSES),
        "decoder": lambda: decoder(5, CLASSES),
        "auxiliary_decoder": lambda: gaussian(5, CLASSES, pixels()),
    },
    "sdgm": {
        "labeled_size": 8,
        "alpha": 0.01,
        "code_size": 5,
        "encoder": lambda: gaussian(pixels(), 5, CLASSES),
        "decoder": lambda: decoder(5, 5, CLASSES),
        "auxiliary_decoder": lambda: gaussian(5, CLASSES),
    },
}
NETWORKS = {
    # features that are learned
    **dict.fromkeys(
        (
            "remixmatch",
            "crmatch",
            "comatch",
            "simmatch",
            "label_propagation",
            "abc",
            "open_match",
            "daso",
        ),
        coded_network,
    ),
    # GANs
    # autoencoders
    "auto_encoder": coded_network,
    "pretrained_auto_encoder": coded_network,
    "adversarial_auto_encoder": coded_network,
    "what_where_auto_encoder": pooled_network,
    # ladder networks
    "ladder": ladder_network,
    "gamma_ladder": ladder_network,
    # variational autoencoders
    "m1": code_classifier,
    "m1_m2": code_classifier,
    "adgm": auxiliary_classifier,
    "sdgm": auxiliary_classifier,
}


def with_guesses(made):
    made.guess.assign(np.arange(POOL) % CLASSES)
    made.weight.assign(np.linspace(0.2, 1.0, POOL))


def with_refined(made):
    rng = np.random.default_rng(5)
    refined = rng.dirichlet(np.ones(CLASSES), POOL)
    refined[::5] = 0  # not seen yet
    made.refined.assign(refined)


def with_added(made):
    made.added.assign(np.arange(POOL) % (CLASSES + 1) - 1)


# what a method finds out between epochs, by name
AFTER_AN_EPOCH = {
    "label_propagation": with_guesses,
    "darp": with_refined,
    "crest": with_added,
}


def model(name, **arguments):
    """A method on a small network, with noise that is equal everywhere."""
    cls = methods.get(name)
    arguments = {**ARGUMENTS.get(name, {}), **arguments}
    chosen = arguments.pop("network", None)
    if name in NETWORKS:
        chosen = NETWORKS[name]()
    arguments = {
        key: value() if inspect.isfunction(value) else value
        for key, value in arguments.items()
    }
    made = cls(chosen or network(), **arguments)
    # the weights of the networks that it has made itself
    given = [made.network, *arguments.values()]
    there = {
        id(variable)
        for network in given
        if isinstance(network, keras.Model)
        for variable in network.variables
    }
    own = [v for v in made.trainable_variables if id(v) not in there]
    set_weights(own, seed=1)
    made.build_state(POOL)
    AFTER_AN_EPOCH.get(name, lambda made: None)(made)
    if hasattr(made, "noise"):
        made.noise = lambda images: ops.cos(13.0 * images)
    if hasattr(made, "kept"):
        made.kept = lambda images: ops.cast(
            ops.cos(13.0 * images) > 0, "float32"
        )
    if hasattr(made, "ratios"):
        made.ratios = lambda count: ops.linspace(0.05, 0.95, count)
    if hasattr(made, "shuffled"):
        made.shuffled = lambda count: ops.flip(ops.arange(count), 0)
    if hasattr(made, "uniform"):
        made.uniform = lambda images: ops.square(ops.sin(29.0 * images))
    if hasattr(made, "latent"):
        size = made.generator.input_shape[-1]
        made.latent = lambda n: waves(n, size)
    return made


def waves(n, size):
    """Numbers from 0 to 1 instead of random ones, `(n, size)`."""
    place = ops.arange(n * size, dtype="float32")
    return ops.reshape(0.5 + 0.5 * ops.cos(13.0 * place), (n, size))


def batch(cls, step, labeled=6, ratio=2):
    """`(views, labels)` of a step: smooth random images, uint8."""
    rng = np.random.default_rng(1000 + step)
    views = {}
    for name, (stream, policy) in cls.views.items():
        # any other stream walks the unlabeled pool
        size = labeled if stream == "labeled" else labeled * ratio
        images = rng.integers(0, 256, (size, *SHAPE))
        views[name] = images.astype("uint8")
        if policy == "rotated":
            views[f"turns/{name}"] = rng.integers(0, 4, size).astype("int32")
    views["index"] = rng.permutation(POOL)[: labeled * ratio].astype("int32")
    return views, rng.integers(0, CLASSES, labeled).astype("int32")


class Stream(keras.utils.PyDataset):
    """Endless batches in the form of `Batches`, without the sampler."""

    num_batches = None
    unlabeled_size = POOL
    labeled_size = 8

    def __init__(self, cls, steps_per_epoch=5, first_step=0):
        super().__init__()
        self.cls = cls
        self.steps_per_epoch = steps_per_epoch
        self.first_step = first_step

    def from_step(self, step):
        return Stream(self.cls, self.steps_per_epoch, step)

    def __getitem__(self, i):
        return batch(self.cls, self.first_step + i)


def variables(made):
    """Everything the next step depends on, as NumPy arrays."""
    return [
        ops.convert_to_numpy(variable)
        for variable in (*made.variables, *made.optimizer.variables)
    ]


def digest(made):
    """One hash over everything the next step depends on."""
    sha = hashlib.sha256()
    for value in variables(made):
        sha.update(np.ascontiguousarray(value).tobytes())
    return sha.hexdigest()
