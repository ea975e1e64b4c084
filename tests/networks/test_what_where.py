"""Maximum pooling that remembers where, against loops in NumPy."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_ssl import networks
from keras_ssl.networks.what_where import (
    WindowMaximum,
    mirror,
    poolings,
    switches,
)


def images_of(shape, ties=False):
    rng = np.random.default_rng(0)
    if ties:
        return rng.integers(0, 3, shape).astype("float32")
    return rng.normal(0, 1, shape).astype("float32")


def loop_switches(x, size):
    """1 at the first largest value of each window."""
    found = np.zeros_like(x)
    batch, height, width, channels = x.shape
    for b in range(batch):
        for c in range(channels):
            for top in range(0, height - size + 1, size):
                for left in range(0, width - size + 1, size):
                    window = x[b, top : top + size, left : left + size, c]
                    row, column = divmod(int(window.argmax()), size)
                    found[b, top + row, left + column, c] = 1
    return found


def unpooled(what, where, size):
    """Each value of `what` at the place of its window's switch."""
    found = np.zeros(where.shape)
    for b, y, x, c in np.argwhere(where):
        found[b, y, x, c] = what[b, y // size, x // size, c]
    return found


SHAPES = [((2, 4, 6, 3), 2), ((2, 7, 5, 2), 2), ((1, 9, 8, 2), 3)]


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize(("shape", "size"), SHAPES)
def test_switches_equal_a_loop(shape, size, ties):
    x = images_of(shape, ties)
    found = ops.convert_to_numpy(switches(ops.convert_to_tensor(x), size))
    np.testing.assert_array_equal(found, loop_switches(x, size))
    windows = (shape[1] // size) * (shape[2] // size)
    np.testing.assert_array_equal(found.sum(axis=(1, 2)), windows)


def test_a_window_of_equal_values_has_one_switch_the_first():
    found = ops.convert_to_numpy(switches(ops.zeros((1, 2, 2, 1)), 2))
    assert found.ravel().tolist() == [1, 0, 0, 0]


@pytest.mark.parametrize(("shape", "size"), SHAPES)
def test_window_maximum_is_keras_pooling(shape, size):
    x = images_of(shape)
    found = WindowMaximum(size)(x)
    expected = keras.layers.MaxPooling2D(size)(x)
    np.testing.assert_array_equal(
        ops.convert_to_numpy(found), ops.convert_to_numpy(expected)
    )
    symbolic = WindowMaximum(size)(keras.Input(shape[1:]))
    assert symbolic.shape[1:] == expected.shape[1:]


# The mirror -------------------------------------------------------------------


def pooled(shape=(4, 6, 1), pool=None, kernel=1):
    """Two convolutions, each with a pooling."""
    images = x = keras.Input(shape)
    for filters in (3, 2):
        x = keras.layers.Conv2D(filters, kernel, padding="same")(x)
        x = (pool or keras.layers.MaxPooling2D())(x)
    x = keras.layers.Flatten()(x)
    return keras.Model(images, keras.layers.Dense(2)(x))


def test_the_mirror_unpools_where_the_maximum_stood_and_convolves_back():
    network = pooled((5, 7, 1))
    decoder = mirror(network)
    first = images_of((2, 5, 7, 3))
    second = images_of((2, 2, 3, 2))
    where = loop_switches(first, 2), loop_switches(second, 2)
    what = images_of((2, 1, 1, 2))
    image, hidden = decoder([what, *where])
    back, forth = (
        [ops.convert_to_numpy(v).astype(float) for v in layer.weights]
        for layer in decoder.layers
        if isinstance(layer, keras.layers.Conv2DTranspose)
    )
    # 1 x 1 kernels (1, 1, out, in) are products with a matrix
    x = unpooled(what, where[1], 2) @ back[0][0, 0].T + back[1]
    middle = np.maximum(x, 0)
    x = unpooled(middle, where[0], 2) @ forth[0][0, 0].T + forth[1]
    np.testing.assert_allclose(
        ops.convert_to_numpy(hidden), middle, rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(
        ops.convert_to_numpy(image), 1 / (1 + np.exp(-x)), rtol=1e-5
    )


def test_the_mirror_has_the_networks_kernels_and_channels_in_reverse():
    decoder = mirror(networks.WhatWhereCNN(input_shape=(12, 12, 3)))
    layers = [
        (layer.filters, layer.kernel_size)
        for layer in decoder.layers
        if isinstance(layer, keras.layers.Conv2DTranspose)
    ]
    assert layers == [(64, (3, 3)), (3, (5, 5))]
    assert [x.shape[1:] for x in decoder.outputs] == [(12, 12, 3), (6, 6, 64)]


def test_poolings_are_found_in_order():
    network = networks.WhatWhereCNN(filters=(4, 5, 6))
    assert [layer.output.shape[-1] for layer in poolings(network)] == [4, 5, 6]


@pytest.mark.parametrize(
    "pool",
    [
        keras.layers.MaxPooling2D(3, strides=2, padding="same"),
        keras.layers.MaxPooling2D(2, strides=1),
        keras.layers.MaxPooling2D((1, 2)),
        keras.layers.MaxPooling2D(2, padding="same"),
    ],
)
def test_other_windows_are_refused(pool):
    images = keras.Input((8, 8, 1))
    x = keras.layers.Flatten()(pool(images))
    network = keras.Model(images, keras.layers.Dense(2)(x))
    with pytest.raises(ValueError, match="square, side by side"):
        poolings(network)


def test_a_network_without_poolings_is_refused():
    with pytest.raises(ValueError, match="MaxPooling2D.*WhatWhereCNN"):
        poolings(networks.SmallCNN())


def test_what_else_changes_the_size_is_refused():
    images = keras.Input((8, 8, 1))
    x = keras.layers.Conv2D(2, 3, name="valid")(images)
    x = keras.layers.MaxPooling2D(name="pool")(x)
    network = keras.Model(
        images, keras.layers.Dense(2)(keras.layers.Flatten()(x))
    )
    with pytest.raises(ValueError, match="'pool'.*\\(8, 8\\) to \\(6, 6\\)"):
        mirror(network)
