"""What is no policy is refused with a clear error, whatever it is."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from image_strategies import images
from op_limits import OPS

from keras_ssl import _core

NAMES = sorted(OPS)
IMAGE = np.arange(48, dtype="uint8").reshape(4, 4, 3)
OPTIONS = [
    "levels",
    "either_sign",
    "distinct",
    "probability",
    "learned",
    "size",
]

scalars = (
    some.none()
    | some.booleans()
    | some.integers()
    | some.integers(-2, 9)
    | some.floats()
    | some.text(max_size=3)
    | some.sampled_from([*NAMES, *OPTIONS])
    | some.binary(max_size=3)
    | some.sampled_from(
        [{1}, np.float32(1), np.array(0), np.zeros((2, 2)), int]
    )
)
anything = some.recursive(
    scalars,
    lambda inner: (
        some.lists(inner, max_size=5)
        | some.tuples(inner, inner)
        | some.dictionaries(
            some.text(max_size=3) | some.sampled_from(OPTIONS), inner
        )
    ),
    max_leaves=12,
)
numbers = some.sampled_from([0, 0.0, 0.25, 1, 1.0, 3, -1.0])


def mostly(usual):
    """So that much of it is understood before anything is wrong."""
    return some.one_of(usual, usual, usual, usual, usual, usual, anything)


flags = mostly(some.booleans())
ops = mostly(
    some.tuples(
        mostly(some.sampled_from(NAMES)),
        *(mostly(numbers) for _ in range(3)),
        some.fixed_dictionaries(
            {},
            optional={
                "levels": mostly(some.integers(0, 5)),
                "either_sign": flags,
                "x": numbers,
            },
        ),
    ).map(list)
)
stages = mostly(
    some.tuples(
        mostly(some.integers(0, 4)),
        mostly(some.lists(ops, min_size=1, max_size=4)),
        some.fixed_dictionaries(
            {},
            optional={
                "distinct": flags,
                "learned": flags,
                "probability": mostly(numbers),
            },
        ),
    )
)
sizes = mostly(some.tuples(some.integers(-1, 9), some.integers(-1, 9)))
configs = some.lists(stages, max_size=4) | some.tuples(
    some.fixed_dictionaries({"size": sizes}), stages
)


@settings(deadline=None, max_examples=600)
@given(anything | mostly(configs))
def test_any_object_is_applied_or_refused(config):
    try:
        shown = _core.apply_policy(config, IMAGE, 0, 0, "a", "b")
    except (ValueError, TypeError):
        return
    assert shown.dtype == np.uint8
    assert shown.ndim == 3


@settings(deadline=None, max_examples=300)
@given(anything)
def test_any_object_as_streams_and_views(something):
    for arguments in [
        (something, []),
        ([("a", IMAGE[None], something, 1)], [("x", "a", [])]),
        ([("a", IMAGE[None], None, something)], [("x", "a", [])]),
        ([("a", IMAGE[None], None, 1)], something),
        ([("a", IMAGE[None], None, 1)], [("x", "a", something)]),
        ([("a", IMAGE[None], None, 1)], [("x", something, [])]),
        ([("a", something, None, 1)], [("x", "a", [])]),
    ]:
        try:
            sampler = _core.Sampler(*arguments, threads=1)
        except (ValueError, TypeError, IndexError):
            continue
        assert sampler.threads == 1


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        (None, "expected a list of stages, received None"),
        ("rotate", "expected a list of stages, received 'rotate'"),
        ([3], r"expected a stage as \[draws, ops\] and options, received 3"),
        ([["1", []]], "a whole number of draws in a stage, received '1'"),
        ([[1.5, []]], "a whole number of draws in a stage, received 1.5"),
        ([[2**70, []]], "a whole number of draws .* received 11805916207174"),
        ([[1, None]], "expected a list of ops, received None"),
        ([[1, [["rotate"]]]], r"expected an op as \[name, .*\['rotate'\]"),
        ([[1, [[7, 1, 0, 0]]]], "expected the name of an op, received 7"),
        ([[1, [["rotate", "1", 0, 0]]]], "as the probability .* received '1'"),
        ([[1, [["rotate", 1, None, 0]]]], "as the low end .* received None"),
        ([[1, [["rotate", 1, 0, []]]]], r"as the high end .* received \[\]"),
        ([[1, [["rotate", 1, 0, 0, {"levels": 0.5}]]]], "whole .* 'levels'"),
        ([[1, [["rotate", 1, 0, 0, {"level": 5}]]]], "options .* 'level'"),
        ([[1, [["rotate", 1, 0, 0, {"either_sign": []}]]]], "True or False"),
        ([[1, [["flip", 1, 0, 0]], {"learned": "x"}]], "True .* 'learned'"),
        ([[1, [["flip", 1, 0, 0]], {"probability": "x"}]], "a number for"),
        ([{"size": 5}], r"expected \(height, width\) for 'size', received 5"),
        ([{"size": (-5, 5)}], "expected a size of 1 to 8192 .*received -5"),
        ([{"sizes": (5, 5)}], "expected options among 'size', received"),
    ],
)
def test_says_what_was_expected(stages, message):
    with pytest.raises(ValueError, match=message):
        _core.apply_policy(stages, IMAGE, 0, 0, "a", "b")


TURN = ["quarter_turn", 1, 0, 3]
RESIZE = ["resize", 1, 0, 0]


@pytest.mark.parametrize(
    "stages",
    [
        # perhaps turned after it was resized, or before
        [[1, [RESIZE, ["identity", 1, 0, 0]]], [1, [TURN]], [1, [RESIZE]]],
        [[1, [["resize", 0.5, 0, 0]]], [1, [TURN]], [1, [RESIZE]]],
        [[1, [RESIZE], {"probability": 0.5}], [1, [TURN]], [1, [RESIZE]]],
        [[2, [RESIZE, TURN]], [1, [RESIZE]]],
        [[1, [RESIZE]], [1, [TURN]]],
    ],
)
def test_turns_need_squares_wherever_they_may_stand(stages):
    with pytest.raises(ValueError, match="square .* received 3 x 5"):
        _core.apply_policy([{"size": (3, 5)}, *stages], IMAGE, 0, 0, "a", "b")
    with pytest.raises(ValueError, match="square|always applied"):
        _core.apply_policy(
            [{"size": (5, 5)}, [1, [TURN]], *stages], IMAGE[:3], 0, 0, "a", "b"
        )
    for n in range(20):
        shown = _core.apply_policy(
            [{"size": (5, 5)}, *stages], IMAGE, 0, n, "a", "b"
        )
        assert shown.shape == (5, 5, 3)


def test_turns_before_or_instead_of_resizing_need_no_other_square():
    for stages in (
        [[1, [TURN]], [1, [RESIZE]]],
        [[1, [RESIZE, TURN]], [1, [RESIZE]]],
    ):
        shown = _core.apply_policy(
            [{"size": (3, 5)}, *stages], IMAGE, 0, 0, "a", "b"
        )
        assert shown.shape == (3, 5, 3)


def test_entries_may_be_made_as_they_are_asked_for():
    """As those of an array are, which die as soon as nobody owns them."""
    for made in (np.zeros((2, 5)), np.zeros((3, 3, 3)), range(70000, 70005)):
        for stages in (made, [[1, made]], [made], [[1, [made]]]):
            with pytest.raises(ValueError, match="expected"):
                _core.apply_policy(stages, IMAGE, 0, 0, "a", "b")


@settings(deadline=None, max_examples=200)
@given(configs, images(some.integers(1, 9)))
def test_json_carries_policies(config, image):
    """Tuples and numbers as JSON has them mean the same."""
    try:
        shown = _core.apply_policy(config, image, 0, 0, "a", "b")
        copied = json.loads(json.dumps(config))
    except (ValueError, TypeError):
        return
    np.testing.assert_array_equal(
        _core.apply_policy(copied, image, 0, 0, "a", "b"), shown
    )
