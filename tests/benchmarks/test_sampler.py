"""The sampler's benchmark: its arguments, its check, keras_ssl as a peer."""

import itertools
import shlex

import numpy as np
import pytest

import peer_check
import sampler
from contestant import Contestant, spread
from peers import PEERS, keras_ssl_sampler
from peers.job import Job, make_images

SHAPE = (16, 20, 3)


@pytest.fixture(scope="module")
def job():
    images = make_images(600, SHAPE, seed=0)
    return Job(images, batch_size=32, draws=2, threads=1, seed=0)


@pytest.fixture(scope="module")
def batches(job):
    return list(itertools.islice(keras_ssl_sampler.make(job), 3))


def check(job, batches):
    peer = PEERS["keras_ssl"]
    return peer_check.check(peer, batches, job.images, job.batch_size)


def test_arguments_have_defaults_for_the_whole_run():
    options = sampler.arguments([])
    assert options.shapes == [(32, 32, 3), (28, 28, 1), (224, 224, 3)]
    assert (options.draws, options.threads) == ([2, 3], [1, 2])
    assert options.peers == list(PEERS)


def test_arguments_are_read():
    line = "--shapes 8x6x1 --draws 4 --threads 3 --peers opencv keras_ssl"
    options = sampler.arguments(shlex.split(line))
    assert options.shapes == [(8, 6, 1)]
    assert (options.draws, options.threads) == ([4], [3])
    assert options.peers == ["opencv", "keras_ssl"]


def test_quick_and_check_shorten_the_run():
    quick = sampler.arguments(["--quick"])
    assert (len(quick.shapes), len(quick.draws), quick.rounds) == (1, 1, 1)
    assert sampler.arguments(["--check"]).rounds == 0


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        (["--shapes", "32x32x2"], "as in 32x32x3, received 32x32x2"),
        (["--draws", "0"], "at least 1, received 0"),
        (["--peers", "nobody"], "nobody"),
    ],
)
def test_bad_arguments_are_refused(argument, message, capsys):
    with pytest.raises(SystemExit):
        sampler.arguments(argument)
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("threads", "expected"),
    [("one", [1]), ("most", [2]), ("each", [1, 2]), ("all", [1, 2, 8])],
)
def test_peers_get_the_threads_they_can_use(threads, expected, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    peer = sampler.peers.Peer("label", "module", threads=threads)
    assert peer.thread_counts([2, 1]) == expected


def test_the_order_is_a_full_shuffle(job):
    rows = job.rows(np.random.default_rng(0))
    shown = np.concatenate([next(rows)[1] for _ in range(6)])[:1200]
    assert sorted(shown[:600]) == sorted(shown[600:]) == list(range(600))
    assert not np.array_equal(shown[:600], shown[600:])


def test_keras_ssl_does_the_job(job, batches):
    figures = check(job, batches)
    assert figures["problems"] == []
    assert figures["distinct_strong"] == 1


def broken(batches, change):
    return [
        (labeled, weak, change(weak, strong))
        for labeled, weak, strong in batches
    ]


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("weak_to_strong", lambda weak, strong: weak),
        ("distinct_strong", lambda weak, strong: strong[:1].repeat(224, 0)),
        ("spread", lambda weak, strong: 255 - weak),
        ("strong: expected", lambda weak, strong: strong.astype(np.float32)),
        ("strong: expected", lambda weak, strong: strong[:-1]),
    ],
)
def test_the_check_finds_what_is_not_the_job(job, batches, what, change):
    problems = check(job, broken(batches, change))["problems"]
    assert any(problem.startswith(what) for problem in problems)


def test_the_check_finds_stored_images(job, batches):
    stored = broken(batches, lambda weak, strong: job.images[:224])
    problems = check(job, stored)["problems"]
    assert any(problem.startswith("stored_strong") for problem in problems)


def test_a_peer_is_timed_in_its_process(job, tmp_path):
    source = str(tmp_path / "images.npy")
    np.save(source, job.images)
    contestant = Contestant("keras_ssl", job, source)
    try:
        assert contestant.fit
        contestant.turn(0.05)
        contestant.turn(0.05)
        result = contestant.result()
    finally:
        contestant.dismiss()
        contestant.close()
    assert contestant.process.exitcode == 0
    assert result["cpu_s_per_1000"]["min"] > 0
    assert result["images_per_s"]["median"] > 0
    assert result["first_batch_s"] > 0


def test_spread_is_median_and_extremes():
    assert spread([3.0, 1.0, 2.00004]) == {
        "median": 2.0,
        "min": 1.0,
        "max": 3.0,
    }
