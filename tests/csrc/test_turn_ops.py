"""Quarter turns: what numpy.rot90 makes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from image_strategies import images

from keras_ssl import _core

pytestmark = pytest.mark.usefixtures("engine")

quick = settings(deadline=None, max_examples=200)
sides = some.integers(1, 40) | some.sampled_from([1, 2, 3, 32, 64])


@quick
@given(images(sides), some.integers(0, 3))
def test_quarter_turn(image, turns):
    side = min(image.shape[:2])
    square = image[:side, :side].copy()
    turned = _core.apply_op("quarter_turn", square, turns)
    np.testing.assert_array_equal(turned, np.rot90(square, turns))


def test_quarter_turn_by_hand():
    square = np.array([[1, 2], [3, 4]], "uint8")[..., None]
    turned = _core.apply_op("quarter_turn", square, 1)
    assert turned[..., 0].tolist() == [[2, 4], [1, 3]]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((4,), "0 to 3 turns for 'quarter_turn', received 4"),
        ((0.5,), "0 to 3 turns"),
        ((1,), "as high as it is wide .* received 2"),
    ],
)
def test_refuses_values(values, message):
    with pytest.raises(ValueError, match=message):
        _core.apply_op("quarter_turn", np.zeros((2, 3, 3), "uint8"), *values)
