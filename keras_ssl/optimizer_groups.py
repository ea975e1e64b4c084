"""Several optimizers in the place of one, each for a part of the model."""

from collections.abc import Iterable, Mapping
from typing import Any

import keras


@keras.saving.register_keras_serializable("keras_ssl")
class Optimizers(keras.optimizers.Optimizer):
    """Several optimizers in the place of one, each with variables of its own.

    What a model with several networks compiles with: Keras saves, restores and
    carries it as one. A step takes the one it needs from `parts`; two may
    change the same variables, each with its own slots.

    Args:
        parts: dict from the name of a part to its optimizer.
        name: defaults to "optimizers".
    """

    built: bool

    def __init__(
        self,
        parts: Mapping[str, keras.optimizers.Optimizer],
        name: str = "optimizers",
    ) -> None:
        super().__init__(learning_rate=0.0, name=name)
        self.parts = dict(parts)

    def build(self, variables: Mapping[str, list[keras.Variable]]) -> None:
        """Makes the slots; `variables` is a dict from each part's name."""
        if self.built:
            return
        for name, optimizer in self.parts.items():
            optimizer.build(variables[name])
        self.built = True

    @property
    def variables(self) -> list[keras.Variable]:
        """Those of all parts, in order."""
        return [v for part in self.parts.values() for v in part.variables]

    @property
    def iterations(self) -> keras.Variable:
        """Steps taken by the first part."""
        return next(iter(self.parts.values())).iterations

    @property
    def learning_rate(self) -> Any:
        """Of the first part; a number set here is set for all."""
        return next(iter(self.parts.values())).learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        for part in self.parts.values():
            part.learning_rate = value

    def save_own_variables(self, store: Any) -> None:
        """Nothing: each part saves its own."""

    def load_own_variables(self, store: Any) -> None:
        """Nothing: each part loads its own."""

    def get_config(self) -> dict[str, Any]:
        serialize = keras.saving.serialize_keras_object
        parts = {name: serialize(part) for name, part in self.parts.items()}
        return {"parts": parts, "name": self.name}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None
    ) -> "Optimizers":
        return cls(**keras.saving.deserialize_keras_object(config))


def for_parts(optimizer: Any, parts: Iterable[str]) -> Any:
    """The optimizer of a model that has these parts.

    Args:
        optimizer: as given to `compile`: a Keras optimizer, its name, or a
            dict from each part to one.
        parts: names of the parts; none where one optimizer does all.

    Returns:
        `optimizer` itself where there are no parts, else `Optimizers`.

    Raises:
        ValueError: a dict names other parts.
    """
    parts = list(parts)
    if isinstance(optimizer, Optimizers):
        optimizer = optimizer.parts
    if not isinstance(optimizer, Mapping):
        if not parts:
            return optimizer
        one = keras.optimizers.get(optimizer)
        optimizer = {
            name: type(one).from_config(one.get_config()) for name in parts
        }
    if set(optimizer) != set(parts):
        raise ValueError(
            f"expected an optimizer for each of {parts or ['the model']}; "
            f"received them for {list(optimizer)}"
        )
    made = {name: keras.optimizers.get(optimizer[name]) for name in parts}
    if keras.config.dtype_policy().name == "mixed_float16":
        made = {
            name: part
            if isinstance(part, keras.optimizers.LossScaleOptimizer)
            else keras.optimizers.LossScaleOptimizer(part)
            for name, part in made.items()
        }
    return Optimizers(made)


def take_schedule(optimizer: Any, fresh: Any) -> None:
    """Gives an optimizer the learning rate schedule of a new one of its kind.

    Args:
        optimizer: one, or `Optimizers`.
        fresh: one, or a dict from the names of the parts.
    """
    if isinstance(fresh, Mapping):
        for name, part in fresh.items():
            take_schedule(optimizer.parts[name], part)
        return
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    schedule = fresh._learning_rate
    if isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
        inner.learning_rate = schedule
