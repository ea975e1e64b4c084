"""What methods remember from batch to batch: averages and queues.

The variables are the model's own (`SSLModel.remember`), so they are saved with
it; these functions move them on.
"""

from typing import Any

from keras import ops

from keras_ssl.backend import Tensor


def average(variable: Any, value: Tensor, momentum: float) -> Tensor:
    """variable <- momentum * variable + (1 - momentum) * value.

    No gradient flows into what is remembered.

    Args:
        variable: a float variable.
        value: of its shape.
        momentum: 0 to 1.

    Returns:
        The new value.
    """
    value = ops.stop_gradient(ops.cast(value, variable.dtype))
    new = momentum * variable + (1.0 - momentum) * value
    variable.assign(new)
    return new


def push(queue: Any, rows: Tensor) -> Tensor:
    """Puts rows in front of a queue, whose oldest ones drop out.

    Args:
        queue: a variable `(length, ...)`, newest first.
        rows: `(n, ...)` of at most that length.

    Returns:
        The new value.
    """
    rows = ops.stop_gradient(ops.cast(rows, queue.dtype))
    new = ops.concatenate([rows, queue])[: queue.shape[0]]
    queue.assign(new)
    return new


def recent_mean(queue: Any, p: Tensor) -> Tensor:
    """The mean prediction of the last batches, this one included.

    Args:
        queue: a variable `(batches, classes)`, the mean of each.
        p: probabilities `(batch, classes)`.

    Returns:
        `(classes,)`.
    """
    return ops.mean(push(queue, ops.mean(p, axis=0, keepdims=True)), axis=0)
