"""SmallCNN: learns small images on a CPU in minutes."""

import keras

from keras_ssl.networks.layers import activate, normalize


def SmallCNN(  # noqa: N802 (a function named as a class, as keras.applications)
    num_classes=10,
    input_shape=(28, 28, 1),
    width=16,
    activation="leaky_relu",
    momentum=0.9,
    name="small_cnn",
):
    """Three 3x3 convolutions of `width`, 2 and 4 times `width` filters, pooling
    between them, global average, dense; of no paper.

    Args:
        num_classes: defaults to 10.
        input_shape: `(height, width, channels)`, at least 4 by 4.
        width: filters of the first convolution. Defaults to 16, which makes
            some 24,000 weights.
        activation: defaults to "leaky_relu" with slope 0.1.
        momentum: of batch normalization, for short trainings. Defaults to 0.9.
        name: name of the model.

    Returns:
        A `keras.Model` from floats `(batch, *input_shape)` to logits
        `(batch, num_classes)`.

    Raises:
        ValueError: the images are too small.
    """
    if min(input_shape[:2]) < 4:
        raise ValueError(
            "expected images of at least 4 x 4 pixels, which two poolings "
            f"leave something of; received {input_shape}"
        )
    images = keras.Input(input_shape)
    x = images
    for i in range(3):
        if i:
            x = keras.layers.MaxPooling2D()(x)
        x = keras.layers.Conv2D(
            width << i, 3, padding="same", kernel_initializer="he_normal"
        )(x)
        x = activate(normalize(x, momentum), activation)
    x = keras.layers.GlobalAveragePooling2D(name="features")(x)
    logits = keras.layers.Dense(num_classes, name="logits")(x)
    return keras.Model(images, logits, name=name)
