"""SmallCNN: learns small images on a CPU in minutes."""

import keras

from keras_ssl.networks.layers import activate, normalize


def SmallCNN(  # noqa: N802 (a function named as a class, as keras.applications)
    num_classes: int = 10,
    input_shape: tuple[int, int, int] = (28, 28, 1),
    width: int = 16,
    activation: str = "leaky_relu",
    momentum: float = 0.9,
    name: str = "small_cnn",
) -> keras.Model:
    """Three 3x3 convolutions with 1, 2 and 4 times `width` filters, global
    maximum, dense; of no paper.

    The first (of images from 16 by 16 on) and the second have stride 2. Strides
    and not pooling layers, whose gradient XLA computes slowly on a CPU; the
    maximum and not the average, which learns strokes in far fewer steps.

    Args:
        num_classes: defaults to 10.
        input_shape: `(height, width, channels)`.
        width: filters of the first convolution. Defaults to 16, which makes
            some 24,000 weights.
        activation: defaults to "leaky_relu" with slope 0.1.
        momentum: of batch normalization, for short trainings. Defaults to 0.9.
        name: name of the model.

    Returns:
        A `keras.Model` from floats `(batch, *input_shape)` to logits
        `(batch, num_classes)`.
    """
    first_stride = 2 if min(input_shape[:2]) >= 16 else 1
    images = keras.Input(input_shape)
    x = images
    for filters, stride in (
        (width, first_stride),
        (2 * width, 2),
        (4 * width, 1),
    ):
        x = keras.layers.Conv2D(
            filters,
            3,
            strides=stride,
            padding="same",
            kernel_initializer="he_normal",
        )(x)
        x = activate(normalize(x, momentum), activation)
    x = keras.layers.GlobalMaxPooling2D(name="features")(x)
    logits = keras.layers.Dense(num_classes, name="logits")(x)
    return keras.Model(images, logits, name=name)
