"""Densities: hand-made numbers, and slow float64 sums."""

import math

import numpy as np
import pytest
from keras import ops

from keras_ssl import backend, densities

CLOSE = {"rtol": 2e-6, "atol": 2e-6}


def as_tensor(values, dtype="float32"):
    return ops.convert_to_tensor(np.asarray(values), dtype=dtype)


def numbers(tensor):
    return ops.convert_to_numpy(tensor)


def random(seed, *shape):
    return np.random.default_rng(seed).normal(0, 1.5, shape).astype("float32")


# By hand ----------------------------------------------------------------------


def test_bernoulli_by_hand():
    log_3 = math.log(3.0)  # the chance of a 1 is 3/4
    found = densities.bernoulli(
        as_tensor([[1, 1], [1, 0], [0.5, 0]]), as_tensor([log_3, 0.0])
    )
    expected = [
        math.log(3 / 4 * 1 / 2),
        math.log(3 / 4 * 1 / 2),
        0.5 * math.log(3 / 4 * 1 / 4) + math.log(1 / 2),
    ]
    np.testing.assert_allclose(numbers(found), expected, **CLOSE)


def test_gaussian_by_hand():
    found = densities.gaussian(
        as_tensor([[0.0, 0.0], [3.0, 0.0]]),
        as_tensor([1.0, 0.0]),
        as_tensor([math.log(4.0), 0.0]),
    )
    constant = -math.log(2 * math.pi) - math.log(2.0)
    expected = [constant - 1 / 8, constant - 4 / 8]
    np.testing.assert_allclose(numbers(found), expected, **CLOSE)


def test_kl_from_standard_by_hand():
    found = densities.kl_from_standard(
        as_tensor([[0.0, 0.0], [3.0, 0.0], [0.0, 0.0]]),
        as_tensor([[0.0, 0.0], [0.0, 0.0], [math.log(4.0), 0.0]]),
    )
    expected = [0.0, 4.5, 0.5 * (4 - 1 - math.log(4.0))]
    np.testing.assert_allclose(numbers(found), expected, **CLOSE)


def test_reparameterized_by_hand():
    found = densities.reparameterized(
        as_tensor([1.0, 1.0]), as_tensor([0.0, math.log(9.0)]),
        as_tensor([2.0, -1.0]),
    )  # fmt: skip
    np.testing.assert_allclose(numbers(found), [3.0, -2.0], **CLOSE)


# Against each other and slow sums ---------------------------------------------


def test_the_divergence_is_the_mean_difference_of_two_log_densities():
    mean, log_variance = [0.7, -1.2], [0.4, -0.9]
    noise = np.random.default_rng(0).normal(size=(200_000, 2))
    x = numbers(densities.reparameterized(mean, log_variance, noise))
    zero = np.zeros(2, "float32")
    difference = densities.gaussian(x, mean, log_variance)
    difference -= densities.gaussian(x, zero, zero)
    expected = numbers(densities.kl_from_standard(mean, log_variance))
    spread = numbers(difference).std() / math.sqrt(len(x))
    assert abs(numbers(difference).mean() - expected) < 5 * spread
    assert expected > 10 * spread


def test_leading_axes_broadcast():
    x, mean = random(0, 4, 1, 3), random(1, 1, 5, 3)
    log_variance = random(2, 4, 5, 3)
    found = numbers(
        densities.gaussian(*map(as_tensor, (x, mean, log_variance)))
    )
    assert found.shape == (4, 5)
    for i in range(4):
        for j in range(5):
            expected = -0.5 * sum(
                math.log(2 * math.pi) + v + (a - m) ** 2 / math.exp(v)
                for a, m, v in zip(
                    x[i, 0].tolist(),
                    mean[0, j].tolist(),
                    log_variance[i, j].tolist(),
                    strict=True,
                )
            )
            assert found[i, j] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("logit", [-200.0, 200.0])
def test_bernoulli_does_not_overflow(logit):
    found = densities.bernoulli(as_tensor([[0.0], [1.0]]), as_tensor([logit]))
    expected = [-max(logit, 0.0), min(logit, 0.0)]
    np.testing.assert_allclose(numbers(found), expected, **CLOSE)


@pytest.mark.parametrize(
    "function",
    [densities.bernoulli, densities.kl_from_standard],
)
def test_low_precision_is_computed_in_float32(function):
    values = [as_tensor(random(seed, 3, 4), "bfloat16") for seed in (0, 1)]
    found = function(*values)
    assert backend_dtype(found) == "float32"
    floats = [ops.cast(value, "float32") for value in values]
    np.testing.assert_array_equal(numbers(found), numbers(function(*floats)))


def backend_dtype(tensor):
    import keras

    return keras.backend.standardize_dtype(tensor.dtype)


def test_a_draw_passes_its_gradient_to_mean_and_variance():
    noise = as_tensor([2.0])

    def draw(parameters):
        return ops.sum(
            densities.reparameterized(parameters[:1], parameters[1:], noise)
        )

    gradient = backend.input_gradient(draw, as_tensor([0.3, 0.0]))
    # d/d mean = 1; d/d log_variance = noise * exp(log_variance / 2) / 2
    np.testing.assert_allclose(numbers(gradient), [1.0, 1.0], **CLOSE)
