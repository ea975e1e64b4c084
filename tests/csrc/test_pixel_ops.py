"""Ops on values: Pillow's bytes, for all shapes and the whole range."""

import numpy as np
import pillow_oracle
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some
from image_strategies import images

from keras_ssl import _core

pytestmark = pytest.mark.usefixtures("engine")

quick = settings(deadline=None, max_examples=150)
factors = some.sampled_from([0.0, 0.05, 0.5, 0.95, 1.0, 1.9]) | some.floats(
    -2, 4, allow_subnormal=False
)
all_values = np.arange(256, dtype="uint8").reshape(16, 16, 1)


def check(name, image, *values):
    before = image.copy()
    after = _core.apply_op(name, image, *values)
    expected = pillow_oracle.apply_op(name, image, *values)
    np.testing.assert_array_equal(after, expected)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize(
    "name", ["identity", "autocontrast", "equalize", "invert"]
)
@quick
@given(image=images())
def test_without_value(name, image):
    check(name, image)


@quick
@given(images(), some.integers(1, 8))
def test_posterize(image, bits):
    check("posterize", image, bits)


@quick
@given(images(), some.integers(0, 256) | some.floats(0, 256))
@example(all_values, 256)
@example(all_values, 255.5)
def test_solarize(image, threshold):
    check("solarize", image, threshold)


@pytest.mark.parametrize(
    "name", ["brightness", "color", "contrast", "sharpness"]
)
@quick
@given(image=images(), factor=factors)
def test_enhancements(name, image, factor):
    check(name, image, factor)


@pytest.mark.parametrize("factor", [0.05, 0.1, 0.3, 0.7, 0.95, 1.1])
def test_brightness_of_every_value(factor):
    check("brightness", all_values, factor)


def test_color_of_every_hue():
    grid = np.arange(0, 256, 5, dtype="uint8")
    hues = np.stack(np.meshgrid(grid, grid, grid), axis=-1)
    for factor in (0.0, 0.25, 0.9):
        check("color", hues.reshape(52, -1, 3), factor)


@quick
@given(images(), some.floats(-0.1, 1), some.floats(0, 1), some.floats(0, 1))
def test_cutout(image, side, x, y):
    height, width, _ = image.shape
    check("cutout", image, side * width, x * width, y * height)


def test_cutout_by_hand():
    # The lower corner is int(4 - 1) = 3; 3 + 2 = 5 belongs to the square.
    image = _core.apply_op("cutout", np.zeros((8, 8, 3), "uint8"), 2, 4, 4)
    rows, columns = np.nonzero(image[..., 0])
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (
        (3, 5, 3, 5)
    )
    assert image[3, 3].tolist() == [125, 123, 114]


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("posterize", (0,), "1 to 8 bits for 'posterize', received 0"),
        ("posterize", (), r"1 value\(s\) for 'posterize', received 0"),
        ("invert", (1,), r"0 value\(s\) for 'invert', received 1"),
        ("contrast", (float("nan"),), "finite values for 'contrast'"),
        ("contrast", (1e9,), "a factor in"),
        ("cutout", (3, 9, 1), "a center inside the image for 'cutout'"),
        ("cutout_box", (-2, 1, 1), "a side from 0 .* received -2"),
        ("cutout_box", (8193, 1, 1), "a side from 0 .* received 8193"),
        ("swirl", (), "expected an op among identity, .*; received 'swirl'"),
    ],
)
def test_refuses_values(name, values, message):
    with pytest.raises(ValueError, match=message):
        _core.apply_op(name, np.zeros((4, 4, 3), "uint8"), *values)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((4, 4, 3)), "float64 of shape .*multiply images in 0..1"),
        (np.zeros((4, 4), "uint8"), r"give gray images a last axis"),
        (np.zeros((4, 4, 2), "uint8"), "1 or 3 channels"),
        (np.zeros((0, 4, 3), "uint8"), "received uint8 of shape"),
        (np.zeros((4, 4, 6), "uint8")[..., ::2], "C-contiguous"),
        ([[[1]]], "received an object of type list"),
    ],
)
def test_refuses_images(image, message):
    with pytest.raises(ValueError, match=message):
        _core.apply_op("invert", image)
