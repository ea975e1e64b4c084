"""The run folder: whole files or none, and a history that survives cuts."""

import json
import signal

import keras
import numpy as np
import pytest

import keras_ssl
from keras_ssl import run_folder
from keras_ssl.ending import Terminated


@pytest.fixture
def run(tmp_path):
    return keras_ssl.RunFolder(tmp_path / "a run with spaces")


def small_model(data):
    network = keras_ssl.networks.MLP(
        num_classes=10, input_shape=data.image_shape, hidden=(8,)
    )
    model = keras_ssl.methods.Supervised(network)
    model.compile()
    return model


def test_fit_leaves_history_and_a_checkpoint_that_goes_on(run, digits):
    model = small_model(digits.dataset)
    batches = digits.batches(model, batch_size=8, steps_per_epoch=4)
    model.fit(batches, epochs=2, callbacks=[run], verbose=0)
    history = run.history()
    assert [(e["epoch"], e["step"]) for e in history] == [(1, 4), (2, 8)]
    assert all(e["loss"] == e["supervised"] > 0 for e in history)
    again = run.load_model()
    assert again.steps_taken() == 8
    images = digits.test[0][:5]
    np.testing.assert_array_equal(
        again.predict(images, verbose=0), model.predict(images, verbose=0)
    )
    assert not list(run.path.glob(".*"))  # nothing temporary stays


def test_saves_inside_an_epoch_when_asked(tmp_path, digits):
    run = keras_ssl.RunFolder(tmp_path, save_every=3)
    steps = []
    run.checkpoints.save = lambda model, _: steps.append(model.steps_taken())
    model = small_model(digits.dataset)
    batches = digits.batches(model, batch_size=8, steps_per_epoch=7)
    model.fit(batches, epochs=1, callbacks=[run], verbose=0)
    assert steps == [3, 6, 7]


def test_small_files_round_trip_and_are_missing_as_none(run):
    assert run.read("config") is None
    run.write("config", {"a": 1})
    run.write("config", {"a": 2})
    assert run.read("config") == {"a": 2}


def test_a_damaged_small_file_is_named(run):
    (run.path / "config.json").write_text('{"a": ')
    with pytest.raises(ValueError, match=r"config\.json is damaged"):
        run.read("config")


def test_history_takes_the_last_word_on_an_epoch_and_skips_a_torn_line(run):
    lines = [{"epoch": 1, "loss": 3.0}, {"epoch": 2, "loss": 2.0},
             {"epoch": 2, "loss": 1.5}]  # fmt: skip
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (run.path / "history.jsonl").write_text(text + '{"epoch": 3, "lo')
    assert [e["loss"] for e in run.history()] == [3.0, 1.5]


def test_a_torn_line_does_not_swallow_the_next_one(run, digits):
    file = run.path / "history.jsonl"
    file.write_text('{"epoch": 1, "loss": 3.0}\n{"epoch": 2, "lo')
    model = small_model(digits.dataset)
    batches = digits.batches(model, batch_size=8, steps_per_epoch=2)
    model.fit(batches, epochs=2, initial_epoch=1, callbacks=[run], verbose=0)
    assert [entry["epoch"] for entry in run.history()] == [1, 2]


class Interrupt(keras.callbacks.Callback):
    """Presses Ctrl-C in the middle of a step."""

    def __init__(self, step, times=1):
        super().__init__()
        self.step, self.times = step, times

    def on_train_batch_begin(self, batch, logs=None):
        if batch == self.step:
            for _ in range(self.times):
                signal.raise_signal(signal.SIGINT)


def test_ctrl_c_finishes_the_step_and_saves_it(run, digits):
    model = small_model(digits.dataset)
    batches = digits.batches(model, batch_size=8, steps_per_epoch=9)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), run.interruptible():
        model.fit(batches, verbose=0, callbacks=[Interrupt(4), run])
    assert run.load_model().steps_taken() == 5
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_in_evaluation_saves_the_epoch(run, digits):
    class InEvaluation(keras.callbacks.Callback):
        def on_test_begin(self, logs=None):
            signal.raise_signal(signal.SIGINT)

    model = small_model(digits.dataset)
    batches = digits.batches(model, batch_size=8, steps_per_epoch=3)
    with pytest.raises(KeyboardInterrupt), run.interruptible():
        model.fit(
            batches,
            epochs=5,
            verbose=0,
            validation_data=digits.test,
            callbacks=[InEvaluation(), run],
        )
    assert run.load_model().steps_taken() == 3
    assert "val_accuracy" in run.history()[0]


def test_a_second_ctrl_c_stops_at_once(run, digits):
    model = small_model(digits.dataset)
    batches = digits.batches(model, batch_size=8, steps_per_epoch=9)
    with pytest.raises(KeyboardInterrupt), run.interruptible():
        model.fit(batches, verbose=0, callbacks=[Interrupt(4, times=2), run])
    assert not run.checkpoints.newest.exists()


def test_without_a_checkpoint_the_error_says_when_there_is_one(run):
    with pytest.raises(FileNotFoundError, match="end of its first epoch"):
        run.load_model()


@pytest.mark.parametrize("content", [b"", b"no zip at all", b"PK\x03\x04 torn"])
def test_a_corrupt_checkpoint_is_one_clear_error(run, content):
    run.checkpoints.newest.write_bytes(content)
    with pytest.raises(ValueError, match="checkpoint.keras is damaged") as e:
        run.load_model()
    assert "\n" not in str(e.value)


def test_a_truncated_checkpoint_is_one_clear_error(run, digits):
    run.save_model(small_model(digits.dataset))
    whole = run.checkpoints.newest.read_bytes()
    run.checkpoints.newest.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="is damaged"):
        run.load_model()


def test_a_model_of_another_kind_is_refused(run):
    images = keras.Input((4,))
    keras.Model(images, keras.layers.Dense(2)(images)).save(
        run.checkpoints.newest
    )
    with pytest.raises(ValueError, match="holds a Functional"):
        run.load_model()


def test_a_failed_save_leaves_the_old_checkpoint(run, digits, monkeypatch):
    model = small_model(digits.dataset)
    run.save_model(model)
    whole = run.checkpoints.newest.read_bytes()

    def torn(path, **_):
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(model, "save", torn)
    with pytest.raises(OSError, match="disk full"):
        run.save_model(model)
    assert run.checkpoints.newest.read_bytes() == whole


@pytest.mark.parametrize(("step", "epochs"), [(4, 0), (8, 1)])
def test_sigterm_finishes_the_step_saves_it_and_says_so(
    run, digits, step, epochs
):
    class Preempted(Interrupt):
        def on_train_batch_begin(self, batch, logs=None):
            if batch == self.step:
                signal.raise_signal(signal.SIGTERM)

    model = small_model(digits.dataset)
    batches = digits.batches(model, batch_size=8, steps_per_epoch=9)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Terminated), run.interruptible():
        model.fit(batches, verbose=0, callbacks=[Preempted(step), run])
    assert run.load_model().steps_taken() == step + 1
    assert len(run.history()) == epochs  # the finished ones, each of them
    assert signal.getsignal(signal.SIGTERM) is before


def test_saves_when_the_last_save_was_minutes_ago(
    tmp_path, digits, monkeypatch
):
    clock = iter(range(0, 6000, 20))  # each look is 20 s after the one before
    monkeypatch.setattr(run_folder.time, "perf_counter", lambda: next(clock))
    run = keras_ssl.RunFolder(tmp_path, save_minutes=1)
    steps = []
    run.checkpoints.save = lambda model, _: steps.append(model.steps_taken())
    model = small_model(digits.dataset)
    batches = digits.batches(model, batch_size=8, steps_per_epoch=9)
    model.fit(batches, callbacks=[run], verbose=0)
    assert steps[-1] == 9
    assert len(steps) > 2
    assert steps == sorted(set(steps))
    assert max(b - a for a, b in zip(steps, steps[1:], strict=False)) <= 3


class Scores(keras.callbacks.Callback):
    """Reports what it was told to, epoch by epoch."""

    def __init__(self, name, values):
        super().__init__()
        self.name, self.values = name, values

    def on_epoch_end(self, epoch, logs=None):
        logs[self.name] = self.values[epoch]


@pytest.mark.parametrize(
    ("name", "values", "best"),
    [
        ("val_accuracy", [0.5, 0.7, 0.6, 0.7], 2),
        ("val_loss", [3.0, 2.0, 1.0, 1.5], 3),
    ],
)
def test_the_best_epoch_is_kept_over_a_resumption(
    tmp_path, digits, name, values, best
):
    model = small_model(digits.dataset)
    for epochs in (2, 4):
        run = keras_ssl.RunFolder(tmp_path, best=name)
        batches = digits.batches(model, batch_size=8, steps_per_epoch=2)
        model.fit(
            batches,
            epochs=epochs,
            resume=True,
            callbacks=[Scores(name, values), run],
            verbose=0,
        )
        model = run.load_model()
    assert model.steps_taken() == 8
    assert run.load_model(best=True).steps_taken() == 2 * best


def test_a_best_that_nobody_reports_is_an_error(tmp_path, digits):
    run = keras_ssl.RunFolder(tmp_path, best="val_acuracy")
    with pytest.raises(FileNotFoundError, match=r"best\.keras"):
        run.load_model(best=True)
    model = small_model(digits.dataset)
    batches = digits.batches(model, batch_size=8, steps_per_epoch=2)
    with pytest.raises(ValueError, match="'val_acuracy'; an epoch reports"):
        model.fit(batches, callbacks=[run], verbose=0)
