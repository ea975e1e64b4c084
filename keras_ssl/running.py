"""What methods remember from batch to batch: averages and queues.

The variables are the model's own (`SSLModel.remember`), so they are saved with
it; these functions move them on.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops

from keras_ssl.backend import Tensor

if TYPE_CHECKING:  # whose state it is
    from keras_ssl.ssl_model import SSLModel


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


def put(variable: Any, index: Tensor, rows: Tensor) -> None:
    """Writes down what was found of some examples.

    Args:
        variable: `(examples, ...)`, what is known of each.
        index: int `(batch,)`, the positions of those. Of one that is there
            twice either is kept.
        rows: `(batch, ...)`.
    """
    rows = ops.stop_gradient(ops.cast(rows, variable.dtype))
    place = ops.expand_dims(index, 1)
    variable.assign(ops.scatter_update(variable, place, rows))


def count(counts: Any, labels: Tensor) -> Tensor:
    """Adds the labels of a batch to the numbers of labels seen so far.

    Args:
        counts: a variable `(classes,)`.
        labels: int `(batch,)`.

    Returns:
        The new numbers.
    """
    new = counts + ops.sum(ops.one_hot(labels, counts.shape[0]), axis=0)
    counts.assign(new)
    return new


class Marginal:
    """How often each class has been predicted in the last batches.

    At first as if every class had been predicted equally often.

    Args:
        model: whose state it is.
        batches: their number.
    """

    def __init__(self, model: "SSLModel", batches: int) -> None:
        classes = model.network.output_shape[-1]
        even = np.full((batches, classes), 1 / classes)
        self.queue = model.remember("predicted", even)

    def of(self, p: Tensor) -> Tensor:
        """The mean prediction, this batch included.

        Args:
            p: probabilities `(batch, classes)`.

        Returns:
            `(classes,)`.
        """
        mean = ops.mean(p, axis=0, keepdims=True)
        return ops.mean(push(self.queue, mean), axis=0)
