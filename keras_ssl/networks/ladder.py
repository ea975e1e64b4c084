"""LadderMLP and LadderConv: the networks of the ladder networks.

Batch normalization follows every layer with weights and every pooling: with an
offset before a ReLU, which needs no scale, with both at the logits, with
neither after pooling. Rasmus et al., NeurIPS 2015; sizes and initial values are
those of the authors' code.
"""

from collections.abc import Sequence
from typing import Any

import keras

from keras_ssl.backend import Tensor
from keras_ssl.networks.layers import activate

# The authors' 1e-10 divides a unit that is constant over a batch by 1e-5, so
# that the rounding of float32 passes for a signal. Ordinary variances are far
# above both.
EPSILON = 1e-6


def LadderMLP(  # noqa: N802 (a function named as a class, as keras.applications)
    num_classes: int = 10,
    input_shape: tuple[int, int, int] = (28, 28, 1),
    hidden: Sequence[int] = (1000, 500, 250, 250, 250),
    activation: str = "relu",
    momentum: float = 0.9,
    name: str = "ladder_mlp",
) -> keras.Model:
    """784-1000-500-250-250-250-10, the network of the results on MNIST.

    Args:
        num_classes: defaults to 10.
        input_shape: `(height, width, channels)`.
        hidden: widths of the hidden layers.
        activation: defaults to "relu".
        momentum: of batch normalization. Defaults to 0.9.
        name: name of the model.

    Returns:
        A `keras.Model` from floats `(batch, *input_shape)` to logits
        `(batch, num_classes)`, 1,543,290 weights with the default sizes.
    """
    images = keras.Input(input_shape)
    x = keras.layers.Flatten()(images)
    for units in hidden:
        x = _normalized(_dense(units)(x), momentum, scale=False)
        x = activate(x, activation)
    logits = _normalized(_dense(num_classes)(x), momentum, name="logits")
    return keras.Model(images, logits, name=name)


def LadderConv(  # noqa: N802
    variant: str,
    num_classes: int = 10,
    input_shape: tuple[int, int, int] = (28, 28, 1),
    activation: str = "relu",
    momentum: float = 0.9,
    name: str | None = None,
) -> keras.Model:
    """A convolutional network of Rasmus et al., NeurIPS 2015.

    "fc": one convolution nearly as large as the image (26 x 26 of 28 x 28), to
    1000 channels, then 1 x 1 to 500, 250, 250, 250 and the classes, and the
    mean over places. "small" (MNIST) and "large" (CIFAR-10, with
    activation="leaky_relu", on contrast-normalized and whitened images): 3 x 3
    and 5 x 5, "full" (with borders so wide that the image grows) and without
    borders, max-pooling, at the end the mean over places; in "small" one dense
    layer follows.

    Args:
        variant: "fc", "small" or "large".
        num_classes: defaults to 10.
        input_shape: `(height, width, channels)`.
        activation: defaults to "relu".
        momentum: of batch normalization. Defaults to 0.9.
        name: name of the model, "ladder_conv_" and the variant by default.

    Returns:
        A `keras.Model` from floats `(batch, *input_shape)` to logits
        `(batch, num_classes)`.

    Raises:
        ValueError: no such variant, or the image is too small for it.
    """
    smallest = {"fc": 3, "small": 5, "large": 11}
    if variant not in smallest:
        raise ValueError(
            f"expected variant to be one of {', '.join(smallest)}; received "
            f"{variant!r}"
        )
    height, width, _ = input_shape
    if min(height, width) < smallest[variant]:
        size = smallest[variant]
        raise ValueError(
            f"the ladder's variant {variant!r} takes images of at least "
            f"{size} x {size}; received {height} x {width}"
        )
    x = images = keras.Input(input_shape)
    for kind, filters, size in _plan(variant, height, width, num_classes):
        if kind == "pool":
            x = keras.layers.MaxPooling2D(2, padding="same")(x)
            x = _normalized(x, momentum, scale=False, center=False)
            continue
        if kind == "full":
            x = keras.layers.ZeroPadding2D(size - 1)(x)
        x = _normalized(_convolution(filters, size)(x), momentum, scale=False)
        x = activate(x, activation)
    x = keras.layers.GlobalAveragePooling2D(name="features")(x)
    if variant == "small":
        x = _normalized(x, momentum, scale=False, center=False)
        x = _dense(num_classes)(x)
    # "large" was trained without the scale of the logits
    logits = _normalized(x, momentum, scale=variant != "large", name="logits")
    return keras.Model(images, logits, name=name or f"ladder_conv_{variant}")


def _plan(
    variant: str, height: int, width: int, classes: int
) -> list[tuple[str, int, Any]]:
    """Rows of a kind ("valid", "full", "pool"), filters and kernel size."""
    if variant == "fc":
        first = ("valid", 1000, (height - 2, width - 2))
        widths = (500, 250, 250, 250, classes)
        return [first, *[("valid", width, 1) for width in widths]]
    if variant == "small":
        return [
            ("full", 32, 5), ("pool", 0, 2),
            ("valid", 64, 3), ("full", 64, 3), ("pool", 0, 2),
            ("valid", 128, 3), ("valid", classes, 1),
        ]  # fmt: skip
    return [
        ("valid", 96, 3), ("full", 96, 3), ("full", 96, 3), ("pool", 0, 2),
        ("valid", 192, 3), ("full", 192, 3), ("valid", 192, 3), ("pool", 0, 2),
        ("valid", 192, 3), ("valid", 192, 1), ("valid", classes, 1),
    ]  # fmt: skip


def _dense(units: int) -> keras.layers.Layer:
    """Without bias, from N(0, 1 / inputs)."""
    start = keras.initializers.VarianceScaling(
        1.0, "fan_in", "untruncated_normal"
    )
    return keras.layers.Dense(units, use_bias=False, kernel_initializer=start)


def _convolution(filters: int, size: Any) -> keras.layers.Layer:
    """Without border and bias, from a uniform distribution, 1 / inputs."""
    start = keras.initializers.VarianceScaling(1.0, "fan_in", "uniform")
    return keras.layers.Conv2D(
        filters, size, use_bias=False, kernel_initializer=start
    )


def _normalized(x: Tensor, momentum: float, **kwargs: Any) -> Tensor:
    return keras.layers.BatchNormalization(
        momentum=momentum, epsilon=EPSILON, **kwargs
    )(x)
