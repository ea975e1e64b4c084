"""Checkpoints: whole whatever happens, and one in reserve."""

import contextlib
import os
import warnings

import pytest

import keras_ssl
from keras_ssl import checkpoints
from keras_ssl.checkpoints import Checkpoints

pytestmark = pytest.mark.once


@pytest.fixture
def model(digits):
    network = keras_ssl.networks.MLP(
        num_classes=10, input_shape=digits.dataset.image_shape, hidden=(4,)
    )
    model = keras_ssl.methods.Supervised(network)
    model.compile()
    return model


def save(kept, model, steps):
    model.step.assign(steps)
    kept.save(model)


@contextlib.contextmanager
def warns(text):
    """One warning of ours; others (a library's own) are as ever."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always", UserWarning)
        yield
    (message,) = [str(w.message) for w in found if w.category is UserWarning]
    assert text in message


def steps_of(paths):
    return [checkpoints.load(path).steps_taken() for path in paths]


def test_the_last_few_are_kept_newest_first(tmp_path, model):
    kept = Checkpoints(tmp_path, keep=3)
    for steps in (1, 2, 3, 4):
        save(kept, model, steps)
    assert [path.name for path in kept.paths()] == [
        "checkpoint.keras", "checkpoint_1.keras", "checkpoint_2.keras"
    ]  # fmt: skip
    assert steps_of(kept.paths()) == [4, 3, 2]


def test_one_kept_is_one_file(tmp_path, model):
    kept = Checkpoints(tmp_path, keep=1)
    save(kept, model, 1)
    save(kept, model, 2)
    assert steps_of(kept.paths()) == [2]
    with pytest.raises(ValueError, match="at least 1; received 0"):
        Checkpoints(tmp_path, keep=0)


@pytest.mark.parametrize("rest", [0, 40, 0.5])
def test_a_damaged_one_is_replaced_by_the_one_before(tmp_path, model, rest):
    kept = Checkpoints(tmp_path)
    save(kept, model, 1)
    save(kept, model, 2)
    whole = kept.newest.read_bytes()
    size = rest if rest >= 1 or not rest else int(rest * len(whole))
    kept.newest.write_bytes(whole[:size])
    with warns("checkpoint.keras is damaged"):
        assert kept.load().steps_taken() == 1


def test_all_damaged_is_an_error_about_the_last(tmp_path, model):
    kept = Checkpoints(tmp_path)
    save(kept, model, 1)
    save(kept, model, 2)
    for path in kept.paths():
        path.write_bytes(b"nothing")
    with (
        warns("the checkpoint before it"),
        pytest.raises(ValueError, match=r"checkpoint_1\.keras is damaged"),
    ):
        kept.load()


def test_cut_off_between_any_two_renamings_one_is_whole(
    tmp_path, model, monkeypatch
):
    rename, kept = os.replace, Checkpoints(tmp_path, keep=3)
    for steps in (1, 2, 3):
        save(kept, model, steps)

    for allowed in (0, 1, 1):  # the last time there is no newest
        calls = []

        def cut_off(source, target, calls=calls, allowed=allowed):
            if len(calls) == allowed:
                raise KeyboardInterrupt
            calls.append(source)
            rename(source, target)

        with monkeypatch.context() as patched:
            patched.setattr(os, "replace", cut_off)
            with pytest.raises(KeyboardInterrupt):
                save(kept, model, 9)
        assert kept.load().steps_taken() == 3  # the last that has its name
    save(kept, model, 10)
    assert steps_of(kept.paths())[:2] == [10, 3]


def test_a_full_disk_costs_nothing_that_was_there(tmp_path, model, monkeypatch):
    kept = Checkpoints(tmp_path)
    save(kept, model, 1)

    def full(path, **_):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(model, "save", full)
    with pytest.raises(OSError, match="No space left"):
        save(kept, model, 2)
    assert os.listdir(tmp_path) == ["checkpoint.keras"]
    assert kept.load().steps_taken() == 1


@pytest.mark.parametrize("links", [True, False])
def test_the_best_stays_when_the_newest_goes_on(
    tmp_path, model, monkeypatch, links
):
    def no_link(*_):
        raise OSError("not on this file system")

    if not links:
        monkeypatch.setattr(os, "link", no_link)
    kept = Checkpoints(tmp_path)
    for steps, is_best in ((1, True), (2, True), (3, False)):
        model.step.assign(steps)
        kept.save(model, is_best)
    assert steps_of([kept.newest, kept.best]) == [3, 2]
    assert not list(tmp_path.glob(".*"))
