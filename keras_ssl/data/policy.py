"""Augmentation as plain data; `csrc/drawing.cpp` carries it out.

A policy is a tuple of stages. A stage draws one of its ops, uniformly and with
replacement, as often as it says; an op is applied with its probability, with a
value uniform in `[low, high]`. Images are uint8, and every op that Pillow has
equals Pillow's byte for byte.

    Policy((Op("crop", 0.125, 0.125), Op("invert", probability=0.2)))
    Policy((Op("resized_crop", 0.2, 1), Op("flip", probability=0.5)), (32, 32))
"""

import dataclasses
import math
from collections.abc import Iterable
from typing import Any

from keras_ssl import registry

# Op -> limits of its range; None where the op takes no value.
OPS: dict[str, tuple[float, float] | None] = {
    "identity": None,
    # values to values, by a table
    "autocontrast": None,
    "equalize": None,
    "invert": None,
    "posterize": (0.0, 9.0),  # bits kept, int(value), 1 to 8
    "solarize": (0.0, 256.0),  # values from here on are inverted
    "brightness": (0.0, 100.0),  # these four: 1 leaves the image as it is
    "color": (0.0, 100.0),
    "contrast": (0.0, 100.0),
    "sharpness": (0.0, 100.0),
    "blend_autocontrast": (0.0, 1.0),  # these three: 0 leaves it as it is
    "blend_equalize": (0.0, 1.0),
    "blend_invert": (0.0, 1.0),
    "grayscale": None,
    "hue": (-0.5, 0.5),  # part of the circle of hues
    "noise": (0.0, 255.0),  # standard deviation in gray levels
    # places to places; what comes from outside is black
    "rotate": (-360.0, 360.0),  # degrees, counter-clockwise
    "shear_x": (-1.0, 1.0),
    "shear_y": (-1.0, 1.0),
    "translate_x": (-1.0, 1.0),  # part of the width
    "translate_y": (-1.0, 1.0),  # part of the height
    "shift_x": (-8192.0, 8192.0),  # whole pixels, int(value)
    "shift_y": (-8192.0, 8192.0),
    "rotate_bilinear": (-360.0, 360.0),  # mixing the four nearest pixels
    "shear_x_bilinear": (-1.0, 1.0),
    "shear_y_bilinear": (-1.0, 1.0),
    "translate_x_bilinear": (-1.0, 1.0),
    "translate_y_bilinear": (-1.0, 1.0),
    "flip": None,  # left to right
    "quarter_turn": (0.0, 3.0),  # right angles, int(value); square images
    "crop": (0.0, 1.0),  # part of each side that is padded, by reflection
    "gray_outside": None,  # gray instead of black what came from outside
    # neighborhoods
    "smooth": (0.0, 1.0),  # strength
    "blur": (0.0, 1.0),  # strength
    "gaussian_blur": (0.0, 1000.0),  # standard deviation in pixels
    "rescale": (0.0, 0.25),  # part of each side cut off, then scaled back
    # squares
    "cutout": (0.0, 1.0),  # side, part of the width; USB's gray
    "cutout_gray": (0.0, 1.0),  # side, part of the width; gray 127
    "cutout_box": (0.0, 1.0),  # 1 + int(side), part of the smaller side
    # to the size of the policy
    "resize": None,
    "center_crop": (0.0, 1.0),  # part of the sides that is kept
    "resized_crop": (0.0, 1.0),  # part of the area that is kept
}


@dataclasses.dataclass(frozen=True)
class Op:
    """An op, the range of its value and how likely it is applied.

    Args:
        name: a key of `OPS`.
        low: the lowest value; ignored by ops that take none.
        high: the highest value. A crop has `low == high`.
        probability: how likely the op is applied once it is drawn.
        levels: if not 0, the value is one of so many, evenly spaced from `low`
            to `high`. Defaults to 0: any value in between.
        either_sign: whether the value is negated half of the time. Defaults to
            `False`.

    Raises:
        ValueError: an unknown name, or numbers out of their limits.
    """

    name: str
    low: float = 0.0
    high: float = 0.0
    probability: float = 1.0
    levels: int = 0
    either_sign: bool = False

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
        if self.levels != int(self.levels) or self.levels < 0:
            raise ValueError(
                f"expected a whole number of levels for '{self.name}', at "
                f"least 0, received {self.levels}"
            )
        object.__setattr__(self, "levels", int(self.levels))
        object.__setattr__(self, "either_sign", bool(self.either_sign))
        self._check_range()

    def _check_range(self) -> None:
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
        if limits and self.either_sign and -self.high < limits[0]:
            raise ValueError(
                f"expected an op that takes negative values beside "
                f"either_sign=True, received '{self.name}'"
            )
        if self.name == "crop" and not self.low == self.high < 1.0:
            raise ValueError(
                "expected low == high < 1, the padded part of each side, for "
                f"'crop', {received}"
            )

    def to_config(self) -> list[Any]:
        """`[name, probability, low, high]`, and options as a dict, if any."""
        options: dict[str, Any] = {}
        if self.levels:
            options["levels"] = self.levels
        if self.either_sign:
            options["either_sign"] = True
        numbers = [self.probability, self.low, self.high]
        return [self.name, *numbers, *([options] if options else [])]

    @classmethod
    def from_config(cls, config: Iterable[Any]) -> "Op":
        """The op that `to_config` described."""
        name, probability, low, high, *options = config
        return cls(name, low, high, probability, **(options or [{}])[0])

    def __repr__(self) -> str:
        values = ""
        if OPS[self.name]:
            values = f", {self.low:g}, {self.high:g}"
        if self.probability != 1.0:
            values += f", probability={self.probability:g}"
        if self.levels:
            values += f", levels={self.levels}"
        if self.either_sign:
            values += ", either_sign=True"
        return f"Op({self.name!r}{values})"


@dataclasses.dataclass(frozen=True)
class Stage:
    """Draws `draws` times one of `ops`, uniformly and with replacement.

    Args:
        ops: one `Op` or more.
        draws: how often one is drawn. Defaults to 1.
        distinct: draws without replacement instead; as many draws as ops are
            all of them in random order. Defaults to `False`.
        probability: how likely the stage is carried out. Defaults to 1.
        learned: whether the values follow rates that are learned, as
            `keras_ssl.data.ct_augment` does. Defaults to `False`.

    Raises:
        ValueError: no ops, something that is not an `Op`, or numbers out of
            their limits.
    """

    ops: tuple[Op, ...]
    draws: int = 1
    distinct: bool = False
    probability: float = 1.0
    learned: bool = False

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
        if self.distinct and self.draws > len(self.ops):
            raise ValueError(
                "expected at most as many draws as ops in a stage of distinct "
                f"ops, received {self.draws} draws of {len(self.ops)}"
            )
        object.__setattr__(self, "probability", float(self.probability))
        if not 0.0 <= self.probability <= 1.0:
            raise ValueError(
                "expected a probability in [0, 1] for a stage, received "
                f"{self.probability}"
            )

    @property
    def _options(self) -> dict[str, Any]:
        named = {
            "distinct": self.distinct,
            "probability": self.probability,
            "learned": self.learned,
        }
        usual = {"distinct": False, "probability": 1.0, "learned": False}
        return {
            name: value for name, value in named.items() if value != usual[name]
        }

    def to_config(self) -> list[Any]:
        """`[draws, [op, ...]]`, and options as a dict, if any."""
        ops = [op.to_config() for op in self.ops]
        return [self.draws, ops, *([self._options] if self._options else [])]

    @classmethod
    def from_config(cls, config: Iterable[Any]) -> "Stage":
        """The stage that `to_config` described."""
        draws, ops, *options = config
        made = tuple(Op.from_config(op) for op in ops)
        return cls(made, draws, **(options or [{}])[0])

    def __repr__(self) -> str:
        values = f"ops={self.ops!r}, draws={self.draws}"
        for name, value in self._options.items():
            values += f", {name}={value!r}"
        return f"Stage({values})"


@dataclasses.dataclass(frozen=True)
class Policy:
    """Stages applied one after the other; a bare `Op` is a stage of its own.

    Args:
        stages: `Stage`s and `Op`s. Defaults to none: images as they are.
        size: `(height, width)` of the result, which "resize", "center_crop" or
            "resized_crop" gives it. Defaults to `None`: that of the image.

    Raises:
        ValueError: something that is neither `Op` nor `Stage`, or a size
            without an op that gives it.
    """

    stages: tuple[Stage, ...] = ()
    size: tuple[int, int] | None = None

    def __init__(
        self,
        stages: Iterable[Stage | Op] = (),
        size: tuple[int, int] | None = None,
    ) -> None:
        made = tuple(
            Stage((part,)) if isinstance(part, Op) else part for part in stages
        )
        for part in made:
            if not isinstance(part, Stage):
                raise ValueError(
                    f"expected a policy of `Op` and `Stage`, received {part!r}"
                )
        object.__setattr__(self, "stages", made)
        if size is not None:
            height, width = size
            size = (int(height), int(width))
            if min(size) < 1 or size != (height, width):
                raise ValueError(
                    "expected a size (height, width) of whole pixels, received "
                    f"{(height, width)}"
                )
        object.__setattr__(self, "size", size)

    def to_config(self) -> list[Any]:
        """`[[draws, [[name, probability, low, high], ...]], ...]`.

        Options follow as a dict at the end of an op or a stage; a size is a
        dict before all. JSON can hold it, `from_config` reads it, and it is
        what `_core.Sampler` takes.
        """
        size = [{"size": list(self.size)}] if self.size else []
        return size + [stage.to_config() for stage in self.stages]

    @classmethod
    def from_config(cls, config: Iterable[Any]) -> "Policy":
        """The policy that `to_config` described."""
        size = None
        stages = []
        for part in config:
            if isinstance(part, dict):
                size = tuple(part["size"])
            else:
                stages.append(Stage.from_config(part))
        return cls(stages, size)

    def __add__(self, other: "Policy") -> "Policy":
        """This policy, and then the other; the size is the other's, if any."""
        if not isinstance(other, Policy):
            return NotImplemented
        return Policy(self.stages + other.stages, other.size or self.size)

    def __repr__(self) -> str:
        parts = (
            repr(stage.ops[0]) if stage == Stage(stage.ops[:1]) else repr(stage)
            for stage in self.stages
        )
        size = f", size={self.size}" if self.size else ""
        return f"Policy([{', '.join(parts)}]{size})"
