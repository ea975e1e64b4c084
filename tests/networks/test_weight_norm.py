"""Weight normalization: its map, its first weights, its configuration."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_ssl.networks.weight_norm import (
    WeightNormConv2D,
    WeightNormConv2DTranspose,
    WeightNormDense,
    standardize,
)

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(50, 6)).astype("float32")
IMAGES = RNG.normal(size=(20, 6, 6, 3)).astype("float32")


def numbers(tensor):
    return ops.convert_to_numpy(tensor)


def conv(**arguments):
    return WeightNormConv2D(4, 3, **arguments)


def transpose(**arguments):
    return WeightNormConv2DTranspose(4, 5, **arguments)


def dense(**arguments):
    return WeightNormDense(4, **arguments)


KINDS = [(dense, ROWS), (conv, IMAGES), (transpose, IMAGES)]


def built(make, inputs, **arguments):
    layer = make(**arguments)
    layer.build(inputs.shape)
    for variable in layer.weights:
        variable.assign(RNG.normal(size=variable.shape))
    return layer


def test_a_dense_layer_by_hand():
    layer = WeightNormDense(2)
    layer.build((None, 2))
    layer.theta.assign([[3.0, 0.0], [4.0, -2.0]])
    layer.scale.assign([10.0, 1.0])
    layer.bias.assign([1.0, 0.5])
    found = layer(ops.convert_to_tensor([[1.0, 2.0]]))
    # (3 + 8) / 5 * 10 + 1, -4 / 2 + 0.5
    np.testing.assert_allclose(numbers(found), [[23.0, -1.5]], rtol=1e-6)


def test_convolutions_are_those_with_the_normalized_kernel():
    for make, axes, theirs in (
        (conv, (0, 1, 2), keras.layers.Conv2D(4, 3, padding="same")),
        (
            transpose,
            (0, 1, 3),
            keras.layers.Conv2DTranspose(4, 5, 2, padding="same"),
        ),
    ):
        layer = built(make, IMAGES)
        theirs.build(IMAGES.shape)
        theta = numbers(layer.theta).astype(np.float64)
        norm = np.sqrt((theta**2).sum(axis=axes, keepdims=True))
        scale = numbers(layer.scale).reshape(
            [4 if n > 1 else 1 for n in norm.shape]
        )
        theirs.kernel.assign(theta / norm * scale)
        theirs.bias.assign(numbers(layer.bias))
        images = ops.convert_to_tensor(IMAGES)
        np.testing.assert_allclose(
            numbers(layer(images)), numbers(theirs(images)), rtol=0, atol=2e-5
        )


@pytest.mark.parametrize(("make", "inputs"), KINDS)
def test_the_length_of_theta_does_not_matter(make, inputs):
    layer = built(make, inputs)
    before = numbers(layer(ops.convert_to_tensor(inputs)))
    layer.theta.assign(7.0 * numbers(layer.theta))
    after = numbers(layer(ops.convert_to_tensor(inputs)))
    np.testing.assert_allclose(after, before, rtol=0, atol=2e-5)


@pytest.mark.parametrize(("make", "inputs"), KINDS)
@pytest.mark.parametrize("spread", [1.0, 0.1])
def test_the_first_images_standardize_each_output(make, inputs, spread):
    images = keras.Input(inputs.shape[1:])
    layer = make(first_spread=spread)
    network = keras.Model(images, layer(images))
    standardize(network, ops.convert_to_tensor(inputs))
    found = numbers(network(ops.convert_to_tensor(inputs)))
    found = found.reshape(-1, 4)
    np.testing.assert_allclose(found.mean(axis=0), 0.0, atol=1e-5)
    np.testing.assert_allclose(found.std(axis=0), spread, rtol=1e-4)


def test_layers_are_standardized_one_after_the_other_with_their_noise():
    inputs = keras.Input((6,))
    x = WeightNormDense(5, activation="relu")(inputs)
    x = keras.layers.GaussianNoise(1.0, seed=0)(x)
    network = keras.Model(inputs, WeightNormDense(3)(x))
    rows = ops.convert_to_tensor(
        RNG.normal(5.0, 3.0, size=(20000, 6)).astype("float32")
    )
    standardize(network, rows)
    with_noise = numbers(network(rows, training=True))
    np.testing.assert_allclose(with_noise.mean(axis=0), 0.0, atol=0.05)
    np.testing.assert_allclose(with_noise.std(axis=0), 1.0, atol=0.05)
    # of which the noise is a large part
    assert (numbers(network(rows)).std(axis=0) < 0.7).all()


def test_a_layer_without_a_first_spread_stays_as_it_is():
    inputs = keras.Input((6,))
    network = keras.Model(inputs, WeightNormDense(3, first_spread=None)(inputs))
    standardize(network, ops.convert_to_tensor(ROWS))
    np.testing.assert_array_equal(numbers(network.layers[-1].scale), 1.0)
    np.testing.assert_array_equal(numbers(network.layers[-1].bias), 0.0)


@pytest.mark.parametrize(("make", "inputs"), KINDS)
def test_the_scale_is_trained_where_asked_only(make, inputs):
    for train_scale, trained in ((False, 2), (True, 3)):
        layer = built(make, inputs, train_scale=train_scale)
        assert len(layer.trainable_variables) == trained
        assert len(layer.weights) == 3


@pytest.mark.parametrize(("make", "inputs"), KINDS)
def test_a_layer_survives_saving(make, inputs, tmp_path):
    images = keras.Input(inputs.shape[1:])
    layer = make(
        train_scale=True, activation="tanh", initializer="he_normal",
        first_spread=0.5,
    )  # fmt: skip
    network = keras.Model(images, layer(images))
    network.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras")
    assert again.layers[-1].get_config() == layer.get_config()
    x = ops.convert_to_tensor(inputs)
    np.testing.assert_array_equal(numbers(again(x)), numbers(network(x)))


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (WeightNormConv2D(4, 3, 2), (None, 3, 4, 4)),
        (WeightNormConv2D(4, 3, 2, "valid"), (None, 2, 3, 4)),
        (WeightNormConv2DTranspose(4, 5, 2), (None, 12, 14, 4)),
    ],
)
def test_the_shape_that_it_announces_is_the_one_it_makes(layer, shape):
    announced = layer(keras.Input((6, 7, 3))).shape
    made = layer(ops.zeros((2, 6, 7, 3))).shape
    assert tuple(announced) == shape
    assert tuple(made) == (2, *shape[1:])
