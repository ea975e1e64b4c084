"""Smoothing ops: Pillow's bytes, for all shapes and the whole range."""

import numpy as np
import pillow_oracle
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some
from image_strategies import images

from keras_ssl import _core

pytestmark = pytest.mark.usefixtures("engine")

quick = settings(deadline=None, max_examples=150)
sides = some.integers(1, 40) | some.sampled_from([1, 2, 3, 4, 5, 6, 150, 256])
strengths = some.floats(0, 1) | some.sampled_from([0.0, 0.5, 1.0])
square = np.arange(32 * 32 * 3).reshape(32, 32, 3).astype("uint8")
white = np.full((9, 11, 3), 255, "uint8")


def check(name, image, *values):
    before = image.copy()
    after = _core.apply_op(name, image, *values)
    expected = pillow_oracle.apply_op(name, image, *values)
    np.testing.assert_array_equal(after, expected)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("name", ["smooth", "blur"])
@quick
@given(image=images(sides), strength=strengths)
@example(image=white, strength=1.0)
def test_kernels(name, image, strength):
    check(name, image, strength)


def test_smooth_divides_every_sum():
    # Sums 0 to 13 * 255 once each: a value and eight equal neighbors.
    sums = np.arange(13 * 255 + 1)
    middle = np.minimum(sums // 5, 255)
    rest = sums - 5 * middle
    image = np.zeros((3, 3 * len(sums), 1), "uint8")
    for place in range(9):
        y, x = divmod(place, 3)
        if place == 4:
            image[y, x::3, 0] = middle
        else:
            part = rest // 8 + ((place - (place > 4)) < rest % 8)
            image[y, x::3, 0] = part
    for start in range(0, image.shape[1], 3 * 900):
        check("smooth", image[:, start : start + 2700].copy(), 1.0)


def test_blur_by_hand():
    image = np.zeros((5, 5, 1), "uint8")
    image[0] = 160  # five of the sixteen values on the rim
    blurred = _core.apply_op("blur", image, 1.0)
    assert blurred[2, 2, 0] == 50
    assert _core.apply_op("blur", image, 0.5)[2, 2, 0] == 25
    blurred[2, 2] = 0
    np.testing.assert_array_equal(blurred, image)


radii = (
    some.floats(0, 3)
    | some.floats(0, 1000)
    | some.integers(0, 60)
    | some.sampled_from([0.0, 1e-30, 1e-4, 0.1, 0.5, 2**0.5, 2.0, 1000.0])
)


@settings(quick, max_examples=300)
@given(images(sides), radii)
@example(white, 1e-3)
@example(white, 300.0)
def test_gaussian_blur(image, radius):
    check("gaussian_blur", image, radius)


def test_gaussian_blur_in_fine_steps():
    for radius in np.linspace(0, 4, 400).tolist():
        check("gaussian_blur", square, radius)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("smooth", 1.1, r"a strength in \[0, 1\] for 'smooth', received 1.1"),
        ("blur", -0.5, r"a strength in \[0, 1\] for 'blur', received -0.5"),
        ("gaussian_blur", -1, r"a radius in \[0, 1000\].* received -1"),
        ("gaussian_blur", float("nan"), "finite values"),
    ],
)
def test_refuses_values(name, value, message):
    with pytest.raises(ValueError, match=message):
        _core.apply_op(name, square, value)
