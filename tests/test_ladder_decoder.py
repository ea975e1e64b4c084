"""The mirror image of a network, and the combinator."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_ssl import networks
from keras_ssl.ladder_decoder import Combinator, decoder
from keras_ssl.ladder_encoder import levels

layers = keras.layers


def chain(shape, *parts):
    x = images = keras.Input(shape)
    for part in parts:
        x = part(x)
    return keras.Model(images, layers.BatchNormalization()(x))


def rebuilt(network, costs=None):
    """The decoder of a network, and the shapes of what it rebuilds."""
    found = levels(network)
    shape = network.input_shape[1:]
    made = decoder(found, shape, costs or [1.0] * (len(found) + 1))
    return made, [tuple(x.shape[1:]) for x in made.outputs]


def test_a_new_combinator_gives_0_and_takes_every_gradient():
    z = np.random.default_rng(0).normal(0, 1, (4, 3)).astype("float32")
    layer = Combinator()
    found = layer([z, z + 1.0])
    np.testing.assert_array_equal(ops.convert_to_numpy(found), 0.0)
    a = ops.convert_to_numpy(layer.a)
    assert a.shape == (10, 3)
    assert np.array_equal(a[:, 0], [0, 1, 0, 0, 0, 0, 1, 0, 0, 0])


def test_the_combinator_is_the_formula():
    layer = Combinator()
    layer.build([(None, 1), (None, 1)])
    layer.a.assign(0.1 * np.arange(1.0, 11.0)[:, None])
    z, u = np.float32([[2.0]]), np.float32([[0.5]])
    mu = 0.1 / (1 + np.exp(-(0.2 * 0.5 + 0.3))) + 0.4 * 0.5 + 0.5
    v = 0.6 / (1 + np.exp(-(0.7 * 0.5 + 0.8))) + 0.9 * 0.5 + 1.0
    found = float(ops.convert_to_numpy(layer([z, u]))[0, 0])
    assert found == pytest.approx((2.0 - mu) * v + mu, rel=1e-6)


@pytest.mark.parametrize(
    ("shape", "parts"),
    [
        ((7, 6, 2), [layers.Conv2D(3, 3)]),
        ((7, 6, 2), [layers.Conv2D(3, (3, 2), padding="same")]),
        ((7, 6, 2), [layers.Conv2D(3, 3, strides=2)]),
        ((7, 6, 2), [layers.Conv2D(3, 2, strides=2, padding="same")]),
        ((7, 6, 2), [layers.Conv2D(3, 3, dilation_rate=2)]),
        ((7, 6, 2), [layers.ZeroPadding2D(2), layers.Conv2D(3, 3)]),
        ((7, 6, 2), [layers.ZeroPadding2D(((1, 2), (0, 1)))]),
        ((7, 6, 2), [layers.MaxPooling2D(2)]),
        ((7, 6, 2), [layers.MaxPooling2D(2, padding="same")]),
        ((7, 6, 2), [layers.MaxPooling2D(3, strides=2)]),
        ((7, 6, 2), [layers.AveragePooling2D((2, 3))]),
        ((7, 6, 2), [layers.GlobalAveragePooling2D()]),
        ((7, 6, 2), [layers.GlobalAveragePooling2D(), layers.Dense(3)]),
        ((7, 6, 2), [layers.Flatten(), layers.Dense(3)]),
        ((4,), [layers.Dense(3)]),
    ],
)
def test_what_comes_back_has_the_shape_of_what_went_up(shape, parts):
    network = chain(shape, *parts)
    made, shapes = rebuilt(network)
    assert shapes == [shape, network.output_shape[1:]]
    inputs = [np.ones((2, *x.shape[1:]), "float32") for x in made.inputs]
    try:
        guesses = made(inputs)
    except Exception as error:  # TensorFlow's, without AVX-512
        if "do not yet support dilation" not in str(error):
            raise
        pytest.skip("no gradient of a dilated convolution on this processor")
    for guess, wanted in zip(guesses, shapes, strict=True):
        assert tuple(guess.shape) == (2, *wanted)


def test_pooled_values_come_back_as_copies():
    made, _ = rebuilt(chain((4, 4, 1), layers.MaxPooling2D(2)))
    top, lowest = (x for x in made.layers if isinstance(x, Combinator))
    for layer in (top, lowest):
        a = np.zeros(layer.a.shape)
        a[4] = a[3] = 1.0 if layer is lowest else 0.0
        a[9] = 0.0 if layer is lowest else 1.0
        layer.a.assign(a)  # z_hat of the top is its z; below it is u + 1
    z = np.arange(4.0, dtype="float32").reshape(1, 2, 2, 1)
    low, _ = made([z, np.zeros((1, 4, 4, 1), "float32"), z], training=True)
    u = ops.convert_to_numpy(low)[0, :, :, 0] - 1.0
    expected = np.kron((z[0, :, :, 0] - 1.5) / np.sqrt(1.25), np.ones((2, 2)))
    np.testing.assert_allclose(u, expected, atol=1e-5)


def test_a_channel_has_one_combinator_unless_it_is_flattened():
    flat, _ = rebuilt(chain((7, 6, 2), layers.Flatten(), layers.Dense(3)))
    channels, _ = rebuilt(chain((7, 6, 2), layers.Conv2D(3, 3)))
    sizes = [
        [x.a.shape[1] for x in made.layers if isinstance(x, Combinator)]
        for made in (flat, channels)
    ]
    assert sizes == [[3, 84], [3, 2]]


@pytest.mark.parametrize(
    ("variant", "size", "count"), [("fc", 5, 7), ("small", 6, 9)]
)
def test_the_convolutional_networks_have_a_decoder(variant, size, count):
    made, shapes = rebuilt(networks.LadderConv(variant, 3, (size, size, 1)))
    assert len(shapes) == count + 1
    assert shapes[0] == (size, size, 1)
    assert shapes[-1] == (3,)


def test_weights_start_with_the_variance_of_the_number_of_inputs():
    made, _ = rebuilt(chain((30, 30, 20), layers.Conv2D(50, 3)))
    (layer,) = (x for x in made.layers if isinstance(x, layers.Conv2DTranspose))
    kernel = ops.convert_to_numpy(layer.kernel)
    bound = np.sqrt(3.0 / (9 * 50))
    assert np.abs(kernel).max() <= bound
    assert kernel.std() == pytest.approx(bound / np.sqrt(3.0), rel=0.05)
    made, _ = rebuilt(chain((400,), layers.Dense(100)))
    (layer,) = (x for x in made.layers if isinstance(x, layers.Dense))
    kernel = ops.convert_to_numpy(layer.kernel)
    assert kernel.shape == (100, 400)
    assert kernel.std() == pytest.approx(0.1, rel=0.05)


@pytest.mark.parametrize("costs", [[1.0], [1.0, 1.0, 1.0], [0.0, 0.0]])
def test_costs_that_do_not_fit_are_refused(costs):
    with pytest.raises(ValueError, match=r"expected 2 costs.*received \("):
        rebuilt(chain((4,), layers.Dense(3)), costs)
