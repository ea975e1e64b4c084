"""A classifier seen as a ladder: its levels, and the steps up from one to next.

What Rasmus et al., NeurIPS 2015 call a layer ends with a batch normalization;
here any network that is a chain of such layers is taken apart into them.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_ssl import backend
from keras_ssl.backend import Tensor

# what may stand before a batch normalization, and after one
MAPS = (
    keras.layers.Dense,
    keras.layers.Conv2D,
    keras.layers.Flatten,
    keras.layers.ZeroPadding2D,
    keras.layers.MaxPooling2D,
    keras.layers.AveragePooling2D,
    keras.layers.GlobalAveragePooling2D,
)
ACTIVATIONS = (
    keras.layers.Activation,
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
)


class Level:
    """One level of a ladder: maps, a batch normalization, activations.

    Args:
        maps: the layers from the activations of the level below to what is
            normalized.
        norm: the batch normalization; its scale and offset are the level's
            gamma and beta, its moving statistics those of inference.
        activations: the layers after it, elementwise.

    Attributes:
        moving: its moving mean and variance.
        shape: of z, without the batch.
        flattens: whether the level sees the one below as a vector.
    """

    def __init__(
        self,
        maps: list[keras.layers.Layer],
        norm: keras.layers.BatchNormalization,
        activations: list[keras.layers.Layer],
    ) -> None:
        self.maps = maps
        self.norm = norm
        self.activations = activations
        self.moving = norm.moving_mean, norm.moving_variance
        self.shape = tuple(norm.output.shape[1:])
        self.flattens = any(isinstance(m, keras.layers.Flatten) for m in maps)

    def climb(self, *parts: Tensor) -> list[Tensor]:
        """What is normalized, float32, of several batches in one pass."""
        h = ops.concatenate(parts) if len(parts) > 1 else parts[0]
        for layer in self.maps:
            h = layer(h)
        h = ops.cast(h, "float32")
        pieces, begin = [], 0
        for part in parts:
            # TensorFlow learns the batch size only when the step runs
            end = begin + (part.shape[0] or ops.shape(part)[0])
            pieces.append(h[begin:end])
            begin = end
        return pieces

    def normalize(self, *parts: Tensor) -> tuple[list[Tensor], list[Any]]:
        """z of several batches from one pass, and the moments of each."""
        pre = self.climb(*parts)
        moments = [self.moments(part) for part in pre]
        pairs = zip(pre, moments, strict=True)
        return [self.standardize(*pair) for pair in pairs], moments

    def moments(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance of each channel, `(channels,)`."""
        return ops.moments(x, axes=list(range(len(x.shape) - 1)))

    def standardize(self, x: Tensor, moments: tuple[Tensor, Tensor]) -> Tensor:
        """(x - mean) / sqrt(variance + epsilon)."""
        mean, variance = moments
        return (x - mean) * ops.rsqrt(variance + self.norm.epsilon)

    def activate(self, z: Tensor) -> Tensor:
        """h = activation(gamma z + beta)."""
        if self.norm.scale:
            z = z * ops.cast(self.norm.gamma, z.dtype)
        if self.norm.center:
            z = z + ops.cast(self.norm.beta, z.dtype)
        for layer in self.activations:
            z = layer(z)
        return z


def follow(levels: Sequence[Level], images: Tensor) -> None:
    """Moves the moving statistics of levels towards those of a clean batch."""
    with backend.no_grad():
        h = images
        for level in levels:
            (z,), (moments,) = level.normalize(h)
            h = level.activate(z)
            keep = level.norm.momentum
            for variable, new in zip(level.moving, moments, strict=True):
                new = ops.cast(new, variable.dtype)
                variable.assign(keep * variable + (1.0 - keep) * new)


def infer(
    levels: Sequence[Level], images: Tensor
) -> tuple[list[Tensor], list[Tensor]]:
    """z and h of each level with moving statistics, both from level 0 up."""
    z, h = [images], [images]
    for level in levels:
        (x,) = level.climb(h[-1])
        mean, variance = (ops.cast(m, x.dtype) for m in level.moving)
        z.append(level.standardize(x, (mean, variance)))
        h.append(level.activate(z[-1]))
    return z, h


def levels(network: keras.Model) -> list[Level]:
    """The levels of a network, from the images up.

    Args:
        network: a built functional or sequential model, a chain of levels.
            Each is any of `MAPS`, then a `BatchNormalization` of the last
            axis, then any of `ACTIVATIONS`; nothing follows that of the top,
            whose output are the logits. A bias before a batch normalization
            is tolerated: the normalization takes it out again.

    Raises:
        ValueError: the network is something else; the message names the layer.
    """
    found: list[Level] = []
    maps: list[keras.layers.Layer] = []
    for layer in _chain(network):
        name = f"{type(layer).__name__} {layer.name!r}"
        if isinstance(layer, MAPS):
            if getattr(layer, "data_format", None) == "channels_first":
                raise _unfit(f"{name} has its channels first, not last")
            # Keras lets these layers have an activation of their own
            if getattr(layer, "activation", None) not in (
                None, keras.activations.linear,
            ):  # fmt: skip
                raise _unfit(f"{name} has an activation of its own")
            maps.append(layer)
        elif isinstance(layer, keras.layers.BatchNormalization):
            rank = len(layer.output.shape)
            if not maps:
                raise _unfit(f"{name} follows no layer that it could normalize")
            if layer.axis not in (-1, rank - 1):
                raise _unfit(f"{name} normalizes axis {layer.axis}, not -1")
            found.append(Level(maps, layer, []))
            maps = []
        elif isinstance(layer, ACTIVATIONS) and found and not maps:
            found[-1].activations.append(layer)
        else:
            raise _unfit(f"received {name} where it cannot stand")
    if maps or not found:
        last = maps[-1].name if maps else network.name
        raise _unfit(f"no batch normalization follows {last!r}")
    if found[-1].activations:
        raise _unfit(
            f"its last layer, {found[-1].activations[-1].name!r}, is an "
            "activation, where logits are wanted"
        )
    return found


def _chain(network: keras.Model) -> list[keras.layers.Layer]:
    """The layers of a network in order, without its input."""
    layers = [
        layer
        for layer in network.layers
        if not isinstance(layer, keras.layers.InputLayer)
    ]
    if len(getattr(network, "inputs", None) or ()) != 1:
        raise _unfit("it is no functional or sequential model of one input")
    x: Any = network.inputs[0]
    for layer in layers:
        try:
            follows = layer.input is x
            x = layer.output
        except (AttributeError, ValueError):  # used at several places
            follows = False
        if not follows:
            raise _unfit(f"{layer.name!r} does not follow the layer before it")
    return layers


def _unfit(reason: str) -> ValueError:
    return ValueError(
        "expected a network that is a chain of levels, each of Dense, Conv2D, "
        "ZeroPadding2D, Flatten or pooling layers, then BatchNormalization, "
        "then an activation, the top level without one (as "
        f"networks.LadderMLP makes it); {reason}"
    )
