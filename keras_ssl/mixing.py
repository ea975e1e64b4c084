"""Mixing examples: images and labels between two others."""

from typing import TYPE_CHECKING

import keras
from keras import ops

from keras_ssl.backend import Tensor

if TYPE_CHECKING:  # what it is mixed into
    from keras import Model
else:
    Model = object


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


class Mixup(Model):
    """The part of a method that mixes each example with another.

    mixup: Zhang et al., ICLR 2018; a method keeps `alpha` and has `random`.
    """

    alpha: float
    random: keras.random.SeedGenerator

    def shuffled(self, count: Tensor) -> Tensor:
        """A random order of `count` examples, int32 `(count,)`."""
        return keras.random.shuffle(ops.arange(count), seed=self.random)

    def ratios(self, count: Tensor) -> Tensor:
        """r ~ Beta(alpha, alpha) of each example, `(count,)`."""
        return keras.random.beta(
            (count,), self.alpha, self.alpha, seed=self.random
        )

    def mixed(self, *parallel: Tensor) -> list[Tensor]:
        """Each row with another one, of which it keeps the larger share.

        r' = max(r, 1 - r) (MixMatch, equation 9) of itself and 1 - r' of its
        partner in a random order.

        Args:
            *parallel: images, targets, ..., each `(examples, ...)`.

        Returns:
            A list of as many, mixed with the same partners and shares.
        """
        count = ops.shape(parallel[0])[0]
        partner, r = self.shuffled(count), self.ratios(count)
        r = ops.maximum(r, 1.0 - r)
        return [mix(x, ops.take(x, partner, axis=0), r) for x in parallel]
