"""A network with maximum pooling that remembers where, and the way back."""

from typing import Any

import keras
from keras import ops

from keras_ssl.backend import Tensor
from keras_ssl.networks.layers import activate


@keras.saving.register_keras_serializable("keras_ssl")
class WindowMaximum(keras.layers.MaxPooling2D):
    """Keras' layer for windows side by side, as the maximum of strided slices.

    XLA's gradient of a pooling takes several times as long on a CPU. Where two
    values are equal each gets a part of the gradient.
    """

    def call(self, images: Tensor) -> Tensor:
        size = self.pool_size[0]
        height, width = (n - n % size for n in images.shape[1:3])
        x = None
        for row in range(size):
            for column in range(size):
                part = images[:, row:height:size, column:width:size]
                x = part if x is None else ops.maximum(x, part)
        return x


def WhatWhereCNN(  # noqa: N802 (a function named as a class, as keras.applications)
    num_classes: int = 10,
    input_shape: tuple[int, int, int] = (28, 28, 1),
    filters: tuple[int, ...] = (64, 64),
    activation: str = "relu",
    momentum: float = 0.9,
    dropout: float = 0.5,
    name: str = "what_where_cnn",
) -> keras.Model:
    """A 5x5 and further 3x3 convolutions, each with 2x2 maximum pooling, then
    dropout and a dense layer.

    After Zhao et al. 2015 (arXiv 1506.02351); the sizes are unverified.

    Args:
        num_classes: defaults to 10.
        input_shape: `(height, width, channels)`.
        filters: of the convolutions. Defaults to `(64, 64)`.
        activation: defaults to "relu".
        momentum: ignored: nothing here is normalized.
        dropout: rate before the dense layer. Defaults to 0.5.
        name: name of the model.

    Returns:
        A `keras.Model` from floats `(batch, *input_shape)` to logits
        `(batch, num_classes)`.
    """
    images = keras.Input(input_shape)
    x = images
    for place, count in enumerate(filters):
        x = keras.layers.Conv2D(
            count,
            3 if place else 5,
            padding="same",
            kernel_initializer="he_normal",
        )(x)
        x = WindowMaximum()(activate(x, activation))
    x = keras.layers.Flatten(name="code")(x)
    x = keras.layers.Dropout(dropout)(x)
    logits = keras.layers.Dense(num_classes, name="logits")(x)
    return keras.Model(images, logits, name=name)


def poolings(network: keras.Model) -> list[keras.layers.MaxPooling2D]:
    """The maximum poolings of a functional network, in order.

    Raises:
        ValueError: there are none, or their windows overlap, leave gaps, are
            padded or are not square.
    """
    found = [
        layer
        for layer in getattr(network, "layers", [])
        if isinstance(layer, keras.layers.MaxPooling2D)
    ]
    if not found or not getattr(network, "inputs", None):
        raise ValueError(
            "expected a functional network with keras.layers.MaxPooling2D, "
            "whose positions the decoder uses, such as "
            f"networks.WhatWhereCNN(); received {network}"
        )
    for layer in found:
        height, width = layer.pool_size
        if not (
            height == width
            and tuple(layer.strides) == (height, width)
            and layer.padding == "valid"
        ):
            raise ValueError(
                "expected pooling windows that are square, side by side and "
                f"not padded; received {layer.get_config()}"
            )
    return found


def switches(x: Tensor, size: int) -> Tensor:
    """Where the largest value of each window stands, the first of equal ones.

    Args:
        x: floats `(batch, height, width, channels)`.
        size: of a window, which is square; windows lie side by side from the
            top left, and what is left over belongs to none.

    Returns:
        float32 of the same shape: 1 once in each window, else 0. No gradient
        flows.

    Example:

    >>> x = ops.reshape([[3.0, 1.0], [0.0, 3.0]], (1, 2, 2, 1))
    >>> ops.convert_to_numpy(switches(x, 2)).reshape(2, 2).tolist()
    [[1.0, 0.0], [0.0, 0.0]]
    """
    height, width, channels = x.shape[1:]
    rows, columns = height // size, width // size
    windows = ops.reshape(
        x[:, : rows * size, : columns * size],
        (-1, rows, size, columns, size, channels),
    )
    place = ops.reshape(ops.arange(size * size), (1, 1, size, 1, size, 1))
    largest = windows == ops.max(windows, axis=(2, 4), keepdims=True)
    first = ops.min(
        ops.where(largest, place, size * size), axis=(2, 4), keepdims=True
    )
    found = ops.reshape(
        ops.cast(place == first, "float32"),
        (-1, rows * size, columns * size, channels),
    )
    rest = ((0, 0), (0, height % size), (0, width % size), (0, 0))
    return ops.stop_gradient(ops.pad(found, rest))


def _unpooled(what: Tensor, where: Any, size: int) -> Tensor:
    """Each value at the place in its window that the switches tell."""
    x = keras.layers.UpSampling2D(size)(what)
    rest = [where.shape[axis] - x.shape[axis] for axis in (1, 2)]
    if any(rest):
        x = keras.layers.ZeroPadding2D(((0, rest[0]), (0, rest[1])))(x)
    return keras.layers.Multiply()([x, where])


def mirror(network: keras.Model) -> keras.Model:
    """A decoder that takes the convolutions and poolings of a network back.

    Args:
        network: a functional `keras.Model` from images through convolutions
            that keep the size and `poolings`.

    Returns:
        A `keras.Model` from `[what, *switches]`, the output of the last pooling
        and the switches of all in order, to `[images, *hidden]`: images in 0 to
        1 and what the outputs of all poolings but the last should be, in order.

    Raises:
        ValueError: see `poolings`; or something else changes the size.
    """
    pools = poolings(network)
    what = keras.Input(pools[-1].output.shape[1:])
    wheres = [keras.Input(layer.input.shape[1:]) for layer in pools]
    below = [network.inputs[0], *(layer.output for layer in pools[:-1])]
    for layer, source in zip(pools, below, strict=True):
        if layer.input.shape[1:3] != source.shape[1:3]:
            raise ValueError(
                "expected layers between the poolings that keep the size; "
                f"before {layer.name!r} it changes from {source.shape[1:3]} "
                f"to {layer.input.shape[1:3]}"
            )
    # the convolutions before each pooling
    groups: list[list[Any]] = [[] for _ in range(len(pools) + 1)]
    passed = 0
    for layer in network.layers:
        passed += layer in pools
        if isinstance(layer, keras.layers.Conv2D):
            groups[passed].append(layer)
    x, outputs = what, []
    for place in reversed(range(len(pools))):
        x = _unpooled(x, wheres[place], pools[place].pool_size[0])
        for layer in reversed(groups[place]):
            is_last = place == 0 and layer is groups[0][0]
            x = keras.layers.Conv2DTranspose(
                layer.input.shape[-1],
                layer.kernel_size,
                padding="same",
                activation="sigmoid" if is_last else "relu",
                kernel_initializer="he_normal",
            )(x)
        outputs.append(x)
    return keras.Model([what, *wheres], list(reversed(outputs)), name="mirror")
