"""Wide ResNet as the semi-supervised benchmarks use it."""

import keras

from keras_ssl.backend import Tensor
from keras_ssl.networks.layers import activate, normalize


def WideResNet(  # noqa: N802 (a function named as a class, as keras.applications)
    depth: int = 28,
    width: int = 2,
    num_classes: int = 10,
    input_shape: tuple[int, int, int] = (32, 32, 3),
    activation: str = "leaky_relu",
    momentum: float = 0.999,
    name: str | None = None,
) -> keras.Model:
    """Wide ResNet, Zagoruyko & Komodakis, BMVC 2016 (arXiv 1605.07146), in the
    form of google-research/fixmatch that every published table uses.

    A 3x3 convolution with 16 filters; three groups of (depth - 4) / 6
    pre-activation residual blocks with 16, 32 and 64 times `width` filters,
    the second and third starting with stride 2; normalization, activation,
    global average, dense. In the first block the shortcut too sees the
    activated input. WRN-28-2 has 1.47 million weights, WRN-28-8 (`width=8`,
    the papers' CIFAR-100 network) 23.4 million.

    Args:
        depth: 6 n + 4. Defaults to 28.
        width: widening factor. Defaults to 2.
        num_classes: defaults to 10.
        input_shape: `(height, width, channels)`.
        activation: defaults to "leaky_relu" with slope 0.1.
        momentum: of batch normalization. The papers' 0.999 is made for long
            trainings; under some 5,000 steps take 0.9.
        name: defaults to e.g. "wide_resnet_28_2".

    Returns:
        A `keras.Model` from floats `(batch, *input_shape)` to logits
        `(batch, num_classes)`.

    Raises:
        ValueError: `depth` is not 6 n + 4.
    """
    blocks, remainder = divmod(depth - 4, 6)
    if remainder or blocks < 1:
        raise ValueError(
            f"expected depth = 6 n + 4 (10, 16, 22, 28, ...); received {depth}"
        )

    def convolve(
        x: Tensor, filters: int, size: int = 3, stride: int = 1
    ) -> Tensor:
        return keras.layers.Conv2D(
            filters,
            size,
            strides=stride,
            padding="same",
            kernel_initializer=keras.initializers.VarianceScaling(
                2.0, "fan_out", "untruncated_normal"
            ),
        )(x)

    def residual(
        x: Tensor, filters: int, stride: int, activate_shortcut: bool
    ) -> Tensor:
        y = activate(normalize(x, momentum), activation)
        shortcut = y if activate_shortcut else x
        y = convolve(y, filters, stride=stride)
        y = activate(normalize(y, momentum), activation)
        y = convolve(y, filters)
        if shortcut.shape[-1] != filters or stride != 1:
            shortcut = convolve(shortcut, filters, size=1, stride=stride)
        return keras.layers.Add()([shortcut, y])

    images = keras.Input(input_shape)
    x = convolve(images, 16)
    for group in range(3):
        for block in range(blocks):
            is_first = block == 0
            x = residual(
                x,
                filters=(16 * width) << group,
                stride=2 if group and is_first else 1,
                activate_shortcut=group == 0 and is_first,
            )
    x = activate(normalize(x, momentum), activation)
    x = keras.layers.GlobalAveragePooling2D(name="features")(x)
    logits = keras.layers.Dense(
        num_classes, kernel_initializer="glorot_normal", name="logits"
    )(x)
    return keras.Model(
        images, logits, name=name or f"wide_resnet_{depth}_{width}"
    )
