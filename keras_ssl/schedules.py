"""Ramps and decays: pure functions of the step.

`step` counts from 0 and may be a number or a backend tensor; each returns a
float32 scalar tensor.
"""

import math
from typing import Any

from keras import ops


def linear_ramp(step: Any, length: float) -> Any:
    """0 at step 0, rising in a straight line to 1 at `length`, then 1.

    Both may count steps, or parts of the training. 1 from the start where
    `length` is 0.
    """
    if length <= 0:
        return ops.ones((), dtype="float32")
    return ops.minimum(ops.cast(step, "float32") / float(length), 1.0)


def sigmoid_ramp(step: Any, length: float) -> Any:
    """exp(-5 (1 - t)^2) with t = step / length, then 1.

    Laine & Aila, ICLR 2017 (there in epochs).
    """
    return ops.exp(-5.0 * ops.square(1.0 - linear_ramp(step, length)))


def cosine_7_16(step: Any, total_steps: float) -> Any:
    """cos(7 pi step / (16 total_steps)): from 1 down to 0.195 at the end.

    FixMatch (arXiv 2001.07685; google-research/fixmatch). Past `total_steps`
    the last value is kept, where the bare formula would turn negative.
    """
    done = linear_ramp(step, total_steps)
    return ops.cos(done * (7.0 * math.pi / 16.0))


def warm_decay(step: Any, decay: float) -> Any:
    """Decay of a moving average, smaller while it is young.

    min(decay, (1 + step) / (10 + step)). A constant 0.999 would make an average
    over a short run mostly of random initial weights; from about step 9,000 on
    0.999 is what is used. The papers train for a million steps, where this
    makes no difference.
    """
    step = ops.cast(step, "float32")
    return ops.minimum((1.0 + step) / (10.0 + step), decay)
