"""Resizing: Pillow's bytes, for all filters, sizes and boxes."""

import numpy as np
import pillow_oracle
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some
from image_strategies import images

from keras_ssl import _core

pytestmark = pytest.mark.usefixtures("engine")

quick = settings(deadline=None, max_examples=300)
sides = some.integers(1, 24) | some.sampled_from([1, 2, 3, 32, 64, 256])
filters = some.sampled_from(pillow_oracle.FILTERS)
square = np.arange(32 * 32 * 3).reshape(32, 32, 3).astype("uint8")
noise = np.random.default_rng(0).integers(0, 256, (40, 56, 3), "uint8")


def check(image, box, size, filter_name):
    before = image.copy()
    after = _core.resized(image, box, size, filter_name)
    expected = pillow_oracle.resized(image, box, size, filter_name)
    np.testing.assert_array_equal(after, expected)
    np.testing.assert_array_equal(image, before)


@some.composite
def spans(draw, side):
    """A part of [0, side]: all, whole pixels, or any."""
    kind = draw(some.sampled_from(["all", "whole", "any"]))
    if kind == "all":
        return 0, side
    if kind == "whole":
        begin = draw(some.integers(0, side - 1))
        return begin, draw(some.integers(begin + 1, side))
    begin = draw(some.floats(0, side - 0.01))
    return begin, draw(some.floats(begin + 0.001, side))


@some.composite
def cases(draw):
    image = draw(images(sides))
    left, right = draw(spans(image.shape[1]))
    top, bottom = draw(spans(image.shape[0]))
    size = draw(sides | some.just(image.shape[0])), draw(sides)
    return image, (left, top, right, bottom), size


@settings(quick, max_examples=400)
@given(cases(), filters)
@example((square, (0, 0, 32, 32), (32, 32)), "lanczos")
@example((square, (0.5, 0, 32, 32), (32, 32)), "nearest")
@example((square, (3, 2, 19, 30), (28, 16)), "bicubic")
def test_resize(case, filter_name):
    check(*case, filter_name)


@pytest.mark.parametrize("filter_name", pillow_oracle.FILTERS)
def test_resize_to_every_size(filter_name):
    for size in range(1, 100):
        check(noise, (0, 0, 56, 40), (size, 101 - size), filter_name)


@pytest.mark.parametrize("filter_name", pillow_oracle.FILTERS)
def test_random_resized_crops(filter_name):
    generator = np.random.default_rng(1)
    for _ in range(100):
        left, top = generator.integers(0, 20, 2).tolist()
        right = generator.integers(left + 1, 57)
        bottom = generator.integers(top + 1, 41)
        check(noise, (left, top, right, bottom), (32, 32), filter_name)


def test_resize_by_hand():
    pair = np.array([[[10], [21]]], "uint8")
    assert _core.resized(pair, (0, 0, 2, 1), (1, 1), "box").item() == 16
    wide = _core.resized(pair, (0, 0, 2, 1), (2, 4), "bilinear")
    # 21 + (21 - 10) / 4 clamps; 10 * 3 / 4 + 21 / 4 = 12.75
    assert wide[..., 0].tolist() == [[10, 13, 18, 21]] * 2
    near = _core.resized(pair, (0, 0, 2, 1), (1, 3), "nearest")
    assert near.ravel().tolist() == [10, 21, 21]


@quick
@given(images(sides), some.floats(0, 0.25), some.integers(0, 5))
@example(square, 0.25, 0)
@example(np.arange(10, dtype="uint8").reshape(2, 5, 1), 0.25, 0)
def test_rescale(image, fraction, number):
    after = _core.apply_op("rescale", image, fraction, number)
    expected = pillow_oracle.apply_op("rescale", image, fraction, number)
    np.testing.assert_array_equal(after, expected)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((0.3, 0), r"a fraction in \[0, 0.25\] for 'rescale', received 0.3"),
        ((0.1, 6), "a filter number from 0 to 5"),
        ((0.1, 0.5), "a filter number from 0 to 5"),
    ],
)
def test_rescale_refuses(values, message):
    with pytest.raises(ValueError, match=message):
        _core.apply_op("rescale", square, *values)


@pytest.mark.parametrize(
    ("box", "size", "filter_name", "message"),
    [
        ((0, 0, 33, 32), (8, 8), "box", "expected a box .*33.0"),
        ((-1, 0, 32, 32), (8, 8), "box", "expected a box"),
        ((5, 0, 5, 32), (8, 8), "box", "not empty"),
        ((0, 0, 32, 32), (0, 8), "box", r"a size of 1 to .*\(0, 8\)"),
        ((0, 0, 32, 32), (8, 8), "cubic", "a filter among .*'cubic'"),
    ],
)
def test_resized_refuses(box, size, filter_name, message):
    with pytest.raises(ValueError, match=message):
        _core.resized(square, box, size, filter_name)
