"""The networks of the ladder papers."""

import keras

from keras_ssl.networks.layers import activate

EPSILON = 1e-6


def LadderMLP(  # noqa: N802
    num_classes: int = 10,
    input_shape: tuple[int, int, int] = (28, 28, 1),
    hidden: tuple[int, ...] = (1000, 500, 250, 250, 250),
    activation: str = "relu",
    momentum: float = 0.9,
    name: str = "ladder_mlp",
) -> keras.Model:
    start = keras.initializers.VarianceScaling(
        1.0, "fan_in", "untruncated_normal"
    )
    images = keras.Input(input_shape)
    x = keras.layers.Flatten()(images)
    for units in hidden:
        x = keras.layers.Dense(units, use_bias=False, kernel_initializer=start)(
            x
        )
        x = keras.layers.BatchNormalization(
            scale=False, momentum=momentum, epsilon=EPSILON
        )(x)
        x = activate(x, activation)
    x = keras.layers.Dense(
        num_classes, use_bias=False, kernel_initializer=start
    )(x)
    logits = keras.layers.BatchNormalization(
        momentum=momentum, epsilon=EPSILON, name="logits"
    )(x)
    return keras.Model(images, logits, name=name)
