"""The order: a permutation in each pass, all of them equally likely."""

import itertools
from collections import Counter

import draw_oracle
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some

from keras_ssl import _core

seeds = some.integers(0, 2**64 - 1)


def one_pass(number, size, seed=0, stream="unlabeled"):
    return [
        _core.index_at(number * size + offset, size, seed, stream)
        for offset in range(size)
    ]


def chi_square_is_plausible(counts):
    """Whether counts of equally likely events are within six deviations.

    The statistic has mean n - 1 and variance 2 (n - 1).
    """
    counts = np.asarray(counts, float)
    expected = counts.mean()
    statistic = ((counts - expected) ** 2).sum() / expected
    free = counts.size - 1
    return abs(statistic - free) < 6 * np.sqrt(2 * free)


@settings(deadline=None, max_examples=60)
@given(some.integers(1, 300), some.integers(0, 2**40), seeds)
@example(1, 0, 0)
@example(256, 3, 1)
@example(257, 3, 1)
def test_every_pass_is_a_permutation(size, number, seed):
    assert sorted(one_pass(number, size, seed)) == list(range(size))


@settings(deadline=None, max_examples=60)
@given(
    some.integers(0, 2**63 - 1),
    some.integers(1, 2**40) | some.integers(1, 30),
    seeds,
    some.text("abc-é", min_size=1),
)
def test_equals_oracle(position, size, seed, stream):
    size = max(size, 2)  # the oracle has no shortcut for one example
    expected = draw_oracle.index_at(position, size, seed, stream)
    assert _core.index_at(position, size, seed, stream) == expected


@pytest.mark.parametrize("size", [2, 3, 4])
def test_small_pools_reach_all_orders_equally_often(size):
    seen = Counter(tuple(one_pass(n, size)) for n in range(12_000))
    orders = list(itertools.permutations(range(size)))
    assert set(seen) == set(orders)
    assert chi_square_is_plausible([seen[order] for order in orders])


@pytest.mark.parametrize("size", [5, 10, 20, 50])
def test_places_and_pairs_are_uniform(size):
    passes = np.array([one_pass(n, size) for n in range(4000)])
    for offset in (0, 1, size // 2, size - 1):
        counts = np.bincount(passes[:, offset], minlength=size)
        assert chi_square_is_plausible(counts)
    # Which two examples come first, and which example follows which.
    for first, second in ((0, 1), (0, size - 1), (size // 2, 1)):
        pairs = passes[:, first] * size + passes[:, second]
        counts = np.bincount(pairs, minlength=size * size)
        apart = ~np.eye(size, dtype=bool).ravel()
        assert chi_square_is_plausible(counts[apart])


@pytest.mark.parametrize("size", [3, 10, 20])
def test_consecutive_passes_are_independent(size):
    passes = np.array([one_pass(n, size) for n in range(6000)])
    pairs = passes[:-1, 0] * size + passes[1:, 0]
    counts = np.bincount(pairs, minlength=size * size)
    assert chi_square_is_plausible(counts)
    same = (passes[:-1] == passes[1:]).all(axis=1).mean()
    assert same < 0.25 if size == 3 else same == 0


def test_seeds_and_streams_differ():
    orders = [
        one_pass(0, 100),
        one_pass(1, 100),
        one_pass(0, 100, seed=1),
        one_pass(0, 100, seed=2**32),
        one_pass(0, 100, stream="labeled"),
    ]
    for one, other in itertools.combinations(orders, 2):
        assert np.mean(np.equal(one, other)) < 0.1


def test_large_pool():
    size = 2**40 + 12345
    seen = {_core.index_at(position, size, 0, "a") for position in range(5000)}
    assert len(seen) == 5000
    assert max(seen) < size
    assert 0.4 < np.mean(list(seen)) / size < 0.6


def test_refuses_empty_pool():
    with pytest.raises(ValueError, match=r"size in \[1, 2\*\*62\], received 0"):
        _core.index_at(0, 0, 0, "a")
