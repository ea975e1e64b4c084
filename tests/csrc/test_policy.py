"""Policies: replayed draw by draw, and checked before they run."""

import math
from collections import Counter

import draw_oracle
import numpy as np
import pillow_oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from image_strategies import images
from PIL import Image

from keras_ssl import _core
from keras_ssl.data import policies
from keras_ssl.data.policies import Op, Policy, Stage

pytestmark = pytest.mark.usefixtures("engine")

positions = some.integers(0, 2**63)
seeds = some.integers(0, 2**64 - 1)
WEAK = policies.weak(flip=True).to_config()
STRONG = policies.strong(flip=True).to_config()
# Marks an image in one of four ways: 1, 2, 4 and 8 bits are kept.
MARKS = [["posterize", 1.0, bits, bits] for bits in (1, 2, 4, 8)]
TURN = ["quarter_turn", 1.0, 0.0, 3.0]
ONES = np.full((2, 2, 1), 255, "uint8")


PUBLISHED = {
    "weak": WEAK,
    "strong": STRONG,
    "kekmodel": policies.kekmodel(flip=True).to_config(),
    "ct_augment": policies.ct_augment(flip=True).to_config(),
    "jitter": Policy([policies.color_jitter()]).to_config(),
}


@pytest.mark.parametrize("stages", PUBLISHED.values(), ids=PUBLISHED)
@settings(deadline=None, max_examples=60)
@given(image=images(), seed=seeds, position=positions)
def test_replay(stages, image, seed, position):
    place = (image, seed, position, "unlabeled", "strong")
    np.testing.assert_array_equal(
        _core.apply_policy(stages, *place),
        draw_oracle.apply_policy(stages, *place),
    )


# Need a square image, other sizes, or many draws: tested on their own.
SPECIAL = {
    "quarter_turn",
    "noise",
    "gray_outside",
    "resize",
    "center_crop",
    "resized_crop",
}
ORDINARY = [name for name in policies.OPS if name not in SPECIAL]


@some.composite
def ops(draw):
    name = draw(some.sampled_from(ORDINARY))
    limits = policies.OPS[name] or (0.0, 1.0)
    low, high = sorted(
        draw(some.floats(limits[0], min(limits[1], 256.0))) for _ in range(2)
    )
    if name == "crop":
        low = high = min(low, 0.99)
    options = draw(
        some.fixed_dictionaries(
            {},
            optional={
                "levels": some.integers(0, 4),
                "either_sign": some.booleans(),
            },
        )
    )
    if name == "crop" or -high < limits[0]:
        options.pop("either_sign", None)
    chance = draw(some.sampled_from([0.0, 0.3, 1.0]))
    return [name, chance, low, high, *([options] if options else [])]


@some.composite
def configs(draw):
    """Any policy at all, with small ranges as well as whole ones."""
    stages = []
    for _ in range(draw(some.integers(0, 4))):
        choices = draw(some.lists(ops(), min_size=1, max_size=6))
        options = draw(
            some.fixed_dictionaries(
                {},
                optional={
                    "distinct": some.booleans(),
                    "probability": some.floats(0, 1),
                },
            )
        )
        most = len(choices) if options.get("distinct") else 4
        stages.append([draw(some.integers(0, most)), choices, options])
    return stages


@settings(deadline=None, max_examples=200)
@given(configs(), images(some.integers(1, 12)), positions)
def test_replay_of_any_policy(stages, image, position):
    place = (image, 3, position, "a", "b")
    np.testing.assert_array_equal(
        _core.apply_policy(stages, *place),
        draw_oracle.apply_policy(stages, *place),
    )


def with_alpha(image, ops):
    """google-research/fixmatch's way: what is outside has an alpha of 0."""
    image = Image.fromarray(image).convert("RGBA")
    for name, values in ops:
        if name in ("crop", "flip", "cutout_box"):
            continue  # not in this policy
        change = pillow_oracle.OPS.get(name)
        if name == "gray_outside":
            pixels = np.array(image)
            return np.where(pixels[..., 3:] == 0, 127, pixels[..., :3])
        if name in TABLES:
            image = change(*values)(image.convert("RGB")).convert("RGBA")
        else:
            image = change(*values)(image)
    raise AssertionError("no gray_outside")


TABLES = ("autocontrast", "equalize", "invert", "posterize", "solarize")


@settings(deadline=None, max_examples=200)
@given(images(), positions, some.integers(0, 3))
def test_gray_outside_is_what_an_alpha_channel_tells(image, position, draws):
    image = np.repeat(image[..., :1], 3, axis=2)
    stages = policies.google(flip=True).stages
    stage = Stage((*stages[2].ops, Op("invert")), draws)
    config = Policy((stage, Op("gray_outside"))).to_config()
    ops = draw_oracle.drawn_ops(
        config[:1], draw_oracle.Draws(0, "a", "b", position), image.shape
    )
    np.testing.assert_array_equal(
        _core.apply_policy(config, image, 0, position, "a", "b"),
        with_alpha(image, [*ops, ("gray_outside", ())]),
    )


def resized_box(low, high, draws, height, width):
    """`get_params` of torchvision's RandomResizedCrop."""
    lowest, highest = math.log(3 / 4), math.log(4 / 3)
    for n in range(0, 40, 4):
        area = height * width * (low + draws.uniform(n) * (high - low))
        shape = math.exp(lowest + draws.uniform(n + 1) * (highest - lowest))
        w, h = round(math.sqrt(area * shape)), round(math.sqrt(area / shape))
        if 0 < w <= width and 0 < h <= height:
            top = draws.below(n + 2, height - h + 1)
            left = draws.below(n + 3, width - w + 1)
            return left, top, left + w, top + h
    if width / height < 3 / 4:
        w, h = width, round(width / (3 / 4))
    elif width / height > 4 / 3:
        w, h = round(height * (4 / 3)), height
    else:
        w, h = width, height
    left, top = (width - w) // 2, (height - h) // 2
    return left, top, left + w, top + h


@settings(deadline=None, max_examples=150)
@given(
    images(some.integers(1, 30)),
    some.tuples(some.integers(1, 24), some.integers(1, 24)),
    positions,
    some.sampled_from([(0.2, 1), (0.08, 1), (0.9, 1), (0, 0.1)]),
)
def test_resized_crop(image, size, position, area):
    config = Policy((Op("flip"), Op("resized_crop", *area)), size).to_config()
    draws = draw_oracle.Draws(0, "a", "b", position).of_slot(1)
    box = resized_box(*area, draws, *image.shape[:2])
    flipped = np.ascontiguousarray(image[:, ::-1])
    np.testing.assert_array_equal(
        _core.apply_policy(config, image, 0, position, "a", "b"),
        pillow_oracle.resized(flipped, box, size, "bilinear"),
    )


def test_later_ops_see_the_new_size():
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), "uint8")
    policy = Policy((Op("resize"), Op("crop", 0.25, 0.25)), size=(8, 12))
    shown = _core.apply_policy(policy.to_config(), image, 0, 5, "a", "b")
    resized = _core.resized(image, (0, 0, 30, 20), (8, 12), "bilinear")
    ((_, offsets),) = draw_oracle.drawn_ops(
        policy.to_config()[2:],
        # its draws are those of the second application
        Later(draw_oracle.Draws(0, "a", "b", 5), 8),
        resized.shape,
    )
    np.testing.assert_array_equal(shown, pillow_oracle.crop(resized, *offsets))


class Later:
    def __init__(self, draws, first):
        self.draws, self.first = draws, first

    def uniform(self, n):
        return self.draws.uniform(n + self.first)

    def below(self, n, limit):
        return self.draws.below(n + self.first, limit)


@pytest.mark.parametrize(
    ("shape", "size", "keep", "box"),
    [
        ((256, 256), (224, 224), 0.875, (16, 16, 240, 240)),
        ((100, 200), (50, 50), 1, (50, 0, 150, 100)),
        ((100, 200), (10, 40), 1, (0, 25, 200, 75)),
    ],
)
def test_center_crop(shape, size, keep, box):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), "uint8")
    config = policies.center_crop(size, keep).to_config()
    np.testing.assert_array_equal(
        _core.apply_policy(config, image, 0, 0, "a", "b"),
        pillow_oracle.resized(image, box, size, "bilinear"),
    )


def test_noise_is_drawn_for_each_image():
    gray = np.full((32, 32, 3), 128, "uint8")
    config = Policy((Op("noise", 8, 8),)).to_config()
    first, second = (
        _core.apply_policy(config, gray, 0, position, "a", "b").astype(float)
        for position in (0, 1)
    )
    draws = draw_oracle.Draws(0, "a", "b", 0).of_slot(0)
    words = np.array([draws.word(n) for n in range(gray.size // 2)], "uint32")
    np.testing.assert_array_equal(first, _core.add_noise(gray, 8.0, words))
    assert abs(first.mean() - 128) < 0.5
    assert abs(first.std() - 8) < 0.5
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.1


def test_distinct_draws_are_a_random_order():
    stage = Stage((Op("posterize", 1, 1), Op("invert")), 2, distinct=True)
    shown = [
        int(
            _core.apply_policy(
                Policy((stage,)).to_config(), 0 * ONES, 0, n, "a", "b"
            )[0, 0, 0]
        )
        for n in range(1000)
    ]
    # posterize, then invert: 255; invert, then posterize: 128
    assert set(shown) == {128, 255}
    assert 430 < shown.count(255) < 570


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
        (5, "expected a list of stages, received 5"),
        (["ab"], r"a stage as \[draws, ops\] and options, received 'ab'"),
        ([[1, ["flip"]]], "an op as .name, probability, low, high."),
        ([[1, MARKS, 3]], "expected a dict of options, received 3"),
        ([[1, MARKS, {"x": 1}]], "options among .* received 'x'"),
        ([[5, MARKS, {"distinct": True}]], "received 5 draws of 4"),
        ([[1, MARKS, {"probability": 2}]], "probability .* for a stage"),
        (
            [[1, [["rescale", 1, 0, 0.2, {"either_sign": True}]]]],
            "an op that takes negative values",
        ),
        ([[2, [["noise", 1, 0, 1]]]], "at most one draw of 'noise'"),
        ([{"size": [0, -1]}], "a size of 1 to 8192 pixels, received -1"),
        ([{"size": [3, 3]}], "expected 'resize', 'center_crop' or"),
        ([{"size": [3, 4]}, [1, [["resize", 1, 0, 0]]], [1, [TURN]]], "square"),
    ],
)
def test_refuses(stages, message):
    with pytest.raises(ValueError, match=message):
        _core.apply_policy(stages, ONES, 0, 0, "a", "b")
