"""Instruction sets: all give the same bytes, and old CPUs meet none of them."""

import re

import numpy as np
import pytest
import trials
from hypothesis import given, settings
from hypothesis import strategies as some
from image_strategies import images
from op_limits import OPS, RESIZING

from keras_ssl import _core

chances = some.sampled_from([1.0, 1.0, 1.0, 0.5])


@pytest.fixture(autouse=True)
def restored():
    before = _core.engine()
    yield
    _core.use_engine(before)


def test_every_op_is_known():
    with pytest.raises(ValueError, match="expected an op among") as refusal:
        _core.apply_op("nothing", np.zeros((1, 1, 1), np.uint8))
    names = re.search("among (.*);", str(refusal.value))[1]
    assert sorted(names.split(", ")) == sorted(OPS)


@some.composite
def ops(draw, names):
    name = draw(some.sampled_from(names))
    low, high = sorted(draw(some.floats(*OPS[name])) for _ in range(2))
    if draw(some.booleans()):  # a range that changes little
        low, high = low / 8, high / 8
    if name == "crop":
        high = low
    options = {"levels": draw(some.sampled_from([0, 0, 1, 10]))}
    if OPS[name][0] < 0:
        options["either_sign"] = draw(some.booleans())
    return [name, draw(chances), low, high, options]


@some.composite
def stages(draw, names):
    listed = draw(some.lists(ops(names), min_size=1, max_size=5))
    distinct = draw(some.booleans())
    draws = draw(some.integers(0, len(listed) if distinct else 4))
    return [
        draws,
        listed,
        {"distinct": distinct, "probability": draw(chances)},
    ]


@some.composite
def policies_for(draw, shape):
    """Any policy for images of this shape, perhaps with results of another."""
    # noise: once in a policy at most, so it is tested alone (test_noise_ops)
    without = {"noise"} if shape[0] == shape[1] else {"noise", "quarter_turn"}
    names = sorted(set(OPS) - without)
    anything = some.lists(stages(names), max_size=3)
    before, after = draw(anything), draw(anything)
    if draw(some.booleans()):
        return before + after
    side = draw(some.integers(1, 48))
    resizing = draw(ops(RESIZING))
    resizing[1] = 1.0
    return [{"size": (side, side)}, *before, [1, [resizing]], *after]


@settings(deadline=None, max_examples=400)
@given(some.data(), images(), some.integers(0, 2**63))
def test_all_engines_give_the_same_bytes(data, image, position):
    stages = data.draw(policies_for(image.shape))
    shown = {}
    for name in _core.engines():
        _core.use_engine(name)
        assert _core.engine() == name
        shown[name] = _core.apply_policy(stages, image, 5, position, "a", "b")
    for name, result in shown.items():
        np.testing.assert_array_equal(result, shown["baseline"], err_msg=name)


def test_the_last_engine_is_used_unless_another_is_chosen():
    assert _core.engines()[0] == "baseline"
    assert (
        trials.run("first_use", KERAS_SSL_SIMD="") == [_core.engines()[-1]] * 3
    )


@pytest.mark.parametrize("name", _core.engines())
def test_the_environment_chooses(name):
    assert trials.run("first_use", KERAS_SSL_SIMD=name) == [name] * 3


@pytest.mark.parametrize("name", ["neon", "AVX2", " "])
def test_an_unknown_engine_is_refused_at_first_use(name):
    """By whatever comes first: a sampler, an op or the question itself."""
    message = (
        "expected KERAS_SSL_SIMD to be an instruction set that this CPU has "
        f"({', '.join(_core.engines())}), received '{name}'"
    )
    heard = trials.run("first_use", KERAS_SSL_SIMD=name)
    assert heard == [f"ValueError: {message}"] * 3
    with pytest.raises(ValueError, match=re.escape(message)):
        _core.use_engine(name)
