"""A trained network as a plain Keras model, with the averaged weights."""

from typing import TYPE_CHECKING, Any

import keras
import numpy as np

if TYPE_CHECKING:
    from keras_ssl.ssl_model import SSLModel


def predictor(model: "SSLModel") -> keras.Model:
    """A plain Keras model from bytes to probabilities.

    It has the average's weights, scales the images itself and, unless the
    network has layers of keras_ssl's own, is loaded where keras_ssl is not.

    Args:
        model: what was trained; it stays as it is.

    Returns:
        A `keras.Model` from uint8 `(batch, height, width, channels)` to
        float32 `(batch, classes)`.
    """
    network = averaged_copy(model)
    images, scaled = scaled_bytes(model)
    probabilities = keras.layers.Softmax(dtype="float32", name="probabilities")
    return keras.Model(images, probabilities(network(scaled)), name="predictor")


def averaged_copy(model: "SSLModel") -> keras.Model:
    """A copy of the network that has the average's weights."""
    network = copied(model.network)
    for place, average in zip(
        model._averaged_places, model.averages, strict=True
    ):
        network.variables[place].assign(own_value(average))
    return network


def scaled_bytes(model: "SSLModel") -> tuple[Any, Any]:
    """Symbolic uint8 images, and the floats that the network sees for them."""
    low, high = model.pixel_range
    shape = model.network.input_shape[1:]
    images = keras.Input(shape, dtype="uint8", name="images")
    scaled = keras.layers.Rescaling((high - low) / 255.0, low)(images)
    return images, scaled


def copied(network: keras.Model) -> keras.Model:
    """A network of the same layers and weights that shares none of them."""
    made = type(network).from_config(network.get_config())
    made.set_weights(network.get_weights())
    return made


def own_value(variable: keras.Variable) -> Any:
    """A value of its own: under JAX two variables may not share one buffer,
    which a step or a prediction takes away from both."""
    return np.array(keras.ops.convert_to_numpy(variable))
