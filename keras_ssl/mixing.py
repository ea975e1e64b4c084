"""Mixing examples: images and labels between two others."""

from keras import ops

from keras_ssl.backend import Tensor


def mix(first: Tensor, second: Tensor, ratio: Tensor) -> Tensor:
    """ratio * first + (1 - ratio) * second, example by example.

    mixup: Zhang et al., ICLR 2018.

    Args:
        first, second: `(batch, ...)`.
        ratio: `(batch,)`, 0 to 1.

    Returns:
        Of their shape.
    """
    shape = (-1, *[1] * (len(first.shape) - 1))
    ratio = ops.reshape(ratio, shape)
    return ratio * first + (1.0 - ratio) * second
