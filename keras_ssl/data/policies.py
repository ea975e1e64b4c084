"""Augmentation policies as plain data; `csrc/policy.cpp` carries them out.

A policy is a tuple of stages. A stage draws one of its ops, uniformly and with
replacement, as often as it says; an op is applied with its probability, with a
value uniform in `[low, high]`. Images are uint8 and every op equals Pillow's of
that name byte for byte.

    policies.strong(flip=True)
    policies.Policy((policies.Op("crop", 0.125, 0.125), policies.Op("invert")))

Sources: weak and strong augmentation as FixMatch (arXiv 2001.07685) names them,
RandAugment (arXiv 1909.13719) with the ops and ranges that TorchSSL and USB
use.
"""

import dataclasses
import math
from collections.abc import Iterable
from typing import Any

from keras_ssl import registry

# Op -> limits of its range; None where the op takes no value.
OPS: dict[str, tuple[float, float] | None] = {
    "identity": None,
    "autocontrast": None,
    "equalize": None,
    "invert": None,
    "posterize": (0.0, 8.0),  # bits kept, int(value), at least 1
    "solarize": (0.0, 256.0),  # values from here on are inverted
    "brightness": (0.0, 100.0),  # these four: 1 leaves the image as it is
    "color": (0.0, 100.0),
    "contrast": (0.0, 100.0),
    "sharpness": (0.0, 100.0),
    "rotate": (-360.0, 360.0),  # degrees, counter-clockwise
    "shear_x": (-1.0, 1.0),
    "shear_y": (-1.0, 1.0),
    "translate_x": (-1.0, 1.0),  # part of the width
    "translate_y": (-1.0, 1.0),  # part of the height
    "flip": None,  # left to right
    "crop": (0.0, 1.0),  # part of each side that is padded, by reflection
    "cutout": (0.0, 1.0),  # side of the gray square, part of the width
}


@dataclasses.dataclass(frozen=True)
class Op:
    """An op, the range of its value and how likely it is applied.

    Args:
        name: a key of `OPS`.
        low: the lowest value; ignored by ops that take none.
        high: the highest value. A crop has `low == high`.
        probability: how likely the op is applied once it is drawn.

    Raises:
        ValueError: an unknown name, or numbers out of their limits.
    """

    name: str
    low: float = 0.0
    high: float = 0.0
    probability: float = 1.0

    def __post_init__(self) -> None:
        if self.name not in OPS:
            raise ValueError(registry.unknown("op", self.name, OPS))
        for field in ("low", "high", "probability"):
            object.__setattr__(self, field, float(getattr(self, field)))
        if not 0.0 <= self.probability <= 1.0:
            raise ValueError(
                f"expected a probability in [0, 1] for '{self.name}', received "
                f"{self.probability}"
            )
        received = f"received [{self.low}, {self.high}]"
        if not -math.inf < self.low <= self.high < math.inf:
            raise ValueError(
                f"expected finite low <= high for '{self.name}', {received}"
            )
        limits = OPS[self.name]
        if limits and not limits[0] <= self.low <= self.high <= limits[1]:
            raise ValueError(
                f"expected a range within {list(limits)} for '{self.name}', "
                f"{received}"
            )
        if self.name == "crop" and not self.low == self.high < 1.0:
            raise ValueError(
                "expected low == high < 1, the padded part of each side, for "
                f"'crop', {received}"
            )

    def __repr__(self) -> str:
        values = ""
        if OPS[self.name]:
            values = f", {self.low:g}, {self.high:g}"
        if self.probability != 1.0:
            values += f", probability={self.probability:g}"
        return f"Op({self.name!r}{values})"


@dataclasses.dataclass(frozen=True)
class Stage:
    """Draws `draws` times one of `ops`, uniformly and with replacement.

    Raises:
        ValueError: no ops, something that is not an `Op`, or negative draws.
    """

    ops: tuple[Op, ...]
    draws: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "ops", tuple(self.ops))
        if not self.ops or not all(isinstance(op, Op) for op in self.ops):
            raise ValueError(
                f"expected a stage of one `Op` or more, received {self.ops!r}"
            )
        if self.draws != int(self.draws) or self.draws < 0:
            raise ValueError(
                "expected a whole number of draws, at least 0, received "
                f"{self.draws}"
            )
        object.__setattr__(self, "draws", int(self.draws))


@dataclasses.dataclass(frozen=True)
class Policy:
    """Stages applied one after the other; a bare `Op` is a stage of its own.

    Raises:
        ValueError: something that is neither `Op` nor `Stage`.
    """

    stages: tuple[Stage, ...] = ()

    def __init__(self, stages: Iterable[Stage | Op] = ()) -> None:
        made = tuple(
            Stage((part,)) if isinstance(part, Op) else part for part in stages
        )
        for part in made:
            if not isinstance(part, Stage):
                raise ValueError(
                    f"expected a policy of `Op` and `Stage`, received {part!r}"
                )
        object.__setattr__(self, "stages", made)

    def to_config(self) -> list[list[Any]]:
        """`[[draws, [[name, probability, low, high], ...]], ...]`.

        JSON can hold it, `from_config` reads it, and it is what
        `_core.Sampler` takes.
        """
        return [
            [
                stage.draws,
                [
                    [op.name, op.probability, op.low, op.high]
                    for op in stage.ops
                ],
            ]
            for stage in self.stages
        ]

    @classmethod
    def from_config(cls, config: Iterable[Any]) -> "Policy":
        """The policy that `to_config` described."""
        return cls(
            Stage(
                tuple(
                    Op(name, low, high, probability)
                    for name, probability, low, high in ops
                ),
                draws,
            )
            for draws, ops in config
        )

    def __repr__(self) -> str:
        parts = (
            repr(stage.ops[0])
            if (len(stage.ops), stage.draws) == (1, 1)
            else repr(stage)
            for stage in self.stages
        )
        return f"Policy([{', '.join(parts)}])"


def identity() -> Policy:
    """Shows the images as they are."""
    return Policy()


def weak(flip: bool) -> Policy:
    """Shifts by up to an eighth of each side, and flips half of the images.

    The crop pads by reflection, as FixMatch does and USB does after it. The
    order is USB's: crop, then flip.

    Args:
        flip: whether left and right may be swapped; not for digits or text.
    """
    crop = Op("crop", 0.125, 0.125)
    return Policy((crop, Op("flip", probability=0.5)) if flip else (crop,))


def rand_augment(draws: int = 3) -> Stage:
    """RandAugment as TorchSSL and USB draw it, without its cutout.

    It differs from the paper (arXiv 1909.13719): there is no magnitude "m",
    every op draws its own value from a fixed range instead, and an op that is
    drawn is always applied. The enhancements only weaken (factors below 1), and
    signs come from the ranges.

    Args:
        draws: how many of the 14 ops an image gets ("n").
    """
    enhancements = ("brightness", "color", "contrast", "sharpness")
    moves = ("shear_x", "shear_y", "translate_x", "translate_y")
    return Stage(
        (
            Op("identity"),
            Op("autocontrast"),
            Op("equalize"),
            Op("posterize", 4, 8),
            Op("solarize", 0, 256),
            *(Op(name, 0.05, 0.95) for name in enhancements),
            Op("rotate", -30, 30),
            *(Op(name, -0.3, 0.3) for name in moves),
        ),
        draws,
    )


def strong(flip: bool, draws: int = 3) -> Policy:
    """Weak augmentation, RandAugment and a gray square, as in USB's FixMatch.

    The square's side is uniform between zero and half of the width. Its center
    is uniform over the image; USB's code draws it between 1 and the width.

    Args:
        flip: as for `weak`.
        draws: as for `rand_augment`.
    """
    return Policy(
        (*weak(flip).stages, rand_augment(draws), Op("cutout", 0, 0.5))
    )
