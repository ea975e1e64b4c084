"""ConvLarge, the 13-layer network of the consistency papers."""

import keras

from keras_ssl.backend import Tensor
from keras_ssl.networks.layers import activate, normalize


def ConvLarge(  # noqa: N802 (a function named as a class, as keras.applications)
    num_classes: int = 10,
    input_shape: tuple[int, int, int] = (32, 32, 3),
    activation: str = "leaky_relu",
    momentum: float = 0.999,
    name: str = "conv_large",
) -> keras.Model:
    """The network of Laine & Aila, ICLR 2017; also of Mean Teacher,
    VAT and ICT.

    Gaussian noise 0.15; three 3x3 convolutions with 128 filters, pooling,
    dropout 0.5; three with 256, pooling, dropout 0.5; 3x3 with 512 without
    padding, 1x1 with 256, 1x1 with 128; global average; dense.

    Deviation: ordinary batch normalization, as in the later ports, where the
    original has weight normalization with mean-only batch normalization.

    Args:
        num_classes: defaults to 10.
        input_shape: `(height, width, channels)`, at least 12 by 12.
        activation: defaults to "leaky_relu" with slope 0.1.
        momentum: of batch normalization; under some 5,000 steps take 0.9.
        name: name of the model.

    Returns:
        A `keras.Model` from floats `(batch, *input_shape)` to logits
        `(batch, num_classes)`.

    Raises:
        ValueError: the images are too small.
    """
    if min(input_shape[:2]) < 12:
        raise ValueError(
            "expected images of at least 12 x 12 pixels, of which two poolings "
            f"and a 3 x 3 convolution leave something; received {input_shape}"
        )

    def convolve(
        x: Tensor, filters: int, size: int = 3, padding: str = "same"
    ) -> Tensor:
        x = keras.layers.Conv2D(
            filters, size, padding=padding, kernel_initializer="he_normal"
        )(x)
        return activate(normalize(x, momentum), activation)

    images = keras.Input(input_shape)
    x = keras.layers.GaussianNoise(0.15)(images)
    for filters in (128, 256):
        for _ in range(3):
            x = convolve(x, filters)
        x = keras.layers.MaxPooling2D()(x)
        x = keras.layers.Dropout(0.5)(x)
    x = convolve(x, 512, padding="valid")
    x = convolve(x, 256, size=1)
    x = convolve(x, 128, size=1)
    x = keras.layers.GlobalAveragePooling2D(name="features")(x)
    logits = keras.layers.Dense(num_classes, name="logits")(x)
    return keras.Model(images, logits, name=name)
