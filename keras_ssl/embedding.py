"""Embedding: methods that look at features beside the logits."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ssl.backend import Tensor
from keras_ssl.networks.features import features_of, logits_and_features
from keras_ssl.running import push
from keras_ssl.ssl_model import SSLModel, parted


def head(
    inputs: int, outputs: int, hidden: int | None = None, name: str = "head"
) -> keras.Model:
    """A small network on features, with one hidden layer or none.

    Args:
        inputs: number of features.
        outputs: of its values.
        hidden: units of the hidden layer, with LeakyReLU of slope 0.1. `None`,
            the default: none, a linear map.
        name: of the model.
    """
    features = keras.Input((inputs,))
    x = features
    if hidden:
        x = keras.layers.Dense(hidden)(x)
        x = keras.layers.LeakyReLU(0.1)(x)
    return keras.Model(features, keras.layers.Dense(outputs)(x), name=name)


def unit(x: Tensor) -> Tensor:
    """Rows divided by their L2 norm, float32."""
    x = ops.cast(x, "float32")
    return x / ops.sqrt(ops.sum(ops.square(x), axis=-1, keepdims=True) + 1e-12)


def similarities(x: Tensor, y: Tensor, temperature: float) -> Tensor:
    """x_i . y_j / T of all rows, `(rows of x, rows of y)`."""
    return ops.matmul(x, ops.transpose(y)) / temperature


class Memory:
    """Embeddings of the last examples and the classes they are taken for.

    Args:
        model: whose state it is.
        length: number of examples.
        size: of an embedding.
        classes: number of classes.
    """

    def __init__(
        self, model: SSLModel, length: int, size: int, classes: int
    ) -> None:
        self.z = model.remember("memory_z", np.zeros((length, size)))
        self.q = model.remember("memory_q", np.zeros((length, classes)))

    def push(self, z: Tensor, q: Tensor) -> None:
        """Puts examples in front; the oldest drop out."""
        push(self.z, z)
        push(self.q, q)

    def is_full(self) -> Tensor:
        """Whether every place has been filled, a scalar."""
        return ops.sum(self.q[-1]) > 0

    def logits(self, z: Tensor, temperature: float) -> Tensor:
        """z . z_k / T with every remembered k, `(batch, length)`."""
        # a copy: PyTorch differentiates after `push` has changed the memory
        return similarities(z, ops.copy(self.z), temperature)


class Embedding(SSLModel):
    """An `SSLModel` whose objective also uses what the last layer decides from.

    Args:
        network: see `SSLModel`; functional. Where its features lie is said in
            `networks.features`.
        **kwargs: see `SSLModel`.

    Raises:
        ValueError: the network is not functional.
    """

    def __init__(self, network: keras.Model, **kwargs: Any) -> None:
        super().__init__(network, **kwargs)
        self.logits_and_features = logits_and_features(network)
        self.feature_size = math.prod(features_of(network).shape[1:])

    def embed(self, *views: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Logits and features of several views, from one pass over all.

        Args:
            *views: uint8 images, or floats that are normalized already.

        Returns:
            A list of float32 logits `(batch, classes)`, one for each view, and
            a list of float32 features `(batch, feature_size)`.
        """
        images = ops.concatenate([self._as_floats(view) for view in views])
        logits, features = self.logits_and_features(images)
        return parted(logits, views), parted(features, views)

    def told(self, model: keras.Model, features: Tensor) -> Tensor:
        """What a head says of features, in training mode, float32."""
        return ops.cast(model(features, training=True), "float32")
