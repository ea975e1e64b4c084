"""Bilinear transforms: Pillow's bytes, for all shapes and the whole range."""

import numpy as np
import pillow_oracle
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some
from image_strategies import images

from keras_ssl import _core

pytestmark = pytest.mark.usefixtures("engine")

quick = settings(deadline=None, max_examples=200)
sides = some.integers(1, 40) | some.sampled_from([1, 2, 3, 64, 150, 256])
parts = some.floats(-1, 1) | some.sampled_from(
    [-1.0, -0.3, 0.0, 0.25, 0.3, 1.0]
)
right_angles = [-720.0, -360.0, -270.0, -180.0, -90.0, 0.0, 90.0, 180.0, 270.0]
square = np.random.default_rng(0).integers(0, 256, (32, 32, 3), "uint8")
tall = square.reshape(-1)[:35].reshape(7, 5, 1)


def check(name, image, *values):
    before = image.copy()
    after = _core.apply_op(name, image, *values)
    expected = pillow_oracle.apply_op(name, image, *values)
    np.testing.assert_array_equal(after, expected)
    np.testing.assert_array_equal(image, before)


@quick
@given(
    images(sides),
    some.floats(-30, 30)
    | some.floats(-720, 720)
    | some.sampled_from(right_angles),
)
@example(square, 1e-20)
@example(square, -1e-20)
@example(square, 1e-14)
@example(square, 180 - 3e-14)
@example(square, 90 + 2e-14)
@example(square, 90.0)
@example(square, 180.0)
@example(square, 270.0)
@example(tall, 90.0)
@example(tall, -90.0)
@example(tall, 180.0)
def test_rotate(image, degrees):
    check("rotate_bilinear", image, degrees)


def test_rotate_in_fine_steps():
    for degrees in np.linspace(-30, 30, 1000):
        check("rotate_bilinear", square, degrees)


@pytest.mark.parametrize(
    "name", ["shear_x", "shear_y", "translate_x", "translate_y"]
)
@quick
@given(image=images(sides), value=parts)
def test_shear_and_translate(name, image, value):
    check(f"{name}_bilinear", image, value)


@pytest.mark.parametrize("pixels", range(-33, 34))
def test_translate_by_whole_and_half_pixels(pixels):
    for half in (0, 0.5):
        for name in ("translate_x_bilinear", "translate_y_bilinear"):
            check(name, square, (pixels + half) / 32)


def test_translate_by_almost_whole_pixels():
    # One step below a whole number must not be taken for it.
    for pixels in range(1, 20):
        fraction = np.nextafter(pixels / 32, -1)
        for name in ("translate_x_bilinear", "translate_y_bilinear"):
            check(name, square, fraction)
            check(name, square, np.nextafter(fraction, -1))


def test_translate_by_hand():
    row = np.array([10, 20, 40, 80], "uint8").reshape(1, 4, 1)
    half = _core.apply_op("translate_x_bilinear", row, 0.5 / 4)
    # The last center lands on the edge of the image, which is outside.
    assert half.ravel().tolist() == [15, 30, 60, 0]
    quarter = _core.apply_op("translate_x_bilinear", row, 0.25 / 4)
    assert quarter.ravel().tolist() == [12, 25, 50, 80]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("shear_x_bilinear", 1.5, r"\[-1, 1\] for 'shear_x_bilinear'"),
        ("rotate_bilinear", float("inf"), "finite values for 'rotate_bil"),
    ],
)
def test_refuses_values(name, value, message):
    with pytest.raises(ValueError, match=message):
        _core.apply_op(name, square, value)
