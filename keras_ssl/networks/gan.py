"""Discriminators, generators and an encoder of the semi-supervised GANs.

A discriminator is a classifier like any other network here, of images in 0 to
1. A generator takes noise `(batch, noise_size)` to such images.
"""

import math

import keras

from keras_ssl.backend import Tensor
from keras_ssl.networks.weight_norm import (
    WeightNormConv2D,
    WeightNormConv2DTranspose,
    WeightNormDense,
)

NOISE_SIZE = 100


def GanMLP(  # noqa: N802 (a function named as a class, as keras.applications)
    num_classes: int = 10,
    input_shape: tuple[int, int, int] = (28, 28, 1),
    hidden: tuple[int, ...] = (1000, 500, 250, 250, 250),
    activation: str = "relu",
    momentum: float = 0.9,
    name: str = "gan_mlp",
) -> keras.Model:
    """Dense layers with weight normalization and Gaussian noise between them.

    The MNIST discriminator of Improved GAN (Salimans et al., NeurIPS 2016;
    openai/improved-gan): noise of deviation 0.3 on the pixels and 0.5 before
    every later layer.

    Args:
        num_classes: defaults to 10.
        input_shape: `(height, width, channels)`.
        hidden: widths of the hidden layers; the last one's outputs, without
            noise, are the layer "features".
        activation: defaults to "relu".
        momentum: not used: there is no batch normalization.
        name: name of the model.

    Returns:
        A `keras.Model` from floats `(batch, *input_shape)` to logits
        `(batch, num_classes)`.
    """
    del momentum
    noise = keras.layers.GaussianNoise
    images = keras.Input(input_shape)
    x = keras.layers.Flatten()(images)
    x = noise(0.3)(x)
    for place, units in enumerate(hidden, 1):
        last = place == len(hidden)
        x = WeightNormDense(
            units,
            activation=activation,
            name="features" if last else f"hidden_{place}",
        )(x)
        x = noise(0.5)(x)
    logits = WeightNormDense(num_classes, train_scale=True, name="logits")(x)
    return keras.Model(images, logits, name=name)


def GanConv(  # noqa: N802
    num_classes: int = 10,
    input_shape: tuple[int, int, int] = (32, 32, 3),
    width: int = 96,
    activation: str = "leaky_relu",
    momentum: float = 0.9,
    name: str = "gan_conv",
) -> keras.Model:
    """Nine convolutions with weight normalization, and dropout.

    The CIFAR-10 discriminator of Improved GAN; that of SVHN has width 64. It
    sees its images in -1 to 1, to which its first layer scales them.

    Args:
        num_classes: defaults to 10.
        input_shape: `(height, width, channels)`, sides of at least 9 pixels.
        width: filters of the first three convolutions, half of those of the
            other six. Defaults to 96.
        activation: "leaky_relu", the default, has the slope 0.2.
        momentum: not used: there is no batch normalization.
        name: name of the model.

    Returns:
        A `keras.Model` from floats in 0 to 1 `(batch, *input_shape)` to logits
        `(batch, num_classes)`.

    Raises:
        ValueError: the images are too small.
    """
    del momentum
    if min(input_shape[:2]) < 9:
        raise ValueError(
            "expected images of at least 9 x 9 pixels, of which the third "
            f"group of convolutions sees 3 x 3; received {input_shape}"
        )

    def convolution(
        x: Tensor, filters: int, size: int = 3, strides: int = 1,
        padding: str = "same",
    ) -> Tensor:  # fmt: skip
        x = WeightNormConv2D(
            filters, size, strides, padding, initializer=_normal()
        )(x)
        return _activate(x, activation)

    images = keras.Input(input_shape)
    x = keras.layers.Rescaling(2.0, -1.0)(images)
    for filters, dropout in ((width, 0.2), (2 * width, 0.5)):
        x = keras.layers.Dropout(dropout)(x)
        x = convolution(convolution(x, filters), filters)
        x = convolution(x, filters, strides=2)
    x = keras.layers.Dropout(0.5)(x)
    x = convolution(x, 2 * width, padding="valid")
    x = convolution(convolution(x, 2 * width, 1), 2 * width, 1)
    x = keras.layers.GlobalAveragePooling2D(name="features")(x)
    logits = WeightNormDense(
        num_classes,
        train_scale=True,
        initializer=_normal(),
        first_spread=0.1,
        name="logits",
    )(x)
    return keras.Model(images, logits, name=name)


def DCGAN(  # noqa: N802
    num_classes: int = 10,
    input_shape: tuple[int, int, int] = (28, 28, 1),
    width: int = 64,
    activation: str = "leaky_relu",
    momentum: float = 0.9,
    name: str = "dcgan",
) -> keras.Model:
    """Two convolutions with strides and a dense layer: a small discriminator.

    After DCGAN (Radford et al., ICLR 2016), with weight normalization in the
    place of batch normalization, which would let real and drawn images in one
    batch know of each other, and with dropout.

    Args:
        num_classes: defaults to 10.
        input_shape: `(height, width, channels)`; any size.
        width: filters of the first convolution. Defaults to 64.
        activation: "leaky_relu", the default, has the slope 0.2.
        momentum: not used: there is no batch normalization.
        name: name of the model.

    Returns:
        A `keras.Model` from floats in 0 to 1 `(batch, *input_shape)` to logits
        `(batch, num_classes)`.
    """
    del momentum
    images = keras.Input(input_shape)
    x = keras.layers.Rescaling(2.0, -1.0)(images)
    x = keras.layers.Dropout(0.2)(x)
    for filters in (width, 2 * width):
        x = WeightNormConv2D(filters, 5, 2, initializer=_normal())(x)
        x = keras.layers.Dropout(0.5)(_activate(x, activation))
    x = keras.layers.Flatten()(x)
    x = WeightNormDense(4 * width, initializer=_normal())(x)
    x = _activate(x, activation, name="features")
    logits = WeightNormDense(
        num_classes, train_scale=True, initializer=_normal(), name="logits"
    )(x)
    return keras.Model(images, logits, name=name)


def generator_mlp(
    image_shape: tuple[int, int, int] = (28, 28, 1),
    hidden: tuple[int, ...] = (500, 500),
    noise_size: int = NOISE_SIZE,
    name: str = "generator",
) -> keras.Model:
    """Dense layers from noise to an image.

    The MNIST generator of Improved GAN: batch normalization without a scale
    and a softplus after each hidden layer; weight normalization and a sigmoid
    at the end.

    Args:
        image_shape: `(height, width, channels)`.
        hidden: widths of the hidden layers. Defaults to `(500, 500)`.
        noise_size: defaults to 100.
        name: name of the model.

    Returns:
        A `keras.Model` from `(batch, noise_size)` to images in 0 to 1.
    """
    z = keras.Input((noise_size,))
    x = _softplus_layers(z, hidden)
    x = WeightNormDense(
        math.prod(image_shape),
        train_scale=True,
        activation="sigmoid",
        initializer="glorot_uniform",
        first_spread=None,
    )(x)
    return keras.Model(z, keras.layers.Reshape(image_shape)(x), name=name)


def generator_conv(
    image_shape: tuple[int, int, int] = (32, 32, 3),
    width: int = 128,
    noise_size: int = NOISE_SIZE,
    name: str = "generator",
) -> keras.Model:
    """Three transposed convolutions from noise to an image.

    The CIFAR-10 and SVHN generator of Improved GAN: 4 x 4 places of 512 values
    for images of 32 x 32, then 256 and 128 filters.

    Args:
        image_shape: `(height, width, channels)`, the sides multiples of 8.
        width: filters before the last layer. Defaults to 128.
        noise_size: defaults to 100.
        name: name of the model.

    Returns:
        A `keras.Model` from `(batch, noise_size)` to images in 0 to 1.

    Raises:
        ValueError: the sides are no multiples of 8.
    """
    return _upward(image_shape, (4 * width, 2 * width, width), noise_size, name)


def generator_dcgan(
    image_shape: tuple[int, int, int] = (28, 28, 1),
    width: int = 64,
    noise_size: int = NOISE_SIZE,
    name: str = "generator",
) -> keras.Model:
    """Two transposed convolutions from noise to an image.

    After DCGAN (Radford et al., ICLR 2016): 7 x 7 places for images of 28 x 28
    and 8 x 8 for 32 x 32, batch normalization and ReLU, at the end a tanh,
    scaled to 0 to 1.

    Args:
        image_shape: `(height, width, channels)`, the sides multiples of 4.
        width: filters before the last layer. Defaults to 64.
        noise_size: defaults to 100.
        name: name of the model.

    Returns:
        A `keras.Model` from `(batch, noise_size)` to images in 0 to 1.

    Raises:
        ValueError: the sides are no multiples of 4.
    """
    return _upward(image_shape, (2 * width, width), noise_size, name)


def generator_for(image_shape: tuple[int, int, int]) -> keras.Model:
    """The generator for images of this shape where none is given.

    `generator_conv` for color images whose sides are multiples of 8, else
    `generator_mlp`.
    """
    height, width, channels = image_shape
    if channels > 1 and height % 8 == width % 8 == 0:
        return generator_conv(image_shape)
    return generator_mlp(image_shape)


def encoder_mlp(
    image_shape: tuple[int, int, int] = (28, 28, 1),
    hidden: tuple[int, ...] = (500, 500),
    noise_size: int = NOISE_SIZE,
    name: str = "encoder",
) -> keras.Model:
    """Dense layers from an image to what its noise may have been.

    The MNIST encoder of BadGAN (Dai et al., NeurIPS 2017; kimiyoung/
    ssl_bad_gan).

    Args:
        image_shape: `(height, width, channels)`.
        hidden: widths of the hidden layers. Defaults to `(500, 500)`.
        noise_size: defaults to 100.
        name: name of the model.

    Returns:
        A `keras.Model` from images to `(batch, 2 * noise_size)`: means, then
        logarithms of deviations.
    """
    images = keras.Input(image_shape)
    x = _softplus_layers(keras.layers.Flatten()(images), hidden)
    code = WeightNormDense(2 * noise_size, train_scale=True, first_spread=None)(
        x
    )
    return keras.Model(images, code, name=name)


def _upward(
    image_shape: tuple[int, int, int],
    widths: tuple[int, ...],
    noise_size: int,
    name: str,
) -> keras.Model:
    """A generator that doubles the sides once for each of its widths."""
    (*sides, channels), factor = image_shape, 2 ** len(widths)
    if any(side % factor for side in sides):
        raise ValueError(
            f"expected images whose sides are multiples of {factor}; received "
            f"{image_shape}"
        )
    first = [side // factor for side in sides]
    z = keras.Input((noise_size,))
    x = keras.layers.Dense(
        math.prod(first) * widths[0],
        use_bias=False,
        kernel_initializer=_normal(),
    )(z)
    x = keras.layers.Activation("relu")(_normalize(x))
    x = keras.layers.Reshape((*first, widths[0]))(x)
    for filters in widths[1:]:
        x = keras.layers.Conv2DTranspose(
            filters, 5, 2, "same", use_bias=False, kernel_initializer=_normal()
        )(x)
        x = keras.layers.Activation("relu")(_normalize(x))
    x = WeightNormConv2DTranspose(
        channels, 5, 2, train_scale=True, activation="tanh",
        initializer=_normal(), first_spread=0.1,
    )(x)  # fmt: skip
    return keras.Model(z, keras.layers.Rescaling(0.5, 0.5)(x), name=name)


def _softplus_layers(x: Tensor, hidden: tuple[int, ...]) -> Tensor:
    for units in hidden:
        x = _normalize(keras.layers.Dense(units, use_bias=False)(x))
        x = keras.layers.Activation("softplus")(x)
    return x


def _normalize(x: Tensor) -> Tensor:
    """Batch normalization as openai/improved-gan has it, without a scale."""
    return keras.layers.BatchNormalization(
        scale=False, momentum=0.9, epsilon=1e-6
    )(x)


def _activate(x: Tensor, activation: str, name: str | None = None) -> Tensor:
    if activation == "leaky_relu":
        return keras.layers.LeakyReLU(0.2, name=name)(x)
    return keras.layers.Activation(activation, name=name)(x)


def _normal() -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(stddev=0.05)
