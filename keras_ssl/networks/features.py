"""What a classifier knows of an image before it decides: its features."""

import math
from collections.abc import Callable

import keras
from keras import ops

from keras_ssl.backend import Tensor


def logits_and_features(
    network: keras.Model,
) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """A function of images that also returns what the last layer decides from.

    The features are the output of the layer named "features", and where there
    is none the input of the last layer.

    Args:
        network: a functional `keras.Model` from images to logits.

    Returns:
        A function from float images, in training mode, to float32 logits
        `(batch, classes)` and flat float32 features `(batch, values)`.

    Raises:
        ValueError: the network is not functional.
    """
    if not getattr(network, "outputs", None):
        raise ValueError(
            "expected a functional network, whose layers and their outputs are "
            "known: keras.Model(inputs, outputs), keras.Sequential or one of "
            f"keras_ssl.networks; received {network}"
        )
    named = [layer for layer in network.layers if layer.name == "features"]
    features = named[-1].output if named else network.layers[-1].input
    # in a function and not in an attribute, where Keras would track it
    both = keras.Model(network.inputs, [network.outputs[0], features])

    def call(images: Tensor) -> tuple[Tensor, Tensor]:
        logits, found = both(images, training=True)
        flat = ops.reshape(found, (-1, math.prod(found.shape[1:])))
        return ops.cast(logits, "float32"), ops.cast(flat, "float32")

    return call
