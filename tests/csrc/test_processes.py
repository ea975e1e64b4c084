"""Memory, forks, exits and signals, each in a process of its own."""

import os

import numpy as np
import pytest
import trials

pytestmark = pytest.mark.skipif(
    not os.path.exists("/proc/self/status"), reason="Linux"
)
MEGABYTE = 2**20


def test_ten_thousand_samplers_leave_nothing_behind():
    before, after = trials.run("come_and_go", 10_000)
    assert after["files"] == before["files"]
    # those of the one that is still there when the first figures are taken
    assert after["threads"] <= before["threads"]
    assert after["bytes"] - before["bytes"] < 8 * MEGABYTE


@pytest.mark.parametrize("items", [960, 9600])
@pytest.mark.parametrize("place", ["mapped", "copied"])
def test_a_ring_needs_the_memory_of_four_batches(tmp_path, items, place):
    """Two made ahead, the one in use and the one before; never the source."""
    path = tmp_path / place
    trials.images_of(5000, 32, 32).tofile(path)
    before, most, batch = trials.run("memory_of_ring", items, path)
    assert batch > items * 32 * 32 * 3
    assert most - before < 4 * batch + 32 * MEGABYTE


def test_the_first_batch_comes_at_once():
    importing, making = min(trials.run("first_batch") for _ in range(3))
    print(f"import {importing:.3f} s, first batch {making:.3f} s")
    assert importing + making < 3 * 0.3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_children_use_close_and_leave_samplers():
    trials.run("forks", PYTHONWARNINGS="ignore::DeprecationWarning")


@pytest.mark.parametrize(
    "trial",
    [
        ("exit_live",),
        ("exit_half_consumed",),
        ("exit_with_arrays",),
        ("exit_immortal",),
        ("exit_cycle",),
        ("exit_at_exit",),
        ("exit_daemon_asks", 0.05),
        ("exit_daemon_asks", 0.1),
        ("exit_daemon_asks", 0.2),
        ("exit_daemon_waits",),
        ("exit_daemon_closes", 0.02),
        ("exit_daemon_closes", 0.05),
        ("exit_daemon_closes", 0.1),
    ],
    ids=lambda trial: "-".join(map(str, trial)),
)
def test_exits(trial):
    """Without a word on stderr; the trials say what is left alive."""
    for _ in range(2):
        trials.run(*trial)


def test_interrupts_end_the_wait():
    delays = trials.run("interrupted")
    print("seconds until KeyboardInterrupt:", delays)
    # a batch takes a second or more; a slice of the wait is a twentieth
    assert np.median(delays) < 0.2


def test_signal_handlers_run_during_the_wait():
    assert max(trials.run("handled")) > 0.1
