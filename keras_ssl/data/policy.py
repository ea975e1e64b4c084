"""Augmentation as plain data; `csrc/drawing.cpp` carries it out.

A policy is a tuple of stages. A stage draws one of its ops, uniformly and with
replacement, as often as it says; an op is applied with its probability, with a
value uniform in `[low, high]`.

    Policy((Op("crop", 0.125, 0.125), Op("invert", probability=0.2)))
    Policy((Op("resized_crop", 0.2, 1), Op("flip", probability=0.5)), (32, 32))
"""

import dataclasses
from collections.abc import Iterable
from typing import Any

from keras_ssl.data.op import Op


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
