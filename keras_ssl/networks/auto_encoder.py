"""The networks of autoencoders and of the first generative ones: encoders that
end in a classifier, and decoders from codes to images.

An encoder is a network from images to logits like the others; the layer named
"code" is what a decoder starts from. A decoder ends in a sigmoid: its images
span 0 to 1. All take images of any size.
"""

import math
from collections.abc import Sequence

import keras

from keras_ssl.backend import Tensor
from keras_ssl.networks.layers import activate, normalize


def drawn_weights(
    scale: float | None, otherwise: str = "glorot_uniform"
) -> str | keras.initializers.Initializer:
    """First weights from N(0, scale^2), or `otherwise` without a scale."""
    if scale is None:
        return otherwise
    return keras.initializers.RandomNormal(0.0, scale)


def _dense(
    x: Tensor,
    hidden: Sequence[int],
    activation: str,
    scale: float | None = None,
    name: str | None = None,
) -> Tensor:
    """Dense layers; the last has the name."""
    for place, units in enumerate(hidden, 1):
        x = keras.layers.Dense(
            units, kernel_initializer=drawn_weights(scale, "he_normal")
        )(x)
        x = activate(x, activation, name if place == len(hidden) else None)
    return x


def Discriminator(  # noqa: N802 (a function named as a class, as keras.applications)
    num_classes: int = 10,
    input_shape: tuple[int, int, int] = (28, 28, 1),
    hidden: tuple[int, ...] = (128,),
    activation: str = "relu",
    momentum: float = 0.9,
    scale: float | None = None,
    name: str = "discriminator",
) -> keras.Model:
    """Dense layers on the flattened image: the classifier that a generator
    plays against, and the encoder of a dense autoencoder.

    Args:
        num_classes: defaults to 10.
        input_shape: `(height, width, channels)`.
        hidden: widths of the hidden layers. Defaults to `(128,)`.
        activation: defaults to "relu".
        momentum: ignored: nothing here is normalized.
        scale: standard deviation of the first weights; `None`, the default:
            He's for hidden layers, Glorot's for the last.
        name: name of the model.

    Returns:
        A `keras.Model` from floats `(batch, *input_shape)` to logits
        `(batch, num_classes)`; its layer "code" is the last hidden one.
    """
    images = keras.Input(input_shape)
    x = keras.layers.Flatten()(images)
    x = _dense(x, hidden, activation, scale, name="code")
    logits = keras.layers.Dense(
        num_classes, kernel_initializer=drawn_weights(scale), name="logits"
    )(x)
    return keras.Model(images, logits, name=name)


def Generator(  # noqa: N802
    code_size: int = 100,
    output_shape: tuple[int, int, int] = (28, 28, 1),
    hidden: tuple[int, ...] = (128,),
    activation: str = "relu",
    scale: float | None = None,
    name: str = "generator",
) -> keras.Model:
    """Dense layers from noise to an image, 100-128-784: the generator that
    plays against `Discriminator`, and the decoder of a dense autoencoder.

    Args:
        code_size: length of the noise or code. Defaults to 100.
        output_shape: `(height, width, channels)`.
        hidden: widths of the hidden layers. Defaults to `(128,)`.
        activation: of the hidden layers. Defaults to "relu".
        scale: see `Discriminator`.
        name: name of the model.

    Returns:
        A `keras.Model` from floats `(batch, code_size)` to images in 0 to 1,
        `(batch, *output_shape)`.
    """
    code = keras.Input((code_size,))
    x = _dense(code, hidden, activation, scale)
    x = keras.layers.Dense(
        math.prod(output_shape),
        activation="sigmoid",
        kernel_initializer=drawn_weights(scale),
    )(x)
    return keras.Model(code, keras.layers.Reshape(output_shape)(x), name=name)


def CodeCritics(  # noqa: N802
    sizes: Sequence[int],
    hidden: tuple[int, ...] = (1000, 1000),
    scale: float | None = 0.01,
    name: str = "code_critics",
) -> keras.Model:
    """Discriminators of the parts of a code, each of dense layers.

    Args:
        sizes: lengths of the parts, in order.
        hidden: widths of the hidden layers of each. Defaults to
            `(1000, 1000)`.
        scale: see `Discriminator`. Defaults to 0.01.
        name: name of the model.

    Returns:
        A `keras.Model` from floats `(batch, sum(sizes))` to `(batch,
        len(sizes))`, the logit that each part is genuine.
    """
    code = keras.Input((sum(sizes),))
    logits, begin = [], 0
    for size in sizes:
        x = _dense(code[:, begin : begin + size], hidden, "relu", scale)
        last = keras.layers.Dense(1, kernel_initializer=drawn_weights(scale))
        logits.append(last(x))
        begin += size
    return keras.Model(code, keras.layers.Concatenate()(logits), name=name)


def ConvEncoder(  # noqa: N802
    num_classes: int = 10,
    input_shape: tuple[int, int, int] = (28, 28, 1),
    filters: tuple[int, ...] = (32, 64),
    code_size: int = 64,
    activation: str = "relu",
    momentum: float = 0.9,
    name: str = "conv_encoder",
) -> keras.Model:
    """Two 3x3 convolutions with stride 2, a dense code and the logits.

    Args:
        num_classes: defaults to 10.
        input_shape: `(height, width, channels)`.
        filters: of the convolutions. Defaults to `(32, 64)`.
        code_size: length of the code. Defaults to 64.
        activation: defaults to "relu".
        momentum: of batch normalization. Defaults to 0.9.
        name: name of the model.

    Returns:
        A `keras.Model` from floats `(batch, *input_shape)` to logits
        `(batch, num_classes)`, with a layer "code", `(batch, code_size)`.
    """
    images = keras.Input(input_shape)
    x = images
    for count in filters:
        x = keras.layers.Conv2D(
            count, 3, strides=2, padding="same", kernel_initializer="he_normal"
        )(x)
        x = activate(normalize(x, momentum), activation)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(code_size, kernel_initializer="he_normal")(x)
    x = activate(normalize(x, momentum), activation, name="code")
    logits = keras.layers.Dense(num_classes, name="logits")(x)
    return keras.Model(images, logits, name=name)


def ConvDecoder(  # noqa: N802
    code_shape: tuple[int, ...] = (64,),
    output_shape: tuple[int, int, int] = (28, 28, 1),
    filters: tuple[int, ...] = (64, 32),
    activation: str = "relu",
    name: str = "conv_decoder",
) -> keras.Model:
    """The way back of `ConvEncoder`: dense, then a 3x3 transposed convolution
    that doubles the size for each of its convolutions.

    Args:
        code_shape: shape of a code. Defaults to `(64,)`.
        output_shape: `(height, width, channels)`.
        filters: channels before each transposed convolution. Defaults to
            `(64, 32)`.
        activation: of the hidden layers. Defaults to "relu".
        name: name of the model.

    Returns:
        A `keras.Model` from floats `(batch, *code_shape)` to images in 0 to 1,
        `(batch, *output_shape)`.
    """
    height, width, channels = output_shape
    scale = 2 ** len(filters)
    small = -(-height // scale), -(-width // scale), filters[0]
    code = keras.Input(code_shape)
    x = keras.layers.Flatten()(code)
    x = _dense(x, (math.prod(small),), activation)
    x = keras.layers.Reshape(small)(x)
    for count in filters[1:]:
        x = keras.layers.Conv2DTranspose(
            count, 3, strides=2, padding="same", kernel_initializer="he_normal"
        )(x)
        x = activate(x, activation)
    x = keras.layers.Conv2DTranspose(
        channels, 3, strides=2, padding="same", activation="sigmoid"
    )(x)
    # of images whose size is no multiple of the scale
    excess = small[0] * scale - height, small[1] * scale - width
    if any(excess):
        x = keras.layers.Cropping2D(((0, excess[0]), (0, excess[1])))(x)
    return keras.Model(code, x, name=name)
