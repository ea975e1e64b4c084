"""Embedding: methods that look at features beside the logits."""

from typing import Any

import keras
from keras import ops

from keras_ssl.backend import Tensor
from keras_ssl.networks.features import logits_and_features
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


class Embedding(SSLModel):
    """An `SSLModel` whose objective also uses what the last layer decides from.

    The features are the output of the layer named "features" in the network,
    and where there is none the input of its last layer; flattened.

    Args:
        network: see `SSLModel`; a functional model.
        **kwargs: see `SSLModel`.
    """

    def __init__(self, network: keras.Model, **kwargs: Any) -> None:
        super().__init__(network, **kwargs)
        self.logits_and_features = logits_and_features(network)
        features = network.layers[-1].input
        for layer in network.layers:
            if layer.name == "features":
                features = layer.output
        self.feature_size = 1
        for side in features.shape[1:]:
            self.feature_size *= side

    def embed(self, *views: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Logits and features of several views, from one pass over all.

        Args:
            *views: uint8 images, or floats that are normalized already.

        Returns:
            A list of float32 logits `(batch, classes)`, one for each view, and
            a list of float32 features `(batch, values)`.
        """
        images = ops.concatenate([self._as_floats(view) for view in views])
        logits, features = self.logits_and_features(images)
        return parted(logits, views), parted(features, views)
