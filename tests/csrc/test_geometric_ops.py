"""Ops on places: Pillow's bytes, for all shapes and the whole range."""

import numpy as np
import pillow_oracle
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some
from image_strategies import images

from keras_ssl import _core

pytestmark = pytest.mark.usefixtures("engine")

quick = settings(deadline=None, max_examples=200)
parts = some.floats(-1, 1) | some.sampled_from(
    [-1.0, -0.3, 0.0, 0.25, 0.3, 1.0]
)
right_angles = [-720.0, -360.0, -270.0, -180.0, -90.0, 0.0, 90.0, 180.0, 270.0]
# All pixels differ, so that a pixel from the wrong place shows.
square = np.arange(32 * 32 * 3).reshape(32, 32, 3).astype("uint8")
tall = np.arange(7 * 5).reshape(7, 5, 1).astype("uint8")


def check(name, image, *values):
    before = image.copy()
    after = _core.apply_op(name, image, *values)
    expected = pillow_oracle.apply_op(name, image, *values)
    np.testing.assert_array_equal(after, expected)
    np.testing.assert_array_equal(image, before)


@quick
@given(
    images(),
    some.floats(-30, 30)
    | some.floats(-720, 720)
    | some.sampled_from(right_angles),
)
@example(square, 1e-20)
@example(square, -1e-20)
@example(square, 1e-14)
@example(square, 180 - 3e-14)
@example(square, 90 + 2e-14)
@example(tall, 90.0)
@example(tall, -90.0)
@example(tall, 180.0)
def test_rotate(image, degrees):
    check("rotate", image, degrees)


def test_rotate_in_fine_steps():
    for degrees in np.linspace(-30, 30, 1000):
        check("rotate", square, degrees)


@pytest.mark.parametrize(
    "name", ["shear_x", "shear_y", "translate_x", "translate_y"]
)
@quick
@given(image=images(), value=parts)
def test_shear_and_translate(name, image, value):
    check(name, image, value)


@pytest.mark.parametrize("pixels", range(-33, 34))
def test_translate_by_whole_and_half_pixels(pixels):
    for half in (0, 0.5):
        for name in ("translate_x", "translate_y"):
            check(name, square, (pixels + half) / 32)


@quick
@given(images())
def test_flip(image):
    check("flip", image)


@quick
@given(some.data(), images())
def test_crop(data, image):
    height, width, _ = image.shape
    offset_y = data.draw(some.integers(1 - height, height - 1))
    offset_x = data.draw(some.integers(1 - width, width - 1))
    check("crop", image, offset_y, offset_x)


def test_crop_by_hand():
    row = np.array([0, 1, 2, 3], "uint8").reshape(1, 4, 1)
    left = _core.apply_op("crop", row, 0, -2)
    right = _core.apply_op("crop", row, 0, 2)
    assert left.ravel().tolist() == [2, 1, 0, 1]
    assert right.ravel().tolist() == [2, 3, 2, 1]


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("crop", (0, 4), "whole offset .* for 'crop', received 4"),
        ("crop", (0.5, 0), "whole offset"),
        ("shear_x", (1.5,), r"a factor in \[-1, 1\] for 'shear_x'"),
        ("rotate", (float("inf"),), "finite values for 'rotate'"),
    ],
)
def test_refuses_values(name, values, message):
    with pytest.raises(ValueError, match=message):
        _core.apply_op(name, np.zeros((4, 4, 3), "uint8"), *values)
