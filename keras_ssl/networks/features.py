"""What a classifier knows of an image before it decides: its features.

They are the output of the layer named "code", else of the one named
"features", else the input of the last layer. Autoencoders call them the code.
"""

import math
from collections.abc import Callable

import keras
from keras import ops

from keras_ssl.backend import Tensor

NAMES = ("code", "features")


def features_of(network: keras.Model) -> keras.KerasTensor:
    """The symbolic output of a classifier that is its features.

    Args:
        network: a functional `keras.Model` from images to logits.

    Raises:
        ValueError: the network is not functional.
    """
    if not getattr(network, "inputs", None):
        raise ValueError(
            "expected a functional network, whose layers and their outputs are "
            "known: keras.Model(images, logits), keras.Sequential or one of "
            f"keras_ssl.networks. Received: {network}"
        )
    layers = {layer.name: layer for layer in network.layers}
    for name in NAMES:
        if name in layers:
            return layers[name].output
    return network.layers[-1].input


def with_features(network: keras.Model) -> keras.Model:
    """A classifier that also gives its features; no weight is copied.

    Args:
        network: see `features_of`.

    Returns:
        A `keras.Model` from the same images to `[logits, features]`.

    Raises:
        ValueError: the network is not functional.
    """
    features = features_of(network)
    return keras.Model(network.inputs, [*network.outputs, features])


def logits_and_features(
    network: keras.Model,
) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """A function of images that also returns what the last layer decides from.

    Args:
        network: see `features_of`.

    Returns:
        A function from float images, in training mode, to float32 logits
        `(batch, classes)` and flat float32 features `(batch, values)`.

    Raises:
        ValueError: the network is not functional.
    """
    # in a function and not in an attribute, where Keras would track it
    both = with_features(network)

    def call(images: Tensor) -> tuple[Tensor, Tensor]:
        logits, found = both(images, training=True)
        flat = ops.reshape(found, (-1, math.prod(found.shape[1:])))
        return ops.cast(logits, "float32"), ops.cast(flat, "float32")

    return call
