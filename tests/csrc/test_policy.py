"""Policies: replayed draw by draw, and checked before they run."""

from collections import Counter

import draw_oracle
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from image_strategies import images

from keras_ssl import _core
from keras_ssl.data import policies

pytestmark = pytest.mark.usefixtures("engine")

positions = some.integers(0, 2**63)
seeds = some.integers(0, 2**64 - 1)
WEAK = policies.weak(flip=True).to_config()
STRONG = policies.strong(flip=True).to_config()
# Marks an image in one of four ways: 1, 2, 4 and 8 bits are kept.
MARKS = [["posterize", 1.0, bits, bits] for bits in (1, 2, 4, 8)]
ONES = np.full((2, 2, 1), 255, "uint8")


@pytest.mark.parametrize("stages", [WEAK, STRONG], ids=["weak", "strong"])
@settings(deadline=None, max_examples=200)
@given(image=images(), seed=seeds, position=positions)
def test_replay(stages, image, seed, position):
    place = (image, seed, position, "unlabeled", "strong")
    np.testing.assert_array_equal(
        _core.apply_policy(stages, *place),
        draw_oracle.apply_policy(stages, *place),
    )


@some.composite
def configs(draw):
    """Any policy at all, with small ranges as well as whole ones."""
    stages = []
    for _ in range(draw(some.integers(0, 4))):
        ops = []
        for name in draw(
            some.lists(some.sampled_from(list(policies.OPS)), min_size=1)
        ):
            limits = policies.OPS[name] or (0.0, 1.0)
            low, high = sorted(
                draw(some.floats(limits[0], min(limits[1], 256.0)))
                for _ in range(2)
            )
            if name == "crop":
                low = high = min(low, 0.99)
            chance = draw(some.sampled_from([0.0, 0.3, 1.0]))
            ops.append([name, chance, low, high])
        stages.append([draw(some.integers(0, 4)), ops])
    return stages


@settings(deadline=None, max_examples=200)
@given(configs(), images(some.integers(1, 12)), positions)
def test_replay_of_any_policy(stages, image, position):
    place = (image, 3, position, "a", "b")
    np.testing.assert_array_equal(
        _core.apply_policy(stages, *place),
        draw_oracle.apply_policy(stages, *place),
    )


def test_draws_stay_put_when_another_op_changes():
    last = [1, [["solarize", 1.0, 0.0, 256.0]]]
    image = np.arange(256, dtype="uint8").reshape(16, 16, 1)
    for first in ("identity", "crop", "autocontrast"):
        for position in range(20):
            # None of the first ops changes anything here.
            stages = [[1, [[first, 1.0, 0.0, 0.0]]], last]
            shown = _core.apply_policy(stages, image, 0, position, "a", "b")
            threshold = 256 * draw_oracle.Draws(0, "a", "b", position).uniform(
                10
            )
            expected = np.where(image >= threshold, 255 - image, image)
            np.testing.assert_array_equal(shown, expected)


def test_choices_are_uniform():
    seen = Counter(
        int(_core.apply_policy([[1, MARKS]], ONES, 0, n, "a", "b")[0, 0, 0])
        for n in range(4000)
    )
    assert set(seen) == {0x80, 0xC0, 0xF0, 0xFF}
    assert all(900 < count < 1100 for count in seen.values())


def test_probability():
    for probability, lowest, highest in (
        (0, 0, 0),
        (0.25, 430, 570),
        (1, *[2000] * 2),
    ):
        stages = [[1, [["invert", probability, 0, 0]]]]
        inverted = sum(
            int(_core.apply_policy(stages, ONES, 0, n, "a", "b")[0, 0, 0]) == 0
            for n in range(2000)
        )
        assert lowest <= inverted <= highest


def test_crop_reaches_all_offsets():
    # 8 x 8 pads by one: nine places, all equally likely.
    image = np.arange(64, dtype="uint8").reshape(8, 8, 1)
    stages = [[1, [["crop", 1.0, 0.125, 0.125]]]]
    seen = Counter(
        int(_core.apply_policy(stages, image, 0, n, "a", "b")[4, 4, 0])
        for n in range(2700)
    )
    assert set(seen) == {27, 28, 29, 35, 36, 37, 43, 44, 45}
    assert all(230 < count < 370 for count in seen.values())


def test_seed_position_stream_and_view_matter():
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), "uint8")
    base = (0, 0, "a", "b")
    others = [
        (1, 0, "a", "b"),
        (2**32, 0, "a", "b"),
        (0, 1, "a", "b"),
        (0, 2**32, "a", "b"),
        (0, 0, "c", "b"),
        (0, 0, "a", "c"),
    ]
    shown = {
        _core.apply_policy(STRONG, image, *place).tobytes()
        for place in (base, *others)
    }
    assert len(shown) == 7


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ([[1, []]], "at least one op in each stage, received none"),
        ([[-1, MARKS]], "draws in a stage >= 0, received -1"),
        ([[1001, MARKS]], "at most 1000 draws in a policy, received 1001"),
        ([[1, [["inwert", 1, 0, 0]]]], "expected an op among .* 'inwert'"),
        ([[1, [["invert", 1.5, 0, 0]]]], r"probability in \[0, 1\].*1.5"),
        ([[1, [["rotate", 1, 5, -5]]]], r"low <= high .*\[5, -5\]"),
        ([[1, [["rotate", 1, 0, 400]]]], r"a range within \[-360, 360\]"),
        ([[1, [["crop", 1, 0, 0.5]]]], "expected low == high < 1"),
        ([[1, [["color", 1, 0, float("nan")]]]], "low <= high for 'color'"),
    ],
)
def test_refuses(stages, message):
    with pytest.raises(ValueError, match=message):
        _core.apply_policy(stages, ONES, 0, 0, "a", "b")
