"""The sampler after whatever may happen: errors, breaks, and any order."""

import contextlib
import gc
import threading
import time
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from trials import LEARNED, WEAK, fingerprint, images_of

from keras_ssl import _core
from keras_ssl.data import policies

STRONG = policies.strong(flip=True).to_config()
IMAGES = images_of(60, 12, 12)
POOLS = [
    ("labeled", IMAGES, [5, 0, 59, 7, 7, 30], 4),
    ("unlabeled", IMAGES, None, 20),
    ("unlabeled/web", IMAGES[:9], None, 8),
]
VIEWS = [
    ("labeled", "labeled", WEAK),
    ("weak", "unlabeled", WEAK),
    ("strong", "unlabeled", STRONG),
]
THREADS = [1, 2, 7]
RINGS = [0, 1, 5]
PROCESSES = [1, 2, 4]
FAR = 10**12


def sampler(pools=POOLS, views=VIEWS, **options):
    return _core.Sampler(pools, views, **options)


@pytest.fixture(scope="module")
def uninterrupted():
    """The batches of the first steps, and of some far away."""
    with sampler(seed=8, threads=1, ring=2) as batches:
        return {
            step: batches.batch(step)
            for step in [*range(40), *range(FAR, FAR + 5)]
        }


def assert_equal(made, expected):
    assert made.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(made[name], array, err_msg=name)


@settings(deadline=None, max_examples=60)
@given(
    some.data(),
    some.sampled_from(THREADS),
    some.sampled_from(RINGS),
    some.sampled_from(PROCESSES),
)
def test_resuming_anywhere_continues_the_sequence(
    uninterrupted, data, threads, ring, processes
):
    starts = some.integers(0, 37) | some.integers(FAR, FAR + 2)
    process = data.draw(some.integers(0, processes - 1))
    with sampler(
        seed=8, threads=threads, ring=ring, process=process, processes=processes
    ) as batches:
        for start in data.draw(some.lists(starts, min_size=1, max_size=4)):
            for step in range(start, start + data.draw(some.integers(1, 3))):
                assert_equal(
                    batches.batch(step),
                    {
                        name: np.split(array, processes)[process]
                        for name, array in uninterrupted[step].items()
                    },
                )


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("ring", RINGS)
@pytest.mark.parametrize("processes", PROCESSES)
def test_neither_threads_nor_ring_nor_processes_show(
    uninterrupted, threads, ring, processes
):
    slices = []
    for process in range(processes):
        with sampler(
            seed=8,
            threads=threads,
            ring=ring,
            process=process,
            processes=processes,
        ) as batches:
            slices.append([batches.batch(step) for step in range(6)])
    for step in range(6):
        whole = {
            name: np.concatenate([part[step][name] for part in slices])
            for name in slices[0][step]
        }
        assert fingerprint(whole) == fingerprint(uninterrupted[step])


def test_no_step_is_far_away():
    """Position is computed, never walked to."""

    def seconds(step):
        with sampler(threads=1, ring=0) as batches:
            batches.batch(1)
            start = time.process_time()
            for k in range(5):
                batches.batch(step + k)
            return time.process_time() - start

    rounds = [(seconds(0), seconds(FAR)) for _ in range(15)]
    near, far = np.min(rounds, axis=0)
    assert far < 2 * near


def test_a_loop_may_break_or_fail_at_any_batch(uninterrupted):
    for steps in range(1, 6):
        batches = sampler(seed=8, threads=2)
        with contextlib.suppress(ZeroDivisionError):
            for step in range(10):
                made = batches.batch(step)
                assert_equal(made, uninterrupted[step])
                if step == steps:
                    step / 0  # noqa: B018
        assert step == steps
        assert_equal(batches.batch(steps), uninterrupted[steps])
        assert_equal(batches.batch(steps + 1), uninterrupted[steps + 1])
        with pytest.raises(KeyError), batches:
            batches.batch(step)["nothing"]
        with pytest.raises(RuntimeError, match="closed"):
            batches.batch(step)
        assert_equal(made, uninterrupted[steps])


def forgetful(**options):
    """A sampler whose threads fail for steps below 1000."""
    batches = sampler(
        [("a", IMAGES, None, 16)], [("x", "a", LEARNED)], **options
    )
    for k in range(300):
        batches.set_rates("x", 1000 + k, [[[1.0, 2.0]]])
    return batches


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("ring", RINGS)
def test_the_batch_after_an_error_is_right(threads, ring):
    with forgetful(threads=1, ring=0) as batches:
        expected = [fingerprint(batches.batch(1500 + k)) for k in range(4)]
    batches = forgetful(threads=threads, ring=ring)
    for k in range(4):
        for step in (k, 0, 900):
            with pytest.raises(RuntimeError, match="from 1044 on, .* received"):
                batches.batch(step)
        assert fingerprint(batches.batch(1500 + k)) == expected[k]
    with pytest.raises(RuntimeError, match="received 1043"):
        batches.batch(1043)
    batches.batch(1044)
    with pytest.raises(RuntimeError, match="received 7"):
        batches.batch(7)
    batches.close()
    with pytest.raises(RuntimeError, match="closed"):
        batches.batch(1500)


def test_errors_reach_the_one_who_asked():
    """Of several callers of one sampler."""
    with forgetful(threads=2) as batches:
        expected = fingerprint(batches.batch(1500))
        answers = {"right": 0, "refused": 0}

        def ask(step):
            for _ in range(20):
                try:
                    same = fingerprint(batches.batch(step)) == expected
                    answers["right"] += same
                except RuntimeError:
                    answers["refused"] += step == 3

        callers = [
            threading.Thread(target=ask, args=(step,)) for step in (3, 1500)
        ]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
    assert answers == {"right": 20, "refused": 20}


def test_closing_from_several_threads_lets_go_of_the_images():
    class Images(np.ndarray):
        """An array that can be referred to weakly."""

    for _ in range(20):
        images = images_of(8, 64, 64).view(Images)
        gone = weakref.ref(images)
        batches = sampler(
            [("a", images, None, 64)], [("x", "a", STRONG)], threads=2
        )
        del images
        batches.batch(0)
        callers = [threading.Thread(target=batches.close) for _ in range(3)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        with pytest.raises(RuntimeError, match="closed"):
            batches.batch(1)
        gc.collect()
        assert gone() is None
