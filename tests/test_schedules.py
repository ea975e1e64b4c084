"""Schedules: values by hand at the points that matter."""

import math

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from keras_ssl import schedules

# each is a few float32 operations on numbers of order 1
CLOSE = {"rel": 1e-6, "abs": 1e-7}


@pytest.mark.parametrize(
    ("step", "length", "expected"),
    [
        (0, 4, 0.0),
        (1, 4, 0.25),
        (4, 4, 1.0),
        (9, 4, 1.0),
        (0.0, 0.4, 0.0),
        (0.2, 0.4, 0.5),
        (0.4, 0.4, 1.0),
        (0.7, 0.4, 1.0),
        (1, 1, 1.0),
    ],
)
def test_linear_ramp_rises_from_0_to_1_over_its_length(step, length, expected):
    found = float(schedules.linear_ramp(step, length))
    assert found == pytest.approx(expected, **CLOSE)


@pytest.mark.parametrize("step", [0, 1, 1000])
def test_a_ramp_without_length_is_1_from_the_start(step):
    assert float(schedules.linear_ramp(step, 0)) == 1.0
    assert float(schedules.sigmoid_ramp(step, 0)) == 1.0


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (0, math.exp(-5)),
        (20, math.exp(-5 * 0.75**2)),
        (40, math.exp(-1.25)),
        (80, 1.0),
        (200, 1.0),
    ],
)
def test_sigmoid_ramp_is_that_of_laine_and_aila(step, expected):
    found = float(schedules.sigmoid_ramp(step, 80))
    assert found == pytest.approx(expected, **CLOSE)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (0, 1.0),
        (32, math.cos(7 * math.pi / 32)),
        (64, math.cos(7 * math.pi / 16)),
        (1000, math.cos(7 * math.pi / 16)),
    ],
)
def test_the_cosine_ends_at_seven_sixteenths_and_stays(step, expected):
    found = float(schedules.cosine_7_16(step, 64))
    assert found == pytest.approx(expected, **CLOSE)
    assert found >= 0.195


@pytest.mark.parametrize(
    ("step", "decay", "expected"),
    [
        (0, 0.999, 1 / 10),
        (1, 0.999, 2 / 11),
        (8, 0.999, 9 / 18),
        (8989, 0.999, 8990 / 8999),
        (8990, 0.999, 0.999),
        (10**6, 0.999, 0.999),
        (8, 0.25, 0.25),
    ],
)
def test_warm_decay_rises_to_its_limit(step, decay, expected):
    found = float(schedules.warm_decay(step, decay))
    # to its distance from 1, which is what an average's memory depends on
    assert 1 - found == pytest.approx(1 - expected, rel=1e-4)


EACH = [
    lambda step: schedules.linear_ramp(step, 7),
    lambda step: schedules.sigmoid_ramp(step, 7),
    lambda step: schedules.cosine_7_16(step, 7),
    lambda step: schedules.warm_decay(step, 0.9),
]


@pytest.mark.parametrize("schedule", EACH)
def test_a_tensor_step_gives_the_same_float32_scalar(schedule):
    expected = schedule(3)
    for step in (np.int64(3), ops.convert_to_tensor(3, dtype="int32")):
        found = schedule(step)
        assert tuple(found.shape) == ()
        assert keras.backend.standardize_dtype(found.dtype) == "float32"
        assert float(found) == float(expected)


@pytest.mark.parametrize("schedule", EACH)
def test_a_schedule_reads_the_variable_that_counts_steps(schedule):
    step = keras.Variable(3, dtype="int32", trainable=False)
    assert float(schedule(step)) == float(schedule(3))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**7), st.integers(1, 10**6))
def test_every_schedule_is_monotonic_and_bounded(step, length):
    for schedule, low, high in [
        (lambda k: schedules.linear_ramp(k, length), 0.0, 1.0),
        (lambda k: schedules.sigmoid_ramp(k, length), math.exp(-5), 1.0),
        (lambda k: -schedules.cosine_7_16(k, length), -1.0, -0.195),
        (lambda k: schedules.warm_decay(k, 0.999), 0.1, 0.999),
    ]:
        now, later = float(schedule(step)), float(schedule(step + length))
        assert low - 1e-6 <= now <= high + 1e-6
        assert now <= later + 1e-6
