"""How fast each layer learns: `compile(layer_decay=0.75)`."""

from collections.abc import Iterable, Iterator
from typing import Any

import keras
from keras import ops

from keras_ssl.fine_tuning import head


def factors(
    network: keras.Model, variables: Iterable[keras.Variable], decay: float
) -> list[float]:
    """What layer-wise decay multiplies the learning rate of variables by.

    1 for the head, `decay` for the layer with a kernel before it, `decay`
    squared for the one before that, and so on; what has no kernel, such as a
    normalization, goes with the layer before it. A layer made of layers, such
    as a Transformer's block, counts as one; a model inside the network as its
    layers. The recipe of fine-tuning Transformers: Clark et al., "ELECTRA",
    arXiv 2003.10555; Bao et al., "BEiT", arXiv 2106.08254.

    Args:
        network: ends in logits, see `head`.
        variables: those of the model that learn; those outside of the network
            have the factor 1.
        decay: above 0, at most 1.

    Returns:
        A list of floats, one for each variable.

    Raises:
        ValueError: decay is out of range, or see `head`.
    """
    if not 0 < decay <= 1:
        raise ValueError(
            f"layer_decay must be above 0 and at most 1; received {decay}"
        )
    heads = set(head(network))
    depths: dict[int, int] = {}
    depth = 0
    for layer in _blocks(network):
        if layer.name in heads:
            break
        depth += any(len(weight.shape) > 1 for weight in layer.weights)
        depths.update((id(weight), depth) for weight in layer.weights)
    return [
        decay ** (depth + 1 - depths.get(id(variable), depth + 1))
        for variable in variables
    ]


def _blocks(network: Any) -> Iterator[Any]:
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            yield from _blocks(layer)
        else:
            yield layer


@keras.saving.register_keras_serializable("keras_ssl")
class LayerWise(keras.optimizers.Optimizer):
    """An optimizer whose steps are shortened, for each variable as it is told.

    The optimizer takes its step, of which each variable keeps its part. That is
    a learning rate of its own for each, whatever the optimizer, since the steps
    of Keras' optimizers, weight decay included, are proportional to the rate.

    Args:
        inner_optimizer: a Keras optimizer.
        factors: sequence of floats, one for each variable it is built with.
        name: defaults to "layer_wise".
    """

    built: bool

    def __init__(
        self,
        inner_optimizer: keras.optimizers.Optimizer,
        factors: Iterable[float],
        name: str = "layer_wise",
    ) -> None:
        super().__init__(learning_rate=0.0, name=name)
        self.inner_optimizer = inner_optimizer
        self.factors = list(factors)

    def build(self, variables: list[keras.Variable]) -> None:
        if self.built:
            return
        if len(variables) != len(self.factors):
            raise ValueError(
                f"expected a factor for each of {len(variables)} variables; "
                f"received {len(self.factors)}"
            )
        self.inner_optimizer.build(variables)
        self._trainable_variables = list(variables)
        self.built = True

    @property
    def variables(self) -> list[keras.Variable]:
        """Those of the optimizer inside."""
        return self.inner_optimizer.variables

    @property
    def iterations(self) -> keras.Variable:
        """Steps taken."""
        return self.inner_optimizer.iterations

    @property
    def learning_rate(self) -> Any:
        """Of variables with the factor 1."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self.inner_optimizer.learning_rate = value

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        variables = list(trainable_variables or self._trainable_variables)
        before = [ops.copy(variable.value) for variable in variables]
        self.inner_optimizer.apply(grads, variables)
        for variable, old, factor in zip(
            variables, before, self.factors, strict=True
        ):
            if factor != 1:
                part = ops.cast(factor, variable.dtype)
                variable.assign(old + part * (variable - old))

    def save_own_variables(self, store: Any) -> None:
        """Nothing: the optimizer inside saves its own."""

    def load_own_variables(self, store: Any) -> None:
        """Nothing: the optimizer inside loads its own."""

    def get_config(self) -> dict[str, Any]:
        inner = keras.saving.serialize_keras_object(self.inner_optimizer)
        return {
            "inner_optimizer": inner,
            "factors": self.factors,
            "name": self.name,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None
    ) -> "LayerWise":
        return cls(**keras.saving.deserialize_keras_object(config))
