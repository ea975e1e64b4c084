"""Weight normalization with first weights that depend on data.

Salimans & Kingma, NeurIPS 2016, in the form of Improved GAN (Salimans et al.,
NeurIPS 2016; openai/improved-gan).
"""

from typing import Any

import keras
from keras import ops

from keras_ssl import backend
from keras_ssl.backend import Tensor

TINY = 1e-6  # under the root of a norm, as in openai/improved-gan


class WeightNorm(keras.layers.Layer):
    """What the layers below share: a linear map with a scale for each output.

        W = theta * scale / ||theta||
        y = activation(x W + bias)

    The norm is over all that leads to one output. The product with theta is
    scaled and not theta, which is the same and less work.

    Args:
        train_scale: whether `scale` is trained. Defaults to `False`: it stays
            as the first images set it.
        activation: defaults to none.
        initializer: of theta. `None`, the default: normal with deviation 0.1.
        first_spread: the deviation that `standardize` gives each output before
            the activation. Defaults to 1; `None`: it leaves the layer alone.
        **kwargs: as `keras.layers.Layer`.
    """

    output_axis = -1  # of theta

    def __init__(
        self,
        train_scale: bool = False,
        activation: Any = None,
        initializer: Any = None,
        first_spread: float | None = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.train_scale = train_scale
        self.activation = keras.activations.get(activation)
        self.initializer = keras.initializers.get(
            initializer or keras.initializers.RandomNormal(stddev=0.1)
        )
        self.first_spread = first_spread
        self.is_looking = False  # at data, to be standardized

    def linear(self, inputs: Tensor) -> Tensor:
        """The product with theta, without scale and bias."""
        raise NotImplementedError

    def theta_shape(self, inputs: int) -> tuple[int, ...]:
        """The shape of theta for so many input channels."""
        raise NotImplementedError

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        assert input_shape[-1] is not None
        shape = self.theta_shape(input_shape[-1])
        outputs = (shape[self.output_axis],)
        self.theta = self.add_weight(
            shape=shape, initializer=self.initializer, name="theta"
        )
        self.scale = self.add_weight(
            shape=outputs, initializer="ones", name="scale",
            trainable=self.train_scale,
        )  # fmt: skip
        self.bias = self.add_weight(
            shape=outputs, initializer="zeros", name="bias"
        )
        place = self.output_axis % len(shape)
        self._norm_axes = [i for i in range(len(shape)) if i != place]

    def call(self, inputs: Tensor) -> Tensor:
        x = self.linear(inputs)
        theta = ops.cast(self.theta, "float32")
        squares = ops.sum(ops.square(theta), axis=self._norm_axes)
        direction = ops.rsqrt(squares + TINY)
        if self.is_looking:
            self._standardize(ops.cast(x, "float32") * direction)
        x = x * ops.cast(self.scale * direction, x.dtype)
        return self.activation(x + ops.cast(self.bias, x.dtype))

    def _standardize(self, x: Tensor) -> None:
        axes = list(range(len(x.shape) - 1))
        mean, variance = ops.moments(x, axes)
        scale = self.first_spread * ops.rsqrt(variance + 1e-12)
        # through NumPy: under JAX two variables may not share one buffer
        self.scale.assign(ops.convert_to_numpy(scale))
        self.bias.assign(ops.convert_to_numpy(-mean * scale))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "train_scale": self.train_scale,
            "activation": keras.activations.serialize(self.activation),
            "initializer": keras.initializers.serialize(self.initializer),
            "first_spread": self.first_spread,
        }


@keras.saving.register_keras_serializable("keras_ssl")
class WeightNormDense(WeightNorm):
    """A dense layer with weight normalization.

    Args:
        units: number of outputs.
        **kwargs: see `WeightNorm`.
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units

    def theta_shape(self, inputs: int) -> tuple[int, ...]:
        return inputs, self.units

    def linear(self, inputs: Tensor) -> Tensor:
        return ops.matmul(inputs, self.theta)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable("keras_ssl")
class WeightNormConv2D(WeightNorm):
    """A convolution with weight normalization.

    Args:
        filters: number of outputs.
        kernel_size: side of the kernel.
        strides: defaults to 1.
        padding: "same", the default, or "valid".
        **kwargs: see `WeightNorm`.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        strides: int = 1,
        padding: str = "same",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.padding = padding

    def theta_shape(self, inputs: int) -> tuple[int, ...]:
        return self.kernel_size, self.kernel_size, inputs, self.filters

    def linear(self, inputs: Tensor) -> Tensor:
        return ops.conv(
            inputs,
            self.theta,
            strides=self.strides,
            padding=self.padding,
            data_format="channels_last",
        )

    def compute_output_shape(self, input_shape: Any) -> Any:
        lost = self.kernel_size - 1 if self.padding == "valid" else 0
        sides = [
            None if side is None else -(-(side - lost) // self.strides)
            for side in input_shape[1:3]
        ]
        return (input_shape[0], *sides, self.filters)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
        }


@keras.saving.register_keras_serializable("keras_ssl")
class WeightNormConv2DTranspose(WeightNorm):
    """A transposed convolution with weight normalization and padding "same".

    Args:
        filters: number of outputs.
        kernel_size: side of the kernel.
        strides: by what the sides are multiplied. Defaults to 2.
        **kwargs: see `WeightNorm`.
    """

    output_axis = -2

    def __init__(
        self, filters: int, kernel_size: int, strides: int = 2, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides

    def theta_shape(self, inputs: int) -> tuple[int, ...]:
        return self.kernel_size, self.kernel_size, self.filters, inputs

    def linear(self, inputs: Tensor) -> Tensor:
        return ops.conv_transpose(
            inputs,
            self.theta,
            strides=self.strides,
            padding="same",
            data_format="channels_last",
        )

    def compute_output_shape(self, input_shape: Any) -> Any:
        sides = [
            None if side is None else side * self.strides
            for side in input_shape[1:3]
        ]
        return (input_shape[0], *sides, self.filters)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
        }


def layers_to_standardize(network: keras.Model) -> list[WeightNorm]:
    """The layers of a network whose first weights depend on data."""
    return [
        layer
        for layer in network._flatten_layers()
        if isinstance(layer, WeightNorm) and layer.first_spread is not None
    ]


def standardize(network: keras.Model, inputs: Tensor) -> None:
    """Data-dependent first weights, layer by layer in one pass.

    Sets scale and bias of each layer with weight normalization so that every
    one of its outputs, before the activation, has mean 0 and deviation
    `first_spread` over these inputs, with the network's noise.

    Args:
        network: a built network.
        inputs: floats `(batch, ...)`, what it takes.
    """
    layers = layers_to_standardize(network)
    for layer in layers:
        layer.is_looking = True
    try:
        with backend.no_grad():
            network(inputs, training=True)
    finally:
        for layer in layers:
            layer.is_looking = False
