"""Two layers that the networks share."""

import keras


def activate(x, activation, name=None):
    """The activation as a layer; "leaky_relu" has the papers' slope of 0.1."""
    if activation == "leaky_relu":
        return keras.layers.LeakyReLU(0.1, name=name)(x)
    return keras.layers.Activation(activation, name=name)(x)


def normalize(x, momentum, name=None):
    """Batch normalization with the epsilon of the reference code, 1e-3."""
    return keras.layers.BatchNormalization(
        momentum=momentum, epsilon=1e-3, name=name
    )(x)
