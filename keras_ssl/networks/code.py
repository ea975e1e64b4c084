"""Where in a classifier the code lies, and a decoder that fits it."""

import math

import keras

from keras_ssl.networks.auto_encoder import ConvDecoder, Generator

NAMES = ("code", "features")


def with_code(network: keras.Model) -> keras.Model:
    """A classifier that also gives its code; no weight is copied.

    Args:
        network: a functional `keras.Model` from images to logits.

    Returns:
        A `keras.Model` from the same images to `[logits, code]`. The code is
        the output of the layer named "code", else "features", else the input
        of the last layer.

    Raises:
        ValueError: the network is not functional.
    """
    code = _code(network)
    return keras.Model(network.inputs, [*network.outputs, code])


def with_style(network: keras.Model, size: int) -> keras.Model:
    """A classifier that also gives a style, a new dense layer on its code.

    Args:
        network: as for `with_code`.
        size: length of a style.

    Returns:
        A `keras.Model` from the same images to `[logits, style]`, the latter
        `(batch, size)`.

    Raises:
        ValueError: the network is not functional.
    """
    code = keras.layers.Flatten()(_code(network))
    style = keras.layers.Dense(size, name="style")(code)
    return keras.Model(network.inputs, [*network.outputs, style])


def _code(network: keras.Model) -> keras.KerasTensor:
    if not getattr(network, "inputs", None):
        raise ValueError(
            "expected a functional network, whose code can be found: "
            "keras.Model(images, logits) or keras.Sequential. Received: "
            f"{network}"
        )
    layers = {layer.name: layer for layer in network.layers}
    for name in NAMES:
        if name in layers:
            return layers[name].output
    return network.layers[-1].input


def decoder_for(encoder: keras.Model) -> keras.Model:
    """A new decoder from the code of `with_code` back to its images.

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
