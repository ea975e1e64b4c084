"""Labels spread over a graph: against dense matrices, and on clusters."""

import numpy as np
import pytest

from keras_ssl.propagation import affinity, balance, propagate


def unit(z):
    return z / np.linalg.norm(z, axis=1, keepdims=True)


def test_the_affinities_are_those_of_the_nearest_neighbors():
    z = unit(np.random.default_rng(0).normal(size=(12, 3)))
    a = np.zeros((12, 12))
    for i in range(12):
        order = np.argsort(-(z @ z[i]))
        for j in [j for j in order if j != i][:4]:
            a[i, j] = max(z[i] @ z[j], 0) ** 3
    w = a + a.T
    degree = np.maximum(w.sum(axis=1), 1e-300)
    expected = w / np.sqrt(degree[:, None] * degree[None, :])
    found = affinity(z, neighbors=4, gamma=3).toarray()
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_the_spread_solves_the_linear_system():
    z = np.random.default_rng(1).normal(size=(15, 4))
    labels = np.full(15, -1)
    labels[:4] = [0, 1, 2, 0]
    s = affinity(unit(z), 5, 3).toarray()
    y = (labels[:, None] == np.arange(3)).astype(float)
    f = np.maximum(np.linalg.solve(np.eye(15) - 0.9 * s, y), 0)
    p = f / f.sum(axis=1, keepdims=True)
    weight = 1 + np.sum(p * np.log(np.maximum(p, 1e-12)), axis=1) / np.log(3)
    guess, found = propagate(z, labels, 3, neighbors=5, alpha=0.9)
    assert guess.tolist() == p.argmax(axis=1).tolist()
    np.testing.assert_allclose(found, weight, atol=1e-3)


def test_one_label_fills_its_cluster():
    rng = np.random.default_rng(2)
    centers = np.eye(3)[np.arange(30) % 3]
    labels = np.full(30, -1)
    labels[:3] = [2, 0, 1]
    guess, weight = propagate(
        centers + 0.05 * rng.normal(size=(30, 3)), labels, 3, neighbors=4
    )
    assert guess.tolist() == [2, 0, 1] * 10
    assert weight.min() > 0.9


@pytest.mark.parametrize("count", [1, 2])
def test_few_examples_need_no_neighbors(count):
    labels = np.zeros(count, int)
    guess, weight = propagate(np.eye(2)[:count], labels, 2)
    assert guess.tolist() == [0] * count
    assert weight == pytest.approx(np.ones(count))


def test_where_no_label_comes_the_weight_is_0():
    z = np.repeat(np.eye(2), 5, axis=0)
    labels = np.array([1] + [-1] * 9)
    guess, weight = propagate(z, labels, 2, neighbors=3)
    assert guess[:5].tolist() == [1] * 5
    assert weight[5:].tolist() == [0.0] * 5


def test_rare_guesses_count_more():
    rates = balance(np.array([0, 0, 0, 2]), 3)
    assert rates == pytest.approx([2 / 3, 1.0, 2.0])
