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

    def smooth(
        self, q: Tensor, z: Tensor, temperature: float, keep: float
    ) -> tuple[Tensor, Tensor]:
        """Predictions, moved towards those of the examples that resemble them.

        a q + (1 - a) sum_k s_k q_k with s = softmax_k(z . z_k / T); q itself
        until the memory is full.

        Args:
            q: probabilities `(batch, classes)`.
            z: embeddings `(batch, size)`.
            temperature: T.
            keep: a.

        Returns:
            The predictions and s, `(batch, length)`.
        """
        s = ops.softmax(self.logits(z, temperature))
        moved = keep * q + (1.0 - keep) * ops.matmul(s, self.q)
        return ops.where(self.is_full(), moved, q), s


class PrototypeMemory:
    """The last features of each class, as many for all, and their means.

    Args:
        model: whose state it is.
        classes: number of classes.
        length: number of features of each.
        size: of a feature.
    """

    def __init__(
        self, model: SSLModel, classes: int, length: int, size: int
    ) -> None:
        self.classes, self.length = classes, length
        places = np.zeros((classes * length, size))
        self.z = model.remember("prototype_z", places)
        none = np.zeros(classes)
        self.counts = model.remember("prototype_counts", none, "int32")

    def push(self, z: Tensor, labels: Tensor) -> Tensor:
        """Puts features in the place of the oldest of their class.

        Args:
            z: `(batch, size)`; of one class at most `length`, of more the last
                ones count.
            labels: int `(batch,)`.

        Returns:
            The mean of each class, float32 `(classes, size)` without gradient;
            0 before its first feature.
        """
        labels = ops.cast(labels, "int32")
        y = ops.one_hot(labels, self.classes, dtype="int32")
        until = ops.cumsum(y, axis=0)  # how many of a class there are so far
        total = until[-1]
        # before and after each row, of its own class
        before = ops.sum(y * (until + self.counts), axis=-1) - 1
        after = ops.sum(y * (total - until), axis=-1)
        place = before % self.length + self.length * labels
        # one more place, for what is pushed out within this batch
        outside = self.classes * self.length
        place = ops.where(after < self.length, place, outside)
        room = ops.pad(ops.cast(self.z, "float32"), [[0, 1], [0, 0]])
        z = ops.stop_gradient(ops.cast(z, "float32"))
        new = ops.scatter_update(room, place[:, None], z)[:-1]
        counts = self.counts + total
        self.z.assign(new)
        self.counts.assign(counts)
        rows = ops.reshape(new, (self.classes, self.length, -1))
        there = ops.clip(counts, 1, self.length)
        return ops.sum(rows, axis=1) / ops.cast(there, "float32")[:, None]


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
