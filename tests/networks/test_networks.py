"""Networks: their sizes, their structure, what they refuse."""

import math

import keras
import numpy as np
import pytest
from keras import ops

from keras_ssl import networks

Conv2D = keras.layers.Conv2D
BatchNormalization = keras.layers.BatchNormalization


def layers_of(model, kind):
    return [layer for layer in model.layers if isinstance(layer, kind)]


def source(layer, i=0):
    """The layer that makes the i-th input of a layer."""
    tensors = layer.input if isinstance(layer.input, list) else [layer.input]
    return tensors[i]._keras_history.operation


def trainable_count(model):
    return sum(math.prod(v.shape) for v in model.trainable_variables)


def wide_resnet_count(depth, width, classes=10):
    """Weights of a Wide ResNet, added up block by block."""
    blocks, channels = (depth - 4) // 6, 16
    count = 9 * 3 * 16 + 16
    for filters in (16 * width, 32 * width, 64 * width):
        for _ in range(blocks):
            count += 2 * channels + 9 * channels * filters + filters
            count += 2 * filters + 9 * filters * filters + filters
            if channels != filters:
                count += channels * filters + filters
            channels = filters
    return count + 2 * channels + channels * classes + classes


@pytest.fixture(scope="module", autouse=True)
def quick_values():
    """Initial values from NumPy: JAX would compile a generator per shape.

    Yields what puts the true ones back.
    """
    patch = pytest.MonkeyPatch()
    rng = np.random.default_rng(0)

    def values(self, shape, dtype=None):
        scale = math.sqrt(2 / math.prod(shape[:-1]))
        drawn = scale * rng.standard_normal(shape, "float32")
        return ops.convert_to_tensor(drawn, dtype=dtype)

    patch.setattr(keras.initializers.VarianceScaling, "__call__", values)
    yield patch.undo
    patch.undo()


@pytest.fixture(scope="module")
def wrn(quick_values):
    return networks.WideResNet(depth=28, width=2)


# Wide ResNet ------------------------------------------------------------------


def test_wrn_28_2_has_1_47_million_weights(wrn):
    count = trainable_count(wrn)
    assert count == wide_resnet_count(28, 2)
    assert round(count / 1e6, 2) == 1.47


@pytest.mark.once
def test_wrn_28_8_has_23_4_million_weights():
    made = networks.get("wide_resnet_28_8")(num_classes=100)
    count = trainable_count(made)
    assert count == wide_resnet_count(28, 8, 100)
    assert round(count / 1e6, 1) == 23.4


def test_wrn_has_28_layers_with_weights_in_depth(wrn):
    deep = [c for c in layers_of(wrn, Conv2D) if c.kernel_size == (3, 3)]
    # 1 + 3 groups * 4 blocks * 2; with the 3 shortcuts it is 28
    assert len(deep) == 25
    shortcuts = [c for c in layers_of(wrn, Conv2D) if c.kernel_size == (1, 1)]
    assert [c.filters for c in shortcuts] == [32, 64, 128]
    assert [c.filters for c in deep] == [16] + [32] * 8 + [64] * 8 + [128] * 8
    assert len(layers_of(wrn, BatchNormalization)) == 25


def test_wrn_strides_at_the_start_of_groups_two_and_three(wrn):
    strided = [c for c in layers_of(wrn, Conv2D) if c.strides == (2, 2)]
    assert [(c.filters, c.kernel_size) for c in strided] == [
        (64, (3, 3)),
        (64, (1, 1)),
        (128, (3, 3)),
        (128, (1, 1)),
    ]
    assert wrn.get_layer("features").input.shape == (None, 8, 8, 128)


def test_wrn_shortcut_of_the_first_block_alone_sees_the_activated_input(wrn):
    kinds = [
        type(source(c))
        for c in layers_of(wrn, Conv2D)
        if c.kernel_size == (1, 1)
    ]
    added, activated = keras.layers.Add, keras.layers.LeakyReLU
    assert kinds == [activated, added, added]
    # both branches of the first block start at the same activation
    users = [c for c in layers_of(wrn, Conv2D) if c.filters == 32]
    activation = wrn.layers[3]
    assert isinstance(activation, activated)
    assert [c.kernel_size for c in users if source(c) is activation] == [
        (3, 3),
        (1, 1),
    ]


def test_wrn_blocks_after_the_first_of_a_group_have_plain_shortcuts(wrn):
    adds = layers_of(wrn, keras.layers.Add)
    assert len(adds) == 12
    for i, add in enumerate(adds):
        shortcut = source(add)
        if i % 4 == 0:
            assert shortcut.kernel_size == (1, 1)
        else:
            assert shortcut is adds[i - 1]


def test_a_wrn_of_width_1_needs_no_convolution_in_its_first_shortcut():
    made = networks.WideResNet(10, 1, input_shape=(8, 8, 3))
    first = layers_of(made, keras.layers.Add)[0]
    assert isinstance(source(first), keras.layers.LeakyReLU)


def test_wrn_normalizes_and_activates_as_the_reference_does(wrn):
    for layer in layers_of(wrn, BatchNormalization):
        assert layer.epsilon == 1e-3
        assert layer.momentum == 0.999
    slopes = {a.negative_slope for a in layers_of(wrn, keras.layers.LeakyReLU)}
    assert [float(slope) for slope in slopes] == [pytest.approx(0.1)]
    last = wrn.get_layer("features")
    assert isinstance(source(last), keras.layers.LeakyReLU)
    assert isinstance(source(source(last)), BatchNormalization)


def test_wrn_dense_layer_starts_glorot_normal(wrn):
    dense = wrn.get_layer("logits")
    assert isinstance(dense.kernel_initializer, keras.initializers.GlorotNormal)
    assert not ops.convert_to_numpy(dense.bias).any()


@pytest.mark.parametrize("depth", [27, 29, 4, 0, -2])
def test_wrn_refuses_a_depth_that_is_not_6_n_plus_4(depth):
    with pytest.raises(ValueError, match=f"6 n \\+ 4 .*received {depth}"):
        networks.WideResNet(depth=depth)


# ConvLarge --------------------------------------------------------------------


def test_conv_large_is_the_table_of_the_papers():
    made = networks.ConvLarge()
    table = []
    for layer in made.layers[1:]:
        if isinstance(layer, Conv2D):
            size = layer.kernel_size[0]
            table.append(f"{size}x{size} {layer.filters} {layer.padding}")
        elif isinstance(layer, keras.layers.GaussianNoise):
            table.append(f"noise {layer.stddev}")
        elif isinstance(layer, keras.layers.Dropout):
            table.append(f"dropout {layer.rate}")
        elif isinstance(layer, keras.layers.MaxPooling2D):
            table.append(f"pool {layer.pool_size[0]}")
        elif isinstance(layer, keras.layers.Dense):
            table.append(f"dense {layer.units}")
        elif layer.name == "features":
            table.append("average")
    assert table == [
        "noise 0.15",
        *["3x3 128 same"] * 3,
        "pool 2",
        "dropout 0.5",
        *["3x3 256 same"] * 3,
        "pool 2",
        "dropout 0.5",
        "3x3 512 valid",
        "1x1 256 same",
        "1x1 128 same",
        "average",
        "dense 10",
    ]
    assert made.get_layer("features").input.shape == (None, 6, 6, 128)
    activations = layers_of(made, keras.layers.LeakyReLU)
    assert len(activations) == 9
    for activation, convolution in zip(
        activations, layers_of(made, Conv2D), strict=True
    ):
        assert float(activation.negative_slope) == pytest.approx(0.1)
        assert isinstance(source(activation), BatchNormalization)
        assert source(source(activation)) is convolution


@pytest.mark.parametrize("shape", [(11, 12, 1), (12, 11, 1)])
def test_conv_large_refuses_too_small_images(shape):
    with pytest.raises(ValueError, match="at least 12 x 12"):
        networks.ConvLarge(input_shape=shape)


def test_conv_large_accepts_the_smallest_images():
    made = networks.ConvLarge(input_shape=(12, 12, 1))
    assert made.get_layer("features").input.shape == (None, 1, 1, 128)


# The small ones ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "strides", "left"),
    [(28, (2, 2, 1), 7), (16, (2, 2, 1), 4), (15, (1, 2, 1), 8)],
)
def test_small_cnn_has_three_convolutions_two_with_strides(size, strides, left):
    made = networks.SmallCNN(input_shape=(size, size, 1), width=4)
    convolutions = layers_of(made, Conv2D)
    assert [c.filters for c in convolutions] == [4, 8, 16]
    assert [c.strides[0] for c in convolutions] == list(strides)
    features = made.get_layer("features")
    assert isinstance(features, keras.layers.GlobalMaxPooling2D)
    assert features.input.shape == (None, left, left, 16)


def test_small_cnn_accepts_any_image():
    made = networks.SmallCNN(input_shape=(1, 1, 3))
    assert made.output_shape == (None, 10)


def test_mlp_has_the_given_hidden_layers():
    made = networks.MLP(hidden=(5, 4, 3), num_classes=2)
    units = [layer.units for layer in layers_of(made, keras.layers.Dense)]
    assert units == [5, 4, 3, 2]
    assert len(layers_of(made, BatchNormalization)) == 3


# The ladders ------------------------------------------------------------------


def plan(made):
    """Layers with weights and pooling, and what batch normalization has."""
    found = []
    for layer in made.layers:
        if isinstance(layer, Conv2D):
            assert not layer.use_bias
            found.append(f"{layer.kernel_size[0]}x{layer.filters}")
        elif isinstance(layer, keras.layers.Dense):
            assert not layer.use_bias
            found.append(f"dense {layer.units}")
        elif isinstance(layer, BatchNormalization):
            found[-1] += " b" * layer.center + " g" * layer.scale
        elif "Pooling" in type(layer).__name__:
            found.append("pool")
    return found


def test_the_ladder_mlp_is_that_of_the_paper():
    made = networks.LadderMLP()
    hidden = [f"dense {units} b" for units in (1000, 500, 250, 250, 250)]
    assert plan(made) == [*hidden, "dense 10 b g"]
    assert made.count_params() == 1_543_290


def test_the_ladder_conv_fc_is_that_of_the_paper():
    made = networks.get("ladder_conv_fc")()
    ones = [f"1x{filters} b" for filters in (500, 250, 250, 250, 10)]
    assert plan(made) == ["26x1000 b", *ones, "pool b g"]
    assert made.get_layer("features").input.shape == (None, 3, 3, 10)


def test_the_ladder_conv_small_is_that_of_the_paper():
    made = networks.get("ladder_conv_small")()
    assert plan(made) == [
        "5x32 b", "pool", "3x64 b", "3x64 b", "pool", "3x128 b", "1x10 b",
        "pool", "dense 10 b g",
    ]  # fmt: skip
    sizes = [layer.output.shape[1] for layer in layers_of(made, Conv2D)]
    assert sizes == [32, 14, 16, 6, 6]


def test_the_ladder_conv_large_is_that_of_the_paper():
    made = networks.get("ladder_conv_large")(input_shape=(32, 32, 3))
    assert plan(made) == [
        *["3x96 b"] * 3, "pool", *["3x192 b"] * 3, "pool",
        "3x192 b", "1x192 b", "1x10 b", "pool b",
    ]  # fmt: skip
    sizes = [layer.output.shape[1] for layer in layers_of(made, Conv2D)]
    assert sizes == [30, 32, 34, 15, 17, 15, 6, 6, 6]


@pytest.mark.parametrize(
    ("variant", "size"), [("fc", 3), ("small", 5), ("large", 11)]
)
def test_a_ladder_conv_takes_the_smallest_images_and_no_smaller(variant, size):
    made = networks.LadderConv(variant, input_shape=(size, size, 1))
    assert made.output_shape == (None, 10)
    with pytest.raises(ValueError, match=f"at least {size} x {size}; received"):
        networks.LadderConv(variant, input_shape=(size, size - 1, 1))


def test_an_unknown_ladder_conv_is_refused():
    with pytest.raises(ValueError, match="fc, small, large; received 'big'"):
        networks.LadderConv("big")


# Of autoencoders and generative models ----------------------------------------


def test_the_dense_generator_and_discriminator_are_those_of_mnist():
    made = networks.Generator()
    assert made.input_shape == (None, 100)
    assert made.output_shape == (None, 28, 28, 1)
    assert trainable_count(made) == 100 * 128 + 128 + 128 * 784 + 784
    made = networks.Discriminator()
    assert trainable_count(made) == 784 * 128 + 128 + 128 * 10 + 10
    assert made.get_layer("code").output.shape == (None, 128)


@pytest.mark.parametrize("shape", [(28, 28, 1), (8, 8, 1), (9, 11, 3)])
def test_generators_and_decoders_make_images_from_0_to_1(shape):
    rng = np.random.default_rng(0)
    for made in (
        networks.Generator(64, shape),
        networks.ConvDecoder((64,), shape),
        networks.ConvDecoder((2, 4, 8), shape),
    ):
        code = rng.normal(0, 30, (3, *made.input_shape[1:])).astype("f4")
        images = ops.convert_to_numpy(made(code))
        assert images.shape == (3, *shape)
        assert 0 <= images.min() < 0.5 < images.max() <= 1


def test_the_convolutional_decoder_mirrors_its_encoder():
    encoder, decoder = networks.ConvEncoder(), networks.ConvDecoder()
    assert [c.filters for c in layers_of(encoder, Conv2D)] == [32, 64]
    transposed = layers_of(decoder, keras.layers.Conv2DTranspose)
    assert [c.filters for c in transposed] == [32, 1]
    (code,) = (x for x in encoder.layers if x.name == "code")
    assert code.output.shape == decoder.input_shape
    assert layers_of(decoder, keras.layers.Reshape)[0].target_shape == (
        7,
        7,
        64,
    )


def test_the_adversarial_encoder_has_two_layers_of_1000():
    made = networks.get("adversarial_encoder")()
    units = [layer.units for layer in layers_of(made, keras.layers.Dense)]
    assert units == [1000, 1000, 10]
    for network in (made, networks.auto_encoder.CodeCritics((500, 500))):
        for layer in layers_of(network, keras.layers.Dense):
            kernel = ops.convert_to_numpy(layer.kernel)
            spread = kernel.std() / 0.01
            assert spread == pytest.approx(1, abs=5 / kernel.size**0.5)


def test_the_critics_of_a_code_see_their_own_part_alone():
    made = networks.auto_encoder.CodeCritics((2, 3), (6, 5))
    codes = np.random.default_rng(0).normal(0, 1, (4, 5)).astype("float32")
    other = codes.copy()
    other[:, :2] += 1
    one, two = (ops.convert_to_numpy(made(x)) for x in (codes, other))
    assert one.shape == (4, 2)
    np.testing.assert_array_equal(one[:, 1], two[:, 1])
    assert (one[:, 0] != two[:, 0]).all()
    assert trainable_count(made) == (18 + 35 + 6) + (24 + 35 + 6)


# All of them ------------------------------------------------------------------


def test_small_cnn_has_the_size_its_docstring_says():
    count = trainable_count(networks.SmallCNN())
    assert f"{round(count, -3):,} weights" in " ".join(
        networks.SmallCNN.__doc__.split()
    )


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.once)
        if name == "wide_resnet_28_8"  # 23 million weights
        else name
        for name in networks.names()
    ],
)
def test_logits_are_finite_and_survive_saving(name, tmp_path):
    made = networks.get(name)(
        num_classes=7, input_shape=(12, 12, 3), activation="relu", momentum=0.5
    )
    images = ops.convert_to_tensor(
        np.random.default_rng(0).uniform(-1, 1, (2, 12, 12, 3)).astype("f4")
    )
    for layer in layers_of(made, BatchNormalization):
        assert layer.momentum == 0.5
        assert layer.epsilon == (1e-6 if "ladder" in name else 1e-3)
        # not the values that a new layer has
        layer.moving_mean.assign(layer.moving_mean + 0.1)
    logits = ops.convert_to_numpy(made(images))
    assert logits.shape == (2, 7)
    assert np.isfinite(logits).all()
    assert logits.std() > 0
    made.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras")
    np.testing.assert_array_equal(ops.convert_to_numpy(again(images)), logits)


# With true initial values -----------------------------------------------------


def test_wrn_kernels_start_with_fan_out_variance_and_are_not_truncated(
    wrn, quick_values
):
    quick_values()  # back to the true ones
    for layer in layers_of(wrn, Conv2D):
        assert not ops.convert_to_numpy(layer.bias).any()
        config = layer.kernel_initializer.get_config()
        assert (config["scale"], config["mode"], config["distribution"]) == (
            2.0,
            "fan_out",
            "untruncated_normal",
        )
    kernel = ops.convert_to_numpy(layer.kernel_initializer(layer.kernel.shape))
    assert kernel.shape == (3, 3, 128, 128)
    expected = math.sqrt(2 / (9 * 128))
    # the spread of an estimated deviation is expected / sqrt(2 n)
    margin = 5 * expected / math.sqrt(2 * kernel.size)
    assert kernel.std() == pytest.approx(expected, abs=margin)
    assert abs(kernel.mean()) < 5 * expected / math.sqrt(kernel.size)
    # of 147 thousand normal numbers 0.27 % lie beyond three deviations, give
    # or take 5 % of them; of truncated ones none
    beyond = np.mean(np.abs(kernel) > 3 * expected)
    assert beyond == pytest.approx(0.0027, rel=0.25)
