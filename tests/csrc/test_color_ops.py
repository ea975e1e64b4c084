"""Color ops: Pillow's bytes, for colors of all kinds."""

import numpy as np
import pillow_oracle
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some
from image_strategies import images

from keras_ssl import _core

pytestmark = pytest.mark.usefixtures("engine")

quick = settings(deadline=None, max_examples=200)
shifts = some.floats(-0.5, 0.5) | some.sampled_from(
    [-0.5, -1 / 255, -0.001, 0.0, 0.001, 1 / 255, 0.5]
)


def check(name, image, *values):
    before = image.copy()
    after = _core.apply_op(name, image, *values)
    expected = pillow_oracle.apply_op(name, image, *values)
    np.testing.assert_array_equal(after, expected)
    np.testing.assert_array_equal(image, before)


def colors(reds):
    """All colors with these values of red, as one image."""
    red, green, blue = np.ix_(reds, range(256), range(256))
    cube = np.broadcast_arrays(red, green, blue)
    return (
        np.stack(cube, axis=-1).reshape(len(reds) * 16, 4096, 3).astype("uint8")
    )


@quick
@given(images())
def test_grayscale(image):
    check("grayscale", image)


@quick
@given(images(), shifts)
@example(np.zeros((1, 1, 3), "uint8"), 0.3)
@example(np.full((5, 7, 3), 255, "uint8"), -0.5)
def test_hue(image, shift):
    check("hue", image, shift)


@pytest.mark.parametrize("shift", np.arange(-127, 128, 17) / 255)
def test_hue_of_random_colors(shift):
    generator = np.random.default_rng(int(shift * 1000) + 500)
    check("hue", generator.integers(0, 256, (64, 512, 3), "uint8"), shift)


def test_hue_where_rounding_shows():
    # Every difference of channels there is: the lowest of the three is zero.
    differences = np.arange(65536).reshape(256, 256)
    pair = np.stack([differences // 256, differences % 256], -1).astype("uint8")
    for channel in range(3):
        check("hue", np.insert(pair, channel, 0, axis=-1), 0.0)


def test_every_color():
    for red in range(0, 256, 64):
        image = colors(range(red, red + 64))
        check("hue", image, 0.2)
        check("grayscale", image)


def test_hue_by_hand():
    red = np.array([[[200, 0, 0]]], "uint8")
    # int(255 / 3) = 85 steps are a third of the circle: green.
    assert _core.apply_op("hue", red, 1 / 3).tolist() == [[[0, 200, 0]]]
    assert _core.apply_op("hue", red, -1 / 3 - 0.004)[0, 0, 2] == 200
    # Less than a whole step is cut off, toward zero from either side.
    assert _core.apply_op("hue", red, -0.0039).tolist() == red.tolist()


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("hue", (0.6,), r"a shift in \[-0.5, 0.5\] for 'hue', received 0.6"),
        ("grayscale", (1,), r"0 value\(s\) for 'grayscale'"),
    ],
)
def test_refuses_values(name, values, message):
    with pytest.raises(ValueError, match=message):
        _core.apply_op(name, np.zeros((2, 3, 3), "uint8"), *values)
