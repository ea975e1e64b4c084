"""One thing that augmentation does to an image, as plain data.

`csrc/ops.cpp` names the same ops with the same limits, and carries them out on
uint8 images; every op that Pillow has equals Pillow's byte for byte.
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
