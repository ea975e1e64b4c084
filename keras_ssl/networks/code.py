"""A style beside a classifier's features, its code; a decoder that fits it."""

import math

import keras

from keras_ssl.networks.auto_encoder import (
    ConvDecoder,
    Generator,
    drawn_weights,
)
from keras_ssl.networks.features import features_of


def with_style(
    network: keras.Model, size: int, scale: float | None = 0.01
) -> keras.Model:
    """A classifier that also gives a style, a new dense layer on its code.

    Args:
        network: see `features_of`.
        size: length of a style.
        scale: standard deviation of the layer's first weights; `None`:
            Glorot's. Defaults to 0.01.

    Returns:
        A `keras.Model` from the same images to `[logits, style]`, the latter
        `(batch, size)`.

    Raises:
        ValueError: the network is not functional.
    """
    # named, for Keras' own names may be those of a network read from a file
    code = keras.layers.Flatten(name="style_input")(features_of(network))
    style = keras.layers.Dense(
        size, kernel_initializer=drawn_weights(scale), name="style"
    )(code)
    return keras.Model(network.inputs, [*network.outputs, style])


def decoder_for(encoder: keras.Model) -> keras.Model:
    """A new decoder from the code of `with_features` back to its images.

    Convolutional where the encoder is, else dense, with its hidden widths in
    reverse.
    """
    code, image_shape = encoder.outputs[1], encoder.input_shape[1:]
    code_shape = tuple(code.shape[1:])
    if any(isinstance(layer, keras.layers.Conv2D) for layer in encoder.layers):
        return ConvDecoder(code_shape, image_shape)
    widths = [
        layer.units
        for layer in encoder.layers
        if isinstance(layer, keras.layers.Dense)
    ]
    # the last two are the code and the logits
    return Generator(
        math.prod(code_shape), image_shape, tuple(reversed(widths[:-2]))
    )
