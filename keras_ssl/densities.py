"""The algebra of variational bounds: stateless functions of arrays.

Every function computes in float32, whatever precision its arguments have, and
sums over the last axis: arrays `(..., size)` give log-densities `(...)`, in
nats. Leading axes broadcast.
"""

import math
from typing import Any

from keras import ops


def _float32(*arrays: Any) -> list[Any]:
    return [ops.cast(array, "float32") for array in arrays]


def bernoulli(x: Any, logits: Any) -> Any:
    """log p(x) of independent bits.

    Args:
        x: 0 or 1, or the mean of several such draws; `(..., size)`.
        logits: of the probability of a 1, `(..., size)`.

    Returns:
        float32 `(...)`.

    Example:

    >>> round(float(bernoulli([1.0, 0.0], [0.0, 0.0])), 4)  # 2 log 1/2
    -1.3863
    """
    x, logits = _float32(x, logits)
    # log(1 + e^logits), which cannot overflow in this form
    tail = ops.log(1.0 + ops.exp(-ops.abs(logits)))
    return ops.sum(x * logits - ops.relu(logits) - tail, axis=-1)


def gaussian(x: Any, mean: Any, log_variance: Any) -> Any:
    """log N(x; mean, exp(log_variance)), the variances on a diagonal.

    Args:
        x, mean, log_variance: `(..., size)`.

    Returns:
        float32 `(...)`.
    """
    x, mean, log_variance = _float32(x, mean, log_variance)
    squares = ops.square(x - mean) * ops.exp(-log_variance)
    constant = math.log(2.0 * math.pi)
    return -0.5 * ops.sum(constant + log_variance + squares, axis=-1)


def kl_from_standard(mean: Any, log_variance: Any) -> Any:
    """KL(N(mean, exp(log_variance)) || N(0, 1)), exactly.

    Args:
        mean, log_variance: `(..., size)`.

    Returns:
        float32 `(...)`, 0 where both are 0.
    """
    mean, log_variance = _float32(mean, log_variance)
    terms = ops.square(mean) + ops.exp(log_variance) - 1.0 - log_variance
    return 0.5 * ops.sum(terms, axis=-1)


def reparameterized(mean: Any, log_variance: Any, noise: Any) -> Any:
    """A draw from a Gaussian as a differentiable function of its parameters.

    Args:
        mean, log_variance: `(..., size)`.
        noise: standard Gaussian noise of the same shape.

    Returns:
        float32 `(..., size)`.
    """
    mean, log_variance, noise = _float32(mean, log_variance, noise)
    return mean + ops.exp(0.5 * log_variance) * noise
