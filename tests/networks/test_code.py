"""A style beside the code, and decoders that fit it."""

import keras
import pytest
from keras import ops

from keras_ssl import networks
from keras_ssl.networks.code import decoder_for, with_style
from keras_ssl.networks.features import with_features


def dense_network():
    return networks.MLP(4, (2, 4, 1), hidden=(6, 5))


def test_no_weight_is_copied_and_the_style_has_two_of_its_own():
    network = dense_network()
    paths = [v.path for v in network.variables]
    assert [v.path for v in with_features(network).variables] == paths
    styled = with_style(network, 7)
    assert styled.output_shape == [(None, 4), (None, 7)]
    own = [v for v in styled.variables if v.path not in paths]
    assert [v.shape for v in own] == [(5, 7), (7,)]


def test_a_dense_network_gets_its_hidden_widths_in_reverse():
    decoder = decoder_for(with_features(dense_network()))
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
    encoder = with_features(networks.get(name)(input_shape=shape))
    images = ops.zeros((2, *shape))
    decoder = decoder_for(encoder)
    assert decoder(encoder(images)[1]).shape == images.shape
    convolutional = any("conv" in layer.name for layer in decoder.layers)
    assert convolutional == (name != "mlp")
