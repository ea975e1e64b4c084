"""Losses: hand-made numbers, and a slow float64 oracle."""

import math

import keras
import numpy as np
import numpy_oracle as oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from keras import ops

from keras_ssl import backend, losses

LOG_3 = math.log(3.0)
QUARTERS = [[0.0, LOG_3]]  # softmax: 1/4, 3/4
HALVES = [[5.0, 5.0]]  # softmax: 1/2, 1/2
# float32 carries 2^-24 relative; the sums have a handful of terms
CLOSE = {"rtol": 2e-6, "atol": 2e-6}

tables = hnp.arrays(
    np.float32, (3, 4), elements=st.floats(-30.0, 30.0, width=32)
)
quick = settings(max_examples=40, deadline=None)


def as_tensor(values, dtype="float32"):
    return ops.convert_to_tensor(np.asarray(values), dtype=dtype)


def numbers(tensor):
    return ops.convert_to_numpy(tensor)


def random_logits(seed, scale=3.0):
    return np.random.default_rng(seed).normal(0, scale, (7, 5)).astype("f4")


# By hand ----------------------------------------------------------------------


def test_cross_entropy_by_hand():
    logits = as_tensor(QUARTERS * 2)
    found = numbers(losses.cross_entropy(as_tensor([0, 1], "int32"), logits))
    np.testing.assert_allclose(found, [math.log(4), math.log(4 / 3)], **CLOSE)


def test_cross_entropy_of_probabilities_by_hand():
    found = losses.cross_entropy(as_tensor([[0.5, 0.5]]), as_tensor(QUARTERS))
    expected = 0.5 * math.log(4) + 0.5 * math.log(4 / 3)
    np.testing.assert_allclose(numbers(found), [expected], **CLOSE)


def test_cross_entropy_takes_what_its_docstring_shows():
    found = losses.cross_entropy([0, 1], [[0.0, 0.0], [0.0, 0.0]])
    np.testing.assert_allclose(numbers(found), [math.log(2)] * 2, **CLOSE)


def test_entropy_by_hand():
    found = numbers(losses.entropy(as_tensor(QUARTERS + HALVES)))
    quarters = 0.25 * math.log(4) + 0.75 * math.log(4 / 3)
    np.testing.assert_allclose(found, [quarters, math.log(2)], **CLOSE)


def test_log_sum_exp_by_hand():
    logits = as_tensor([[0.0, 0.0], [1000.0, 1000.0], [-5.0, np.log(3.0)]])
    np.testing.assert_allclose(
        numbers(losses.log_sum_exp(logits)),
        [np.log(2), 1000 + np.log(2), np.log(np.exp(-5) + 3)],
        rtol=1e-6,
    )


def test_entropy_of_mean_by_hand():
    # two sure examples of different classes are balanced as a whole
    found = losses.entropy_of_mean(as_tensor([[90.0, 0.0], [0.0, 90.0]]))
    assert numbers(found) == pytest.approx(np.log(2), rel=1e-6)
    found = losses.entropy_of_mean(as_tensor([[90.0, 0.0], [90.0, 0.0]]))
    assert numbers(found) == pytest.approx(0.0, abs=1e-6)


def test_kl_divergence_by_hand():
    found = losses.kl_divergence(as_tensor(QUARTERS), as_tensor(HALVES))
    expected = 0.25 * math.log(0.5) + 0.75 * math.log(1.5)
    np.testing.assert_allclose(numbers(found), [expected], **CLOSE)


def test_squared_difference_by_hand():
    p, q = as_tensor([[0.5, 0.5, 0.0]]), as_tensor([[0.2, 0.1, 0.7]])
    found = numbers(losses.squared_difference(p, q))
    np.testing.assert_allclose(found, [(0.09 + 0.16 + 0.49) / 3], **CLOSE)


def test_probabilities_by_hand():
    found = numbers(losses.probabilities(as_tensor(QUARTERS)))
    np.testing.assert_allclose(found, [[0.25, 0.75]], **CLOSE)


def test_pseudo_label_by_hand():
    guess, confidence = losses.pseudo_label(
        as_tensor([[0.0, LOG_3], [LOG_3, 0.0]])
    )
    assert keras.backend.standardize_dtype(guess.dtype) == "int32"
    assert numbers(guess).tolist() == [1, 0]
    np.testing.assert_allclose(numbers(confidence), [0.75, 0.75], **CLOSE)


# Against the oracle -----------------------------------------------------------


def entropy_of_mean(logits):
    mean = np.float64(oracle.softmax(logits).mean(axis=0))
    return -np.sum(mean * np.log(mean))


@pytest.mark.parametrize("scale", [0.1, 3.0, 60.0])
def test_every_loss_equals_the_oracle(scale):
    a, b = random_logits(0, scale), random_logits(1, scale)
    labels = np.random.default_rng(2).integers(0, 5, 7)
    x, y = as_tensor(a), as_tensor(b)
    pairs = [
        (losses.log_probabilities(x), oracle.log_softmax(a)),
        (losses.probabilities(x), oracle.softmax(a)),
        (
            losses.cross_entropy(as_tensor(labels, "int32"), x),
            oracle.cross_entropy(labels, a),
        ),
        (
            losses.cross_entropy(as_tensor(oracle.softmax(b)), x),
            oracle.cross_entropy(oracle.softmax(b), a),
        ),
        (losses.entropy(x), oracle.entropy(a)),
        (losses.log_sum_exp(x), np.logaddexp.reduce(a, axis=1)),
        (losses.entropy_of_mean(x), entropy_of_mean(a)),
        (losses.kl_divergence(x, y), oracle.kl_divergence(a, b)),
        (
            losses.squared_difference(ops.softmax(x), ops.softmax(y)),
            np.mean((oracle.softmax(a) - oracle.softmax(b)) ** 2, axis=1),
        ),
        (losses.pseudo_label(x)[0], a.argmax(axis=1)),
        (losses.pseudo_label(x)[1], oracle.softmax(a).max(axis=1)),
    ]
    for found, expected in pairs:
        assert found.shape == expected.shape
        # at scale 60 a log-probability of -200 carries an error of 1e-5
        np.testing.assert_allclose(
            numbers(found), expected, rtol=3e-6, atol=3e-6
        )


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_low_precision_logits_are_computed_in_float32(dtype):
    low = ops.cast(as_tensor(random_logits(3)), dtype)
    exact = numbers(ops.cast(low, "float32"))  # what the low ones stand for
    labels = as_tensor([0, 1, 2, 3, 4, 0, 1], "int32")
    other = ops.cast(as_tensor(random_logits(4)), dtype)
    results = [
        (
            losses.cross_entropy(labels, low),
            oracle.cross_entropy(numbers(labels), exact),
        ),
        (losses.entropy(low), oracle.entropy(exact)),
        (
            losses.kl_divergence(low, other),
            oracle.kl_divergence(exact, numbers(ops.cast(other, "float32"))),
        ),
        (losses.probabilities(low), oracle.softmax(exact)),
        (losses.pseudo_label(low)[1], oracle.softmax(exact).max(axis=1)),
    ]
    for found, expected in results:
        assert keras.backend.standardize_dtype(found.dtype) == "float32"
        np.testing.assert_allclose(numbers(found), expected, **CLOSE)


def test_class_numbers_and_one_hot_rows_give_the_same():
    logits = as_tensor(random_logits(5))
    labels = np.array([0, 4, 2, 2, 1, 3, 0])
    expected = numbers(
        losses.cross_entropy(as_tensor(np.eye(5)[labels]), logits)
    )
    for dtype in ("int32", "uint8"):
        found = losses.cross_entropy(as_tensor(labels, dtype), logits)
        np.testing.assert_array_equal(numbers(found), expected)


# Gradients --------------------------------------------------------------------


def gradient(function, logits):
    return numbers(
        backend.input_gradient(
            lambda x: ops.sum(function(x)), as_tensor(logits)
        )
    )


def test_no_gradient_flows_into_a_pseudo_label():
    def with_guess(x):
        guess, confidence = losses.pseudo_label(x)
        return x[:, 0] + confidence * ops.cast(guess, "float32")

    expected = np.zeros((7, 5))
    expected[:, 0] = 1.0  # of x[:, 0] alone
    np.testing.assert_array_equal(
        gradient(with_guess, random_logits(6)), expected
    )


def test_the_gradient_of_cross_entropy_is_p_minus_y():
    logits, labels = random_logits(7), np.array([0, 1, 2, 3, 4, 0, 1])
    target = as_tensor(labels, "int32")
    found = gradient(lambda x: losses.cross_entropy(target, x), logits)
    expected = oracle.softmax(logits) - np.eye(5)[labels]
    np.testing.assert_allclose(found, expected, **CLOSE)


def test_the_gradient_of_entropy_flows_through_both_factors():
    logits = random_logits(8)
    log_p = oracle.log_softmax(logits)
    expected = -np.exp(log_p) * (log_p + oracle.entropy(logits)[:, None])
    np.testing.assert_allclose(
        gradient(losses.entropy, logits), expected, **CLOSE
    )


def test_the_gradient_of_the_divergence_is_p_minus_q():
    target, logits = random_logits(9), random_logits(10)
    found = gradient(
        lambda x: losses.kl_divergence(as_tensor(target), x), logits
    )
    expected = oracle.softmax(logits) - oracle.softmax(target)
    np.testing.assert_allclose(found, expected, **CLOSE)


# Properties -------------------------------------------------------------------


@quick
@given(tables)
def test_probabilities_are_a_distribution(logits):
    p = numbers(losses.probabilities(as_tensor(logits)))
    assert (p >= 0).all()
    np.testing.assert_allclose(p.sum(axis=1), 1.0, rtol=1e-6)


@quick
@given(tables, st.integers(0, 3))
def test_cross_entropy_is_not_negative(logits, label):
    target = as_tensor([label] * 3, "int32")
    assert (numbers(losses.cross_entropy(target, as_tensor(logits))) >= 0).all()


@quick
@given(tables)
def test_entropy_lies_between_zero_and_log_classes(logits):
    found = numbers(losses.entropy(as_tensor(logits)))
    assert (found >= 0).all()
    assert (found <= math.log(4) + 1e-6).all()


@quick
@given(tables, tables, st.floats(-5.0, 5.0, width=32))
def test_the_divergence_is_zero_where_the_two_agree_only(a, b, shift):
    x = as_tensor(a)
    same = numbers(losses.kl_divergence(x, x + shift))  # the same softmax
    np.testing.assert_allclose(same, 0.0, atol=2e-5)
    # Pinsker: KL >= ||p - q||_1^2 / 2, so a KL of 0 means p = q
    distance = np.abs(oracle.softmax(a) - oracle.softmax(b)).sum(axis=1)
    found = numbers(losses.kl_divergence(x, as_tensor(b)))
    assert (found >= distance**2 / 2 - 2e-5).all()


@quick
@given(tables, tables)
def test_the_squared_difference_is_symmetric_and_bounded(a, b):
    p, q = (losses.probabilities(as_tensor(x)) for x in (a, b))
    found = numbers(losses.squared_difference(p, q))
    np.testing.assert_array_equal(
        found, numbers(losses.squared_difference(q, p))
    )
    assert (found >= 0).all()
    assert (found <= 2 / 4 + 1e-6).all()  # two different corners, 4 classes


@quick
@given(tables)
def test_the_confidence_of_a_guess_is_at_least_chance(logits):
    guess, confidence = map(numbers, losses.pseudo_label(as_tensor(logits)))
    rows = np.arange(3)
    p = oracle.softmax(logits)
    # the guess is a largest entry, up to a tie in float32
    assert (p[rows, guess] >= p.max(axis=1) - 1e-6).all()
    assert (confidence >= 0.25 - 1e-6).all()
