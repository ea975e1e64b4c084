"""The generator: known answers, and the same words as a slow oracle."""

import draw_oracle
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from keras_ssl import _core

words = some.integers(0, 2**32 - 1)


# From the known-answer file that comes with Random123.
@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ("0 0 0 0", "0 0", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        (
            "ffffffff ffffffff ffffffff ffffffff",
            "ffffffff ffffffff",
            "408f276d 41c83b0e a20bc7c6 6d5451fd",
        ),
        (
            "243f6a88 85a308d3 13198a2e 03707344",
            "a4093822 299f31d0",
            "d16cfe09 94fdcceb 5001e420 24126ea1",
        ),
    ],
)
def test_known_answers(counter, key, expected):
    counter, key, expected = (
        [int(word, 16) for word in text.split()]
        for text in (counter, key, expected)
    )
    assert _core.philox(counter, key) == expected
    assert draw_oracle.philox(counter, key) == expected


@settings(deadline=None)
@given(
    some.lists(words, min_size=4, max_size=4),
    some.lists(words, min_size=2, max_size=2),
)
def test_equals_oracle(counter, key):
    assert _core.philox(counter, key) == draw_oracle.philox(counter, key)


def test_fnv_known_answers():
    assert draw_oracle.domain("") == 0x811C9DC5
    assert draw_oracle.domain("a") == 0xE40C292C
    assert draw_oracle.domain("foobar") == 0xBF9CF968


def test_words_look_uniform():
    # All four words over 20,000 positions: mean 1/2, variance 1/12, and no
    # correlation between neighboring positions.
    draws = np.array(
        [_core.philox([n, 0, 12345, 0], [7, 0]) for n in range(20_000)]
    )
    draws = draws / 2**32
    assert np.abs(draws.mean(axis=0) - 1 / 2).max() < 0.01
    assert np.abs(draws.var(axis=0) - 1 / 12).max() < 0.005
    neighbors = np.corrcoef(draws[:-1].T, draws[1:].T)
    assert np.abs(neighbors - np.eye(8)).max() < 0.04
