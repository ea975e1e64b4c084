"""Resuming: the position of a training is the step of the batch it got last."""

import time

import numpy as np
import pytest

import keras_ssl
from keras_ssl.data.batches import Batches

STEPS = 30
FAR = 10**12
VIEWS = {
    "labeled": ("labeled", "weak"),
    "weak": ("unlabeled", "weak"),
    "strong": ("unlabeled", "strong"),
}


def make(**arguments):
    split = keras_ssl.data.load("digits").split(labels_per_class=2, seed=0)
    return Batches(
        split, VIEWS, batch_size=8, unlabeled_ratio=3, seed=4, **arguments
    )


def assert_equal(made, expected):
    for name, view in expected[0].items():
        np.testing.assert_array_equal(made[0][name], view, err_msg=name)
    np.testing.assert_array_equal(made[1], expected[1])


@pytest.fixture(scope="module")
def uninterrupted():
    batches = make()
    return [batches[i] for i in range(STEPS)]


@pytest.mark.parametrize("steps_per_epoch", [1, 7, 100])
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("step", [0, 1, 13, 20])  # in the middle of an epoch
def test_a_new_process_goes_on_where_the_last_one_stood(
    uninterrupted, steps_per_epoch, threads, step
):
    later = make(steps_per_epoch=steps_per_epoch, threads=threads)
    later = later.from_step(step)
    for i in range(6):
        assert_equal(later[i], uninterrupted[step + i])


def test_what_was_made_ahead_does_not_count(uninterrupted):
    """Several readers of one sampler, each at a position of its own."""
    batches = make()
    readers = {step: batches.from_step(step) for step in (0, 5, 11)}
    for i in (0, 1, 2, 2, 0, 9, 3):
        for step, reader in readers.items():
            assert_equal(reader[i], uninterrupted[step + i])


def test_breaking_off_and_going_on(uninterrupted):
    batches = make()
    taken = 0
    while taken < STEPS:
        for i in range(1 + taken % 4):  # a loop that ends early
            if taken + i < STEPS:
                assert_equal(
                    batches.from_step(taken)[i], uninterrupted[taken + i]
                )
        taken += 1 + taken % 4


def test_any_step_costs_the_same():
    def seconds(step):
        batches = make(threads=1).from_step(step)
        batches[0]
        start = time.process_time()
        for i in range(1, 200):  # many beside what was made ahead of the start
            batches[i]
        return time.process_time() - start

    rounds = [(seconds(0), seconds(FAR)) for _ in range(10)]
    near, far = np.median(rounds, axis=0)
    assert far < 2 * near
