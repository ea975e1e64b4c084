"""Where in a classifier the features lie."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_ssl import networks
from keras_ssl.networks.features import logits_and_features, with_features


def dense_network(*names):
    """8-6-5-4, its hidden layers named."""
    images = x = keras.Input((2, 4, 1))
    x = keras.layers.Flatten()(x)
    for units, name in zip((6, 5), names, strict=True):
        x = keras.layers.Dense(units, "tanh", name=name)(x)
    return keras.Model(images, keras.layers.Dense(4)(x))


VALUES = np.random.default_rng(0).normal(0, 1, (3, 2, 4, 1))
IMAGES = ops.convert_to_tensor(VALUES.astype("float32"))


@pytest.mark.parametrize(
    ("names", "size"),
    [
        (("code", "features"), 6),
        (("features", "code"), 5),
        (("features", None), 6),
        ((None, None), 5),
    ],
)
def test_features_are_the_layer_of_that_name_or_what_the_last_layer_sees(
    names, size
):
    network = dense_network(*names)
    logits, code = with_features(network)(IMAGES)
    assert code.shape == (3, size)
    np.testing.assert_allclose(
        ops.convert_to_numpy(logits),
        ops.convert_to_numpy(network(IMAGES)),
        rtol=1e-6,
    )
    x = IMAGES
    for layer in network.layers[1:]:
        x = layer(x)
        if x.shape == (3, size):
            break
    np.testing.assert_allclose(
        ops.convert_to_numpy(code), ops.convert_to_numpy(x), rtol=1e-6
    )


def test_features_are_the_layer_of_that_name_without_its_noise():
    made = networks.GanMLP(3, (4, 4, 1), hidden=(6, 5))
    layer = made.get_layer("features")
    layer.bias.assign([1.0, 2.0, 3.0, 4.0, -5.0])
    layer.scale.assign(np.zeros(5))
    images = ops.zeros((2, 4, 4, 1))
    logits, features = logits_and_features(made)(images)
    np.testing.assert_allclose(
        ops.convert_to_numpy(features), [[1.0, 2.0, 3.0, 4.0, 0.0]] * 2
    )
    assert tuple(logits.shape) == (2, 3)
    # each image has its own noise after them
    assert not np.allclose(*ops.convert_to_numpy(logits))


def test_features_are_else_the_input_of_the_last_layer():
    images = keras.Input((4, 4, 1))
    x = keras.layers.Conv2D(2, 3)(images)
    x = keras.layers.Activation("relu")(x)
    logits = keras.layers.Dense(3)(keras.layers.Flatten()(x))
    made = keras.Model(images, logits)
    inputs = np.random.default_rng(0).normal(size=(5, 4, 4, 1)).astype("f4")
    found, features = logits_and_features(made)(ops.convert_to_tensor(inputs))
    features = ops.convert_to_numpy(features)
    assert features.shape == (5, 8)
    kernel, bias = made.layers[-1].get_weights()
    np.testing.assert_allclose(
        ops.convert_to_numpy(found), features @ kernel + bias, atol=1e-5
    )


def test_features_need_a_functional_model():
    class Own(keras.Model):
        def call(self, images):
            return ops.sum(images, axis=(1, 2))

    made = Own()
    made(ops.zeros((1, 2, 2, 3)))
    with pytest.raises(ValueError, match="functional"):
        logits_and_features(made)
