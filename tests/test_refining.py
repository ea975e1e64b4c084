"""Refining: guesses as frequent as wanted, and the surest of each class."""

import numpy as np
import pytest
from scipy import optimize

from keras_ssl.refining import cleaned, refine, surest

RNG = np.random.default_rng(0)
P = RNG.dirichlet([2.0, 1.0, 0.5], 60)


def entropy(p):
    return -np.sum(p * np.log(p), axis=1, keepdims=True)


@pytest.mark.parametrize("wanted", [[20, 20, 20], [40, 15, 5], [5, 15, 40]])
def test_the_classes_are_as_frequent_as_wanted(wanted):
    m = refine(P, wanted, part=3.0, iterations=50)
    np.testing.assert_allclose(m.sum(axis=1), 1)
    np.testing.assert_allclose(m.sum(axis=0), wanted, rtol=0.03)
    before = np.abs(P.sum(axis=0) - wanted).sum()
    assert np.abs(m.sum(axis=0) - wanted).sum() < 0.1 * before


def test_it_is_the_nearest_that_fulfills_the_constraints():
    p, wanted = P[:6], np.array([2.0, 2.0, 2.0])
    a = cleaned(p, wanted, 3.0)
    m = refine(p, wanted, part=3.0, iterations=300)
    weight = 1 / entropy(a)

    def distance(flat):
        x = np.maximum(flat.reshape(a.shape), 1e-12)
        return np.sum(weight * x * np.log(x / a))

    found = optimize.minimize(
        distance,
        np.full(a.size, 1 / 3),
        method="SLSQP",
        bounds=[(1e-9, 1)] * a.size,
        constraints=[
            {"type": "eq", "fun": lambda x: x.reshape(a.shape).sum(1) - 1},
            # the last column follows from the others
            {
                "type": "eq",
                "fun": lambda x: x.reshape(a.shape)[:, :2].sum(0) - 2,
            },
        ],
        options={"maxiter": 500, "ftol": 1e-12},
    )
    assert found.success
    np.testing.assert_allclose(m, found.x.reshape(a.shape), atol=2e-3)


def test_the_largest_of_each_class_are_kept_and_scaled():
    p = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6]])
    found = cleaned(p, np.array([1.0, 3.0]), 2.0)
    first = np.array([0.9 / 1.7, 0.8 / 1.7, 0, 0])
    second = np.array([0.1, 0.2, 0.7, 0.6]) * 3 / 1.6
    expected = np.stack([first, second], axis=1)
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_certain_predictions_and_absent_classes_stay_finite():
    p = np.eye(3)[[0, 0, 1, 1, 0]]
    for wanted in ([1.0, 1.0, 3.0], [5.0, 0.0, 0.0]):
        assert np.isfinite(refine(p, wanted)).all()


def test_of_rare_classes_a_greater_part_is_chosen_the_surest_first():
    guess = np.array([0] * 8 + [1] * 4 + [2] * 4 + [-1])
    confidence = np.concatenate([np.linspace(0.3, 0.9, 16), [0.99]])
    # 64, 8 and 1 labels: a third root of 1 / 64, 8 / 64 and 64 / 64
    chosen = surest(1 / 3, guess, confidence, np.array([64, 8, 1]))
    assert np.flatnonzero(chosen == 0).tolist() == [6, 7]
    assert np.flatnonzero(chosen == 1).tolist() == [10, 11]
    assert np.flatnonzero(chosen == 2).tolist() == [12, 13, 14, 15]
    assert chosen[-1] == -1
    everything = surest(0.0, guess, confidence, np.array([64, 8, 1]))
    np.testing.assert_array_equal(everything, guess)
