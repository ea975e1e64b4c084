"""Layers that `quicken` has changed compute what Keras' own do."""

import keras
import numpy as np
import pytest

if keras.backend.backend() != "torch":
    pytest.skip("PyTorch's layers only", allow_module_level=True)

import torch  # noqa: E402  (may not be installed)

from keras_ssl import methods, networks  # noqa: E402
from keras_ssl.backend.torch import quicken  # noqa: E402
from keras_ssl.predictor import copied, predictor  # noqa: E402


def pair(layer, shape):
    """A network of one layer as Keras has it, and its quickened copy."""
    keras.utils.set_random_seed(0)
    images = keras.Input(shape)
    plain = keras.Model(images, layer(images))
    rng = np.random.default_rng(1)
    for variable in plain.variables:
        variable.assign(rng.uniform(0.5, 2.0, variable.shape))
    quick = copied(plain)
    quicken(quick)
    return plain, quick


def outcome(network, x, training):
    """Outputs, gradients by images and weights, statistics afterwards."""
    x = torch.tensor(x, requires_grad=True)
    y = network(x, training=training)
    changed = [x, *(v.value for v in network.trainable_variables)]
    gradients = torch.autograd.grad(torch.sin(3 * y).sum(), changed)
    found = [y, *gradients, *(v.value for v in network.variables)]
    return [tensor.detach().numpy() for tensor in found]


def assert_same(layer, shape, batch=5, training=True):
    x = np.random.default_rng(2).normal(1.0, 2.0, (batch, *shape))
    x = x.astype("float32")
    plain, quick = (
        outcome(network, x, training) for network in pair(layer, shape)
    )
    for one, other in zip(plain, quick, strict=True):
        np.testing.assert_allclose(other, one, rtol=2e-4, atol=2e-4)


KERNELS = [(1, 1), (3, 3), (2, 4)]
CONVOLUTIONS = [
    {"padding": "same"},
    {"padding": "same", "strides": 2},
    {"padding": "same", "strides": (3, 2), "use_bias": False},
    {"padding": "same", "dilation_rate": 2, "activation": "relu"},
    {"padding": "valid", "strides": 2, "groups": 2},
]


@pytest.mark.parametrize(
    ("kernel", "arguments"),
    [
        (kernel, arguments)
        for kernel in KERNELS
        for arguments in CONVOLUTIONS
        # of few channels oneDNN's gradient of Keras' own, 1x1 with strides,
        # writes where it must not (uxlfoundation/oneDNN issue 6035)
        if kernel != (1, 1) or "strides" not in arguments
    ],
)
@pytest.mark.parametrize("side", [7, 8])
def test_a_convolution(kernel, arguments, side):
    assert_same(keras.layers.Conv2D(4, kernel, **arguments), (side, side, 2))


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("strides", [(2, 2), (3, 2)])
def test_single_pixels_with_strides(strides, groups, padding):
    """As if the image had been cut to them, and no gradient elsewhere."""
    x = np.random.default_rng(2).normal(1.0, 2.0, (5, 7, 8, 2))
    x = x.astype("float32")
    rows, columns = strides
    seen = (slice(None), slice(None, None, rows), slice(None, None, columns))
    layer = keras.layers.Conv2D(4, 1, groups=groups)
    plain, _ = pair(layer, x[seen].shape[1:])
    layer = keras.layers.Conv2D(
        4, 1, strides=strides, groups=groups, padding=padding
    )
    _, quick = pair(layer, x.shape[1:])
    wanted = outcome(plain, x[seen], True)
    found = outcome(quick, x, True)
    gradient, found[1] = found[1], found[1][seen].copy()
    gradient[seen] = 0
    assert not gradient.any()
    for one, other in zip(wanted, found, strict=True):
        np.testing.assert_allclose(other, one, rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"momentum": 0.7, "epsilon": 1e-2},
        {"scale": False},
        {"center": False},
        {"axis": 1},
        {"renorm": True},
    ],
)
@pytest.mark.parametrize("shape", [(6,), (3, 6), (4, 5, 6)])
def test_batch_normalization(arguments, shape, training):
    layer = keras.layers.BatchNormalization(**arguments)
    assert_same(layer, shape, training=training)


def test_batch_normalization_of_a_frozen_layer_and_of_one_value():
    layer = keras.layers.BatchNormalization(trainable=False)
    assert_same(layer, (4, 4, 3))
    assert_same(keras.layers.BatchNormalization(), (3,), batch=1)


def test_a_model_is_quickened_and_what_is_made_of_it_is_not():
    network = networks.SmallCNN()
    model = methods.FixMatch(network)
    model.compile()
    quick = [layer.name for layer in network.layers if "call" in vars(layer)]
    assert len(quick) == 6  # three convolutions, three normalizations
    plain = predictor(model)._flatten_layers()
    assert not any("call" in vars(layer) for layer in plain)


def test_mixed_precision_is_kept():
    layer = keras.layers.BatchNormalization(dtype="mixed_bfloat16")
    _, quick = pair(layer, (4, 4, 3))
    assert quick(np.ones((2, 4, 4, 3)), training=True).dtype == torch.bfloat16
    layer = keras.layers.Conv2D(2, 3, padding="same", dtype="mixed_bfloat16")
    _, quick = pair(layer, (4, 4, 3))
    assert quick(np.ones((2, 4, 4, 3))).dtype == torch.bfloat16
