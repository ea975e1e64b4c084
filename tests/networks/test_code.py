"""Where in a classifier the code lies, and decoders that fit it."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_ssl import networks
from keras_ssl.networks.code import decoder_for, with_code, with_style


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
def test_the_code_is_the_layer_of_that_name_or_what_the_last_layer_sees(
    names, size
):
    network = dense_network(*names)
    logits, code = with_code(network)(IMAGES)
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


def test_no_weight_is_copied_and_the_style_has_two_of_its_own():
    network = dense_network(None, "code")
    paths = [v.path for v in network.variables]
    assert [v.path for v in with_code(network).variables] == paths
    styled = with_style(network, 7)
    assert styled.output_shape == [(None, 4), (None, 7)]
    own = [v for v in styled.variables if v.path not in paths]
    assert [v.shape for v in own] == [(5, 7), (7,)]


def test_a_network_that_is_not_functional_is_refused():
    class Own(keras.Model):
        def call(self, x):
            return x

    network = Own()
    network.build((None, 2, 2, 1))
    with pytest.raises(ValueError, match="expected a functional network"):
        with_code(network)


def test_a_dense_network_gets_its_hidden_widths_in_reverse():
    decoder = decoder_for(with_code(dense_network(None, "code")))
    widths = [
        layer.units
        for layer in decoder.layers
        if isinstance(layer, keras.layers.Dense)
    ]
    assert widths == [6, 8]
    assert decoder.output_shape == (None, 2, 4, 1)


@pytest.mark.parametrize("name", ["small_cnn", "conv_encoder", "mlp"])
@pytest.mark.parametrize("shape", [(8, 8, 1), (9, 11, 3)])
def test_a_decoder_takes_the_code_of_any_network_back_to_its_images(
    name, shape
):
    encoder = with_code(networks.get(name)(input_shape=shape))
    images = ops.zeros((2, *shape))
    decoder = decoder_for(encoder)
    assert decoder(encoder(images)[1]).shape == images.shape
    convolutional = any("conv" in layer.name for layer in decoder.layers)
    assert convolutional == (name != "mlp")
