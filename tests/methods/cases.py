"""Small models and batches for the tests of methods, equal on every backend."""

import hashlib

import keras
import numpy as np
from keras import ops

from keras_ssl import methods

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
    made = keras.Model(images, keras.layers.Dense(CLASSES)(x))
    rng = np.random.default_rng(seed)
    for variable in made.trainable_variables:
        if variable.name not in ("gamma", "beta"):
            scale = 1.5 / np.sqrt(np.prod(variable.shape[:-1]))
            variable.assign(rng.normal(0.0, scale, variable.shape))
    return made


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


# what a method needs to be tried on small images, by name: arguments, and a
# function that makes a network where it does not take any
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
        ),
        {"threshold": 0.5},
    ),
    "freematch": {"fairness_weight": 100.0},
    # GANs
    # autoencoders
    # ladder networks
    # variational autoencoders
}
NETWORKS = {
    # GANs
    # autoencoders
    # ladder networks
    # variational autoencoders
}


def model(name, **arguments):
    """A method on a small network, with noise that is equal everywhere."""
    cls = methods.get(name)
    arguments = {**ARGUMENTS.get(name, {}), **arguments}
    chosen = arguments.pop("network", None)
    if name in NETWORKS:
        chosen = NETWORKS[name]()
    made = cls(chosen or network(), **arguments)
    made.build_state(POOL)
    if hasattr(made, "noise"):
        made.noise = lambda images: ops.cos(13.0 * images)
    if hasattr(made, "ratios"):
        made.ratios = lambda count: ops.linspace(0.05, 0.95, count)
    if hasattr(made, "shuffled"):
        made.shuffled = lambda count: ops.flip(ops.arange(count), 0)
    return made


def batch(cls, step, labeled=6, ratio=2):
    """`(views, labels)` of a step: smooth random images, uint8."""
    rng = np.random.default_rng(1000 + step)
    sizes = {"labeled": labeled, "unlabeled": labeled * ratio}
    views = {
        name: rng.integers(0, 256, (sizes[stream], *SHAPE)).astype("uint8")
        for name, (stream, _) in cls.views.items()
    }
    views["index"] = rng.permutation(POOL)[: labeled * ratio].astype("int32")
    return views, rng.integers(0, CLASSES, labeled).astype("int32")


class Stream(keras.utils.PyDataset):
    """Endless batches in the form of `Batches`, without the sampler."""

    num_batches = None
    unlabeled_size = POOL

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
