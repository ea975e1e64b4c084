"""The way down a ladder: a network's mirror image, joined level by level."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from keras_ssl.backend import Tensor
from keras_ssl.ladder_encoder import Level

EPSILON = 1e-6  # of the normalization of u, see `networks.ladder`


@keras.saving.register_keras_serializable("keras_ssl")
class Combinator(keras.layers.Layer):
    """z_hat = (z~ - mu(u)) v(u) + mu(u), the best guess for a Gaussian z.

        mu(u) = a1 sigmoid(a2 u + a3) + a4 u + a5
        v(u) = a6 sigmoid(a7 u + a8) + a9 u + a10

    for each channel with a1 to a10 of its own, at first 0 but a2 = a7 = 1.
    Rasmus et al., NeurIPS 2015, section 3.2; they are the rows of the one
    weight here. Called on `[z~, u]`, both `(batch, ..., channels)`.
    """

    def build(self, input_shape: list[tuple[int | None, ...]]) -> None:
        channels = input_shape[0][-1]
        first = np.tile([0.0, 1.0, 0.0, 0.0, 0.0], 2)[:, None]
        self.a = self.add_weight(
            shape=(10, channels), name="a",
            initializer=lambda shape, dtype=None: ops.cast(
                np.broadcast_to(first, shape).copy(), dtype
            ),
        )  # fmt: skip

    def call(self, inputs: list[Tensor]) -> Tensor:
        z, u = inputs
        a = [self.a[row] for row in range(10)]
        mu = a[0] * ops.sigmoid(a[1] * u + a[2]) + a[3] * u + a[4]
        v = a[5] * ops.sigmoid(a[6] * u + a[7]) + a[8] * u + a[9]
        return (z - mu) * v + mu


def decoder(
    levels: Sequence[Level],
    image_shape: tuple[int, ...],
    costs: Sequence[float],
) -> keras.Model:
    """The decoder of a ladder, from its top down to the lowest cost.

    u at the top are the predicted probabilities; below it is z_hat of the level
    above, sent back through the mirror image of that level: the transposed map
    with weights of its own for a dense or convolutional layer, copies of each
    value for pooling. u is normalized, over a batch in training and by moving
    statistics, with Keras' momentum of 0.99, otherwise.

    Args:
        levels: those of the encoder.
        image_shape: `(height, width, channels)`, level 0.
        costs: factor of the cost of each level from level 0 up.

    Returns:
        A `keras.Model` from `[probabilities, z~ of level 0, ..., z~ of the
        top]` to `[z_hat of the lowest level with a cost, ..., of the top]`.

    Raises:
        ValueError: the costs are not one for each level and one for the
            images, or are negative, or all 0.
    """
    if len(costs) != len(levels) + 1 or min(costs) < 0 or not any(costs):
        raise ValueError(
            f"expected {len(levels) + 1} costs, of the images and of "
            f"{len(levels)} levels, none below 0 and not all of them 0; "
            f"received {tuple(costs)}"
        )
    lowest = next(place for place, cost in enumerate(costs) if cost)
    shapes = [tuple(image_shape), *(level.shape for level in levels)]
    guess = keras.Input(shapes[-1], name="probabilities")
    noisy = [
        keras.Input(shape, name=f"z_{i}") for i, shape in enumerate(shapes)
    ]
    inputs, outputs = [guess, *noisy], []
    for place in range(len(levels), lowest - 1, -1):
        above = levels[place] if place < len(levels) else None
        u = _mirror(above, guess) if above else guess
        guess = _joined(noisy[place], u, above)
        outputs.append(guess)
    return keras.Model(inputs, outputs[::-1], name="decoder")


def _joined(z: Tensor, u: Tensor, above: Level | None) -> Tensor:
    """z_hat from z~ and the signal from above, of the shape of z~."""
    shape = z.shape[1:]
    # each value has its own combinator where the level above sees a vector
    if above and above.flattens:
        z, u = (keras.layers.Flatten()(x) for x in (z, u))
    u = keras.layers.BatchNormalization(
        center=False, scale=False, epsilon=EPSILON
    )(u)
    z_hat = Combinator()([z, u])
    if z_hat.shape[1:] != shape:
        z_hat = keras.layers.Reshape(shape)(z_hat)
    return z_hat


def _mirror(level: Level, x: Tensor) -> Tensor:
    """x back through the maps of a level, to the shape of the level below."""
    for layer in reversed(level.maps):
        shape = tuple(layer.input.shape[1:])
        for reflection in _reflections(layer, shape):
            x = reflection(x)
        x = _fitted(x, shape)
    return x


def _reflections(
    layer: keras.layers.Layer, shape: tuple[int, ...]
) -> list[keras.layers.Layer]:
    """Layers that lead from a layer's output back to its input's shape."""
    layers = keras.layers
    if isinstance(layer, layers.Dense):
        start = keras.initializers.VarianceScaling(
            1.0, "fan_in", "untruncated_normal"
        )
        return [
            layers.Dense(shape[-1], use_bias=False, kernel_initializer=start)
        ]
    if isinstance(layer, layers.Conv2D):
        # a transposed kernel has its inputs last
        start = keras.initializers.VarianceScaling(1.0, "fan_out", "uniform")
        return [
            layers.Conv2DTranspose(
                shape[-1],
                layer.kernel_size,
                layer.strides,
                layer.padding,
                dilation_rate=layer.dilation_rate,
                use_bias=False,
                kernel_initializer=start,
            )
        ]
    if isinstance(layer, layers.ZeroPadding2D):
        return [layers.Cropping2D(layer.padding)]
    if isinstance(layer, layers.GlobalAveragePooling2D):
        height, width, channels = shape
        return [
            layers.Reshape((1, 1, channels)),
            layers.UpSampling2D((height, width)),
        ]
    if isinstance(layer, layers.Flatten):
        return [layers.Reshape(shape)]
    return [layers.UpSampling2D(layer.strides)]  # pooling


def _fitted(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """x cropped, or filled up with zeros, at the right and the bottom."""
    if x.shape[1:] == shape:
        return x
    more = [
        want - have for want, have in zip(shape[:2], x.shape[1:3], strict=True)
    ]
    fill = tuple((0, max(n, 0)) for n in more)
    crop = tuple((0, max(-n, 0)) for n in more)
    x = keras.layers.ZeroPadding2D(fill)(x)
    return keras.layers.Cropping2D(crop)(x)
