"""A network taken apart into levels, and what cannot be."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_ssl import backend, networks
from keras_ssl.ladder_encoder import follow, infer, levels

layers = keras.layers
IMAGES = np.random.default_rng(0).uniform(0, 1, (5, 9, 8, 1)).astype("float32")


def chain(*parts, shape=(9, 8, 1)):
    """A network of layers in a row."""
    x = images = keras.Input(shape)
    for part in parts:
        x = part(x)
    return keras.Model(images, x)


def normalization(**arguments):
    return layers.BatchNormalization(momentum=0.75, **arguments)


def convolutional():
    """Five levels of every kind."""
    made = chain(
        layers.ZeroPadding2D(1),
        layers.Conv2D(3, 3, use_bias=False),
        normalization(scale=False),
        layers.LeakyReLU(0.1),
        layers.MaxPooling2D(2),
        normalization(scale=False, center=False),
        layers.Conv2D(4, 2, strides=2, padding="same"),
        normalization(),
        layers.Activation("swish"),
        layers.GlobalAveragePooling2D(),
        normalization(scale=False, center=False),
        layers.Dense(3, use_bias=False),
        normalization(),
    )
    rng = np.random.default_rng(1)
    for variable in made.variables:
        if variable.name == "moving_variance":
            variable.assign(rng.uniform(0.5, 2.0, variable.shape))
        else:
            variable.assign(rng.normal(0.0, 0.5, variable.shape))
    return made


@pytest.fixture(scope="module")
def network():
    return convolutional()


def numpy(x):
    return ops.convert_to_numpy(x)


def test_each_normalization_ends_a_level(network):
    found = levels(network)
    assert [level.shape for level in found] == [
        (9, 8, 3), (4, 4, 3), (2, 2, 4), (4,), (3,),
    ]  # fmt: skip
    assert [len(level.maps) for level in found] == [2, 1, 1, 1, 1]
    assert [len(level.activations) for level in found] == [1, 0, 1, 0, 0]
    assert not any(level.flattens for level in found)


def test_a_level_with_flatten_says_so():
    found = levels(networks.LadderMLP(3, (4, 4, 1), hidden=(5,)))
    assert [level.flattens for level in found] == [True, False]
    assert [level.shape for level in found] == [(5,), (3,)]


def test_a_sequential_model_is_a_chain_too():
    made = keras.Sequential(
        [keras.Input((4,)), layers.Dense(3), normalization()]
    )
    assert [level.shape for level in levels(made)] == [(3,)]


def test_inference_up_the_levels_is_the_network(network):
    z, h = infer(levels(network), ops.convert_to_tensor(IMAGES))
    expected = network(IMAGES, training=False)
    np.testing.assert_allclose(
        numpy(h[-1]), numpy(expected), rtol=1e-4, atol=1e-5
    )
    assert [tuple(x.shape[1:]) for x in z] == [
        (9, 8, 1), (9, 8, 3), (4, 4, 3), (2, 2, 4), (4,), (3,),
    ]  # fmt: skip


def test_batches_that_climb_together_are_normalized_apart(network):
    parts = [ops.convert_to_tensor(IMAGES[:2]), ops.convert_to_tensor(IMAGES)]
    h = list(parts)
    for level in levels(network):
        z, _ = level.normalize(*h)
        h = [level.activate(part) for part in z]
    for found, images in zip(h, parts, strict=True):
        with backend.scope():
            expected = numpy(network(images, training=True))
        np.testing.assert_allclose(numpy(found), expected, rtol=1e-3, atol=1e-4)


def test_following_a_batch_moves_the_statistics_as_training_does():
    one, other = convolutional(), convolutional()
    follow(levels(one), ops.convert_to_tensor(IMAGES))
    other(IMAGES, training=True)
    for found, expected in zip(
        one.non_trainable_variables, other.non_trainable_variables, strict=True
    ):
        np.testing.assert_allclose(
            numpy(found), numpy(expected), rtol=1e-4, atol=1e-5
        )


# What cannot be taken apart ---------------------------------------------------


def two_branches():
    images = keras.Input((4,))
    x = layers.Dense(3)(images)
    y = layers.BatchNormalization()(layers.Dense(3)(images))
    return keras.Model(images, layers.Add()([x, y]))


def shared_layer():
    images = keras.Input((4,))
    dense = layers.Dense(4)
    x = layers.BatchNormalization()(dense(dense(images)))
    return keras.Model(images, x)


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(3)

    def call(self, x):
        return self.dense(x)


def subclassed():
    made = Subclassed()
    made(np.zeros((1, 4), "float32"))
    return made


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (
            lambda: networks.MLP(3, hidden=(4,)),
            "no batch normalization follows 'logits'",
        ),
        (
            lambda: chain(layers.GaussianNoise(0.1), normalization()),
            "GaussianNoise .* cannot stand",
        ),
        (two_branches, "does not follow the layer before it"),
        (shared_layer, "does not follow the layer before it"),
        (subclassed, "no functional or sequential model"),
        (
            lambda: chain(layers.Dense(3, activation="relu"), normalization()),
            "has an activation of its own",
        ),
        (
            lambda: chain(layers.Dense(3), normalization(), layers.ReLU()),
            "where logits are wanted",
        ),
        (lambda: chain(normalization()), "follows no layer"),
        (
            lambda: chain(layers.Conv2D(3, 2), normalization(axis=1)),
            "normalizes axis 1, not -1",
        ),
        (
            lambda: chain(layers.Dense(3), layers.ReLU(), normalization()),
            "ReLU .* cannot stand",
        ),
    ],
)
def test_a_network_that_is_no_chain_of_levels_is_refused(make, reason):
    with pytest.raises(ValueError, match=f"a chain of levels.*{reason}"):
        levels(make())
