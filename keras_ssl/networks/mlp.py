"""MLP: dense layers on flattened images."""

import keras

from keras_ssl.networks.layers import activate, normalize


def MLP(  # noqa: N802 (a function named as a class, as keras.applications)
    num_classes: int = 10,
    input_shape: tuple[int, int, int] = (28, 28, 1),
    hidden: tuple[int, ...] = (512, 256),
    activation: str = "relu",
    momentum: float = 0.9,
    name: str = "mlp",
) -> keras.Model:
    """Dense layers with batch normalization on the flattened image.

    Args:
        num_classes: defaults to 10.
        input_shape: `(height, width, channels)`.
        hidden: widths of the hidden layers. Defaults to `(512, 256)`.
        activation: defaults to "relu".
        momentum: of batch normalization. Defaults to 0.9.
        name: name of the model.

    Returns:
        A `keras.Model` from floats `(batch, *input_shape)` to logits
        `(batch, num_classes)`.
    """
    images = keras.Input(input_shape)
    x = keras.layers.Flatten()(images)
    for units in hidden:
        x = keras.layers.Dense(units, kernel_initializer="he_normal")(x)
        x = activate(normalize(x, momentum), activation)
    logits = keras.layers.Dense(num_classes, name="logits")(x)
    return keras.Model(images, logits, name=name)
