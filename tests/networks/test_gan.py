"""The GANs' networks: their tables, and what they refuse."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_ssl import networks
from keras_ssl.networks import gan
from keras_ssl.networks.weight_norm import (
    WeightNormConv2D,
    WeightNormDense,
)


def table(model):
    """What the layers are, one line each."""
    lines = []
    for layer in model.layers[1:]:
        if isinstance(layer, WeightNormDense):
            lines.append(f"dense {layer.units}")
        elif isinstance(layer, WeightNormConv2D):
            lines.append(
                f"{layer.kernel_size}x{layer.kernel_size} {layer.filters} "
                f"{layer.padding} {layer.strides}"
            )
        elif isinstance(layer, keras.layers.GaussianNoise):
            lines.append(f"noise {layer.stddev}")
        elif isinstance(layer, keras.layers.Dropout):
            lines.append(f"dropout {layer.rate}")
        elif isinstance(layer, keras.layers.GlobalAveragePooling2D):
            lines.append("average")
    return lines


def test_gan_mlp_is_the_table_of_the_reference():
    made = networks.GanMLP()
    assert table(made) == [
        "noise 0.3", "dense 1000", "noise 0.5", "dense 500", "noise 0.5",
        "dense 250", "noise 0.5", "dense 250", "noise 0.5", "dense 250",
        "noise 0.5", "dense 10",
    ]  # fmt: skip
    trained = [
        layer.name
        for layer in made.layers
        if isinstance(layer, WeightNormDense) and layer.train_scale
    ]
    assert trained == ["logits"]


def test_gan_conv_is_the_table_of_the_reference():
    made = networks.GanConv()
    assert table(made) == [
        "dropout 0.2",
        "3x3 96 same 1",
        "3x3 96 same 1",
        "3x3 96 same 2",
        "dropout 0.5",
        "3x3 192 same 1",
        "3x3 192 same 1",
        "3x3 192 same 2",
        "dropout 0.5",
        "3x3 192 valid 1",
        "1x1 192 same 1",
        "1x1 192 same 1",
        "average",
        "dense 10",
    ]
    assert made.get_layer("logits").first_spread == 0.1
    slopes = [
        float(layer.negative_slope)
        for layer in made.layers
        if isinstance(layer, keras.layers.LeakyReLU)
    ]
    assert slopes == pytest.approx([0.2] * 9)


def test_gan_conv_refuses_too_small_images():
    with pytest.raises(ValueError, match="at least 9 x 9"):
        networks.GanConv(input_shape=(8, 9, 3))
    assert networks.GanConv(input_shape=(9, 9, 1), width=2).output_shape == (
        None,
        10,
    )


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (gan.generator_mlp, (28, 28, 1)),
        (gan.generator_dcgan, (28, 28, 1)),
        (gan.generator_dcgan, (32, 32, 3)),
        (gan.generator_conv, (32, 32, 3)),
    ],
)
def test_generators_make_images_in_0_to_1(make, shape):
    small = {} if make is gan.generator_mlp else {"width": 4}
    made = make(shape, noise_size=6, **small)
    z = np.random.default_rng(0).uniform(size=(5, 6)).astype("float32")
    images = ops.convert_to_numpy(made(ops.convert_to_tensor(z), training=True))
    assert images.shape == (5, *shape)
    assert 0.0 <= images.min() < images.max() <= 1.0
    assert images.std(axis=0).mean() > 1e-3


@pytest.mark.parametrize(
    ("make", "factor"), [(gan.generator_dcgan, 4), (gan.generator_conv, 8)]
)
def test_generators_refuse_sides_that_they_cannot_reach(make, factor):
    with pytest.raises(ValueError, match=f"multiples of {factor}"):
        make((30, 32, 1))


@pytest.mark.parametrize(
    ("shape", "layers"), [((28, 28, 1), 0), ((32, 32, 3), 3), ((30, 30, 3), 0)]
)
def test_the_generator_that_is_made_unasked(shape, layers):
    made = gan.generator_for(shape)
    assert made.output_shape == (None, *shape)
    upward = [layer for layer in made.layers if "transpose" in layer.name]
    assert len(upward) == layers


def test_an_encoder_has_two_numbers_for_each_of_noise():
    made = gan.encoder_mlp((6, 6, 1), hidden=(5,), noise_size=7)
    assert made.output_shape == (None, 14)
