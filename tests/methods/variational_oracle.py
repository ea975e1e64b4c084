"""Bounds in NumPy float64, one example and one class at a time."""

import keras
import numpy as np
import numpy_oracle as oracle
from keras import ops


def bits(images):
    """What `cases` draws for uint8 images."""
    x = images.astype("float32") / np.float32(255.0)
    return (np.sin(29.0 * x) ** 2 < x).astype(np.float64)


def noise(values):
    """What `cases` draws for an array."""
    return np.cos(13.0 * values)


def _dense(layer, x):
    x = x @ ops.convert_to_numpy(layer.kernel).astype(np.float64)
    return x + ops.convert_to_numpy(layer.bias) if layer.use_bias else x


def network(model, *given):
    """What a `networks.vae` model makes of vectors, its parts by layer name.

    Hidden layers of softplus and no normalization, as `cases` has them.
    """
    dense = [x for x in model.layers if isinstance(x, keras.layers.Dense)]
    hidden, heads = dense[: len(given)], dense[len(given) :]
    x = sum(_dense(layer, v) for layer, v in zip(hidden, given, strict=True))
    x = np.log1p(np.exp(x))
    names = ("mean", "log_variance", "logits")
    while heads[0].name not in names:
        x = np.log1p(np.exp(_dense(heads.pop(0), x)))
    return {head.name: _dense(head, x) for head in heads}


def gaussian_of(model, *given):
    found = network(model, *given)
    return found["mean"], found["log_variance"]


def log_bernoulli(x, logits):
    p = 1.0 / (1.0 + np.exp(-logits))
    return np.log(np.where(x == 1.0, p, 1.0 - p)).sum()


def log_gaussian(x, mean, log_variance):
    variance = np.exp(log_variance)
    return np.sum(
        -0.5 * np.log(2 * np.pi * variance) - (x - mean) ** 2 / (2 * variance)
    )


def divergence(mean, log_variance):
    """KL(N(mean, variance) || N(0, 1))."""
    variance = np.exp(log_variance)
    return 0.5 * np.sum(mean**2 + variance - 1.0 - log_variance)


def drawn(mean, log_variance):
    return mean + np.exp(0.5 * log_variance) * noise(mean)


def marginalized(logits, bounds):
    """-U(x) out of the logits of q(y|x) and -L(x, y) of every class."""
    q = oracle.softmax(logits)
    return sum(
        p * (bound - np.log(p)) for p, bound in zip(q, bounds, strict=True)
    )


def prior(variables, size):
    return sum(
        np.sum(np.square(ops.convert_to_numpy(v).astype(np.float64)))
        for v in variables
    ) / (2 * size)
