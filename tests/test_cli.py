"""The command: what it prints, what it keeps and how it fails."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
from keras import ops

import keras_ssl
import keras_ssl.data.batches
from keras_ssl import cli

BACKEND = keras.backend.backend()
SMALL = [
    "train", "--backend", BACKEND, "--method", "fixmatch", "--network", "mlp",
    "--labels-per-class", "2", "--batch-size", "4", "--unlabeled-ratio", "2",
]  # fmt: skip


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.delenv("KERAS_SSL_DATA", raising=False)


def fails(capsys, *arguments):
    """The one line that a failing command prints."""
    assert cli.main(list(arguments)) == 1
    captured = capsys.readouterr()
    (line,) = captured.err.strip().splitlines()
    assert line.startswith("keras-ssl: error: ")
    return line


def test_train_evaluate_and_list(tmp_path, capsys):
    out = str(tmp_path / "run")
    steps = ["--epochs", "2", "--steps-per-epoch", "5", "--out", out]
    assert cli.main([*SMALL, *steps]) == 0
    printed = capsys.readouterr().out
    for word in ("mask_rate", "pseudo_label_accuracy", "data_wait",
                 "val_accuracy", "test accuracy"):  # fmt: skip
        assert word in printed
    files = {path.name for path in (tmp_path / "run").iterdir()}
    assert files == {"config.json", "config.toml", "split.json",
                     "history.jsonl", "checkpoint.keras",
                     "checkpoint_1.keras", "result.json"}  # fmt: skip
    config = json.loads((tmp_path / "run/config.json").read_text())
    assert config["backend"] == BACKEND
    assert config["versions"]["keras"] == keras.__version__
    assert config["augmentation"]["labeled"] == [
        [1, [["crop", 1.0, 0.125, 0.125]]]
    ]
    first = json.loads((tmp_path / "run/result.json").read_text())
    assert first["steps"] == 10
    assert cli.main(["evaluate", out, "--backend", BACKEND]) == 0
    again = json.loads((tmp_path / "run/result.json").read_text())
    assert again["test_accuracy"] == first["test_accuracy"]
    assert cli.main(["list"]) == 0
    listed = capsys.readouterr().out
    for name in (*keras_ssl.methods.names(), *keras_ssl.networks.names()):
        assert name in listed
    assert "hidden (1000, 1000)" in listed  # adversarial_encoder


def test_arguments_of_the_method_are_set_and_kept(tmp_path, capsys):
    out = str(tmp_path / "run")
    steps = ["--epochs", "1", "--steps-per-epoch", "2", "--out", out]
    some = ["--set", "threshold=0.75", "--set", "ema_decay=0"]
    assert cli.main([*SMALL, *steps, *some]) == 0
    model = keras_ssl.RunFolder(out).load_model()
    assert (model.threshold, model.ema_decay) == (0.75, 0)
    config = json.loads((tmp_path / "run/config.json").read_text())
    assert config["set"] == {"threshold": 0.75, "ema_decay": 0}
    resume = ["train", "--resume", "--out", out, "--backend", BACKEND]
    assert cli.main(resume) == 0
    assert cli.main([*resume, *some]) == 0
    assert "was begun with --set" in fails(
        capsys, *resume, "--set", "threshold=0.5"
    )


def test_labels_of_a_long_tail(tmp_path, capsys):
    out = str(tmp_path / "run")
    steps = ["--epochs", "1", "--steps-per-epoch", "2", "--out", out]
    assert cli.main([*SMALL, *steps, "--long-tailed", "20", "60", "10"]) == 0
    run = keras_ssl.RunFolder(out)
    assert run.read("config")["long_tailed"] == [20, 60, 10]
    split = keras_ssl.data.Split.load(
        run.path / "split.json", keras_ssl.data.load("digits")
    )
    expected = keras_ssl.data.load("digits").split_long_tailed(20, 60, 10)
    np.testing.assert_array_equal(split.labeled, expected.labeled)
    np.testing.assert_array_equal(split.unlabeled, expected.unlabeled)
    preset = str(tmp_path / "preset")
    assert cli.main(["save-preset", out, "--out", preset]) == 0
    (card,) = (tmp_path / "preset").glob("*/README.md")
    number = len(expected.labeled)
    assert "--long-tailed 20 60 10 --" in card.read_text()
    assert f"with {number} labeled images of 10 classes" in card.read_text()


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        (["20", "60"], "two whole numbers .* received 20 60$"),
        (["20.5", "60", "10"], "two whole numbers .* received 20.5 60 10$"),
        (["20", "60", "0.5"], "at least 1, or at most -1"),
    ],
)
def test_a_long_tail_that_is_none(tmp_path, capsys, numbers, message):
    out = ["--out", str(tmp_path / "run"), "--long-tailed", *numbers]
    assert re.search(message, fails(capsys, *SMALL, *out))


def test_classes_that_nobody_labels(tmp_path, capsys):
    """What a run learns, tests, reports and ships are the named classes."""
    out = str(tmp_path / "run")
    steps = ["--epochs", "1", "--steps-per-epoch", "2", "--out", out]
    assert cli.main([*SMALL, *steps, "--classes", "8", "3"]) == 0
    run = keras_ssl.RunFolder(out)
    data = keras_ssl.data.load("digits")
    split = keras_ssl.data.Split.load(run.path / "split.json", data)
    expected = data.split(2, classes=["8", "3"])
    np.testing.assert_array_equal(split.labeled, expected.labeled)
    assert len(split.unlabeled) == len(data.train[0])
    assert run.read("config")["class_names"] == ["8", "3"]
    assert run.load_model().network.output_shape == (None, 2)
    result = run.read("result")
    assert result["test_images"] == np.isin(data.test[1], [8, 3]).sum()
    assert cli.main(["evaluate", out]) == 0
    assert run.read("result") == result
    assert cli.main(["save-preset", out, "--out", str(tmp_path / "kept")]) == 0
    (preset,) = (tmp_path / "kept").glob("*")
    assert "--classes 8 3" in (preset / "README.md").read_text()
    assert cli.main(["evaluate", str(preset)]) == 0


@pytest.mark.parametrize(
    ("some", "message"),
    [
        (["--classes", "8", "ten"], "received 'ten'"),
        (["--classes", "8", "8"], "must be distinct classes"),
        (
            ["--classes", "8", "3", "--long-tailed", "20", "60", "10"],
            "leave --classes out",
        ),
    ],
)
def test_classes_that_are_none(tmp_path, capsys, some, message):
    out = ["--out", str(tmp_path / "run")]
    assert message in fails(capsys, *SMALL, *out, *some)


def test_a_student_of_a_run(tmp_path, capsys):
    first, out = str(tmp_path / "first"), str(tmp_path / "run")
    steps = ["--epochs", "1", "--steps-per-epoch", "5"]
    assert cli.main([*SMALL, *steps, "--out", first]) == 0
    student = [*SMALL, "--method", "noisy_student", "--out", out, *steps]
    assert "--set teacher=NAME" in fails(capsys, *student)
    assert cli.main([*student, "--set", f"teacher={first}"]) == 0
    made = keras_ssl.RunFolder(out).load_model()
    images = keras_ssl.data.load("digits").test[0][:8]
    np.testing.assert_allclose(
        ops.convert_to_numpy(made.teacher(made.normalize(images))),
        keras_ssl.RunFolder(first).load_model().predict(images, verbose=0),
        rtol=1e-4,
        atol=1e-5,
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ladder_mlp_mnist_100", r"expected images \(None, 8, 8, 1\)"),
        ("nonsense", "nonsense"),
    ],
)
def test_a_teacher_that_does_not_fit(tmp_path, capsys, name, message):
    student = [*SMALL, "--method", "noisy_student", "--set", f"teacher={name}"]
    assert re.search(message, fails(capsys, *student, "--out", str(tmp_path)))


def test_the_network_is_the_methods_own_unless_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(keras_ssl.methods.Supervised, "default_network", "mlp")
    out = str(tmp_path / "run")
    small = ["--batch-size", "4", "--epochs", "1", "--steps-per-epoch", "2"]
    command = ["train", "--method", "supervised", *small, "--out", out]
    assert cli.main([*command, "--backend", BACKEND]) == 0
    assert keras_ssl.RunFolder(out).load_model().network.name == "mlp"
    config = json.loads((tmp_path / "run/config.json").read_text())
    assert config["network"] == "mlp"


def test_a_run_is_repeated_by_its_own_file(tmp_path):
    steps = ["--epochs", "1", "--steps-per-epoch", "3", "--seed", "5"]
    first, again, other = (tmp_path / name for name in ("a", "b", "c"))
    some = ["--set", "threshold=0.75", "--out", str(first)]
    assert cli.main([*SMALL, *steps, *some]) == 0
    repeat = ["train", "--config", str(first / "config.toml"), "--backend",
              BACKEND]  # fmt: skip
    assert cli.main([*repeat, "--out", str(again)]) == 0
    assert weights(again) == weights(first)
    for name in ("config.json", "config.toml", "split.json"):
        assert (again / name).read_text() == (first / name).read_text()
    assert cli.main([*repeat, "--out", str(other), "--seed", "6"]) == 0
    assert json.loads((other / "config.json").read_text())["seed"] == 6
    assert weights(other) != weights(first)


def test_a_misspelled_key_of_a_file_is_one_clear_line(tmp_path, capsys):
    file = tmp_path / "own.toml"
    file.write_text('metod = "vat"\n')
    line = fails(capsys, "train", "--config", str(file))
    assert "own.toml: unknown argument 'metod'. Did you mean method" in line


def checksum(images):
    """A number of images that tells their places apart."""
    values = ops.reshape(ops.cast(images, "int32"), (-1,))
    return ops.sum(values * (ops.arange(values.shape[0]) % 97))


def test_the_batch_of_a_broken_step_is_made_anew(tmp_path, capsys, monkeypatch):
    steps = ["--epochs", "2", "--steps-per-epoch", "3", "--seed", "7"]
    got, get = {}, keras_ssl.data.batches.Batches.__getitem__

    def watched(self, i):
        views, labels = get(self, i)
        step = self.first_step + i + 1  # Keras looks at the first one twice
        got[step] = {k: v.copy() for k, v in views.items()}, labels
        return views, labels

    with monkeypatch.context() as patched:
        patched.setattr(keras_ssl.data.batches.Batches, "__getitem__", watched)
        assert cli.main([*SMALL, *steps, "--out", str(tmp_path / "a")]) == 0
    run = keras_ssl.RunFolder(tmp_path / "a")
    for step in range(1, 7):
        views, labels = run.batch(step)
        expected, its_labels = got[step]
        np.testing.assert_array_equal(labels, its_labels, strict=True)
        assert set(views) == set(expected) >= {"strong", "truth"}
        for name, view in views.items():
            np.testing.assert_array_equal(view, expected[name], strict=True)

    # and it is what the step itself sees
    poison = int(checksum(run.batch(5)[0]["strong"]))
    objective = keras_ssl.methods.FixMatch.objective

    def poisoned(self, batch):
        terms = objective(self, batch)
        is_it = checksum(batch["strong"]) == poison
        broken = ops.where(is_it, float("nan"), terms["supervised"])
        return {**terms, "supervised": broken}

    monkeypatch.setattr(keras_ssl.methods.FixMatch, "objective", poisoned)
    line = fails(capsys, *SMALL, *steps, "--out", str(tmp_path / "b"))
    assert "the loss of step 5 is not finite (in: supervised)" in line
    assert "batches[4]" in line
    assert "RunFolder(OUT).batch(5)" in line


def test_a_batch_of_what_is_no_run_of_the_command(tmp_path):
    run = keras_ssl.RunFolder(tmp_path)
    with pytest.raises(ValueError, match="no run of keras-ssl train"):
        run.batch(1)
    run.write("config", {"data": "digits"})
    with pytest.raises(ValueError, match="counted from 1; received 0"):
        run.batch(0)


def test_resuming_with_other_augmentation_is_an_error(tmp_path, capsys):
    out = tmp_path / "run"
    steps = ["--epochs", "1", "--steps-per-epoch", "1", "--out", str(out)]
    assert cli.main([*SMALL, *steps]) == 0
    capsys.readouterr()
    config = json.loads((out / "config.json").read_text())
    config["augmentation"]["labeled"] = []
    (out / "config.json").write_text(json.dumps(config))
    line = fails(capsys, "train", "--resume", "--out", str(out))
    assert "begun with other augmentation" in line


def test_the_same_seed_trains_the_same_weights(tmp_path):
    def loss(folder, seed):
        out = str(tmp_path / folder)
        arguments = ["--epochs", "1", "--steps-per-epoch", "4", "--out", out]
        assert cli.main([*SMALL, *arguments, "--seed", seed]) == 0
        return keras_ssl.RunFolder(out).history()[0]["loss"]

    assert loss("a", "1") == loss("b", "1") != loss("c", "2")


def test_a_run_is_not_overwritten_unless_resumed(tmp_path, capsys):
    out = str(tmp_path)
    steps = ["--epochs", "1", "--steps-per-epoch", "3", "--out", out]
    assert cli.main([*SMALL, *steps]) == 0
    capsys.readouterr()
    assert "holds a run already; add --resume" in fails(capsys, *SMALL, *steps)
    resume = ["train", "--resume", "--out", out, "--backend", BACKEND]
    assert cli.main(resume) == 0  # nothing is left to do, and it says so
    assert "after 3 steps" in capsys.readouterr().out
    assert "begun with --epochs 1; received 9" in fails(
        capsys, *resume, "--epochs", "9"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--method", "fixmtach"], "Did you mean fixmatch"),
        (["--network", "wide_resnet"], "Did you mean wide_resnet_28_"),
        (["--data", "digit"], "digits"),
        (["--set", "treshold=0.9"], "Did you mean threshold"),
        (["--labels-per-class", "500"], "has 1"),
        (["--batch-size", "400", "--unlabeled-ratio", "7"], "only 1297"),
        (["--seed", str(2**64)], "eed must be between 0"),
    ],
)
def test_wrong_arguments_are_one_clear_line(
    tmp_path, capsys, arguments, message
):
    out = ["--out", str(tmp_path / "run")]
    assert message in fails(capsys, *SMALL, *out, *arguments)
    # nothing stands in the way of the corrected command
    assert not list((tmp_path / "run").iterdir())


def test_a_wrong_run_folder_and_a_corrupt_checkpoint(tmp_path, capsys):
    assert "is no run folder" in fails(capsys, "evaluate", str(tmp_path))
    out = str(tmp_path / "run")
    steps = ["--epochs", "1", "--steps-per-epoch", "2", "--out", out]
    assert cli.main([*SMALL, *steps]) == 0
    capsys.readouterr()
    (tmp_path / "run/checkpoint.keras").write_bytes(b"rubbish")
    assert "is damaged" in fails(capsys, "evaluate", out)
    assert "is damaged" in fails(capsys, "train", "--resume", "--out", out)


def test_a_backend_that_contradicts_the_environment(capsys, monkeypatch):
    other = "torch" if BACKEND != "torch" else "jax"
    monkeypatch.setenv("KERAS_BACKEND", BACKEND)
    line = fails(capsys, "train", "--backend", other)
    assert f"KERAS_BACKEND={BACKEND}" in line
    monkeypatch.delenv("KERAS_BACKEND")
    line = fails(capsys, "train", "--backend", other)
    assert f"Keras is running on {BACKEND}" in line


@pytest.mark.parametrize(
    ("flag", "value", "message"),
    [
        ("--epochs", "many", "of at least 1; received 'many'"),
        ("--epochs", "0", "of at least 1; received '0'"),
        ("--steps-per-epoch", "0", "of at least 1; received '0'"),
        ("--labels-per-class", "0", "of at least 1; received '0'"),
        ("--batch-size", "-3", "of at least 1; received '-3'"),
        ("--seed", "-1", "of at least 0; received '-1'"),
        ("--backend", "theano", "invalid choice: 'theano'"),
        ("--set", "threshold", "expected NAME=VALUE, such as threshold=0.9"),
    ],
)
def test_exit_code_of_wrong_usage_is_2(capsys, flag, value, message):
    with pytest.raises(SystemExit) as stop:
        cli.main(["train", flag, value])
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


# Runs that are cut off --------------------------------------------------------

LONGER = [
    *SMALL, "--epochs", "4", "--steps-per-epoch", "50", "--save-every", "20",
]  # fmt: skip


def start(arguments):
    environment = dict(os.environ)
    environment.pop("KERAS_BACKEND", None)  # a resumed run knows its backend
    return subprocess.Popen(
        [sys.executable, "-m", "keras_ssl", *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process):
    _, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors


def weights(folder):
    model = keras_ssl.RunFolder(folder).load_model()
    return [
        ops.convert_to_numpy(variable).tobytes()
        for variable in (*model.variables, *model.optimizer.variables)
    ]


def changed(path):
    """When a file was last written; `None` without one."""
    return path.stat().st_mtime_ns if path.exists() else None


def killed(command, file):
    """Kills a run a random while after it has written a file anew."""
    before = changed(file)
    process = start(command)
    while changed(file) == before and process.poll() is None:
        time.sleep(0.01)
    time.sleep(random.uniform(0.0, 0.4))
    process.send_signal(signal.SIGKILL)
    _, errors = process.communicate()
    # it may have been quicker than the pause; then nothing is left to resume
    assert process.returncode in (0, -signal.SIGKILL), errors
    return process.returncode


def check_cut_off_runs(tmp_path, arguments, moments):
    """A run killed once after each of `moments` ends as an undisturbed one."""
    finished(start([*arguments, "--out", str(tmp_path / "undisturbed")]))
    out = tmp_path / "killed"
    resume = ["train", "--resume", "--out", str(out)]
    kills = []
    for name in moments:
        command = resume if kills else [*arguments, "--out", str(out)]
        kills.append(killed(command, out / name))
    finished(start(resume))
    assert weights(out) == weights(tmp_path / "undisturbed"), kills
    history = keras_ssl.RunFolder(out).history()
    assert [entry["epoch"] for entry in history] == [1, 2, 3, 4]
    return kills


def test_killed_at_a_random_moment_and_resumed_the_weights_are_the_same(
    tmp_path,
):
    check_cut_off_runs(tmp_path, LONGER, ["checkpoint.keras"])


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("method", keras_ssl.methods.names())
def test_every_method_survives_three_kills(tmp_path, method):
    arguments = [*LONGER, "--steps-per-epoch", "150", "--method", method]
    if method == "noisy_student":
        arguments += ["--set", "teacher=fixmatch_small_cnn_digits_20"]
    moments = ["config.json", "checkpoint.keras", "checkpoint.keras"]
    kills = check_cut_off_runs(tmp_path, arguments, moments)
    print(f"{method}: exit codes {kills}")


def test_resuming_where_there_is_no_run_is_an_error(tmp_path, capsys):
    line = fails(capsys, "train", "--resume", "--out", str(tmp_path))
    assert "holds no run to go on with" in line


@pytest.mark.parametrize(
    ("number", "code", "says"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "told to end")],
)
def test_a_signal_saves_says_how_to_go_on_and_has_its_code(
    tmp_path, number, code, says
):
    out = tmp_path / "run"
    process = start([*LONGER[:-6], "--epochs", "1000", "--steps-per-epoch",
                     "50", "--out", str(out)])  # fmt: skip
    while not (out / "checkpoint.keras").exists():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == code, errors
    assert says in errors
    assert keras_ssl.RunFolder(out).load_model().steps_taken() >= 50


def test_resume_auto_begins_or_goes_on_and_saves_as_the_run_was_begun(
    tmp_path, monkeypatch
):
    out = str(tmp_path / "run")
    auto = ["--resume", "auto", "--out", out]
    steps = ["--epochs", "2", "--steps-per-epoch", "4", "--save-every", "2"]
    saved: list[int] = []
    save = keras_ssl.checkpoints.Checkpoints.save

    def watched(self, model, is_best=False):
        saved.append(model.steps_taken())
        save(self, model, is_best)
        if len(saved) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(keras_ssl.checkpoints.Checkpoints, "save", watched)
    assert cli.main([*SMALL, *steps, *auto]) == 130
    assert cli.main(["train", *auto, "--backend", BACKEND]) == 0
    assert saved == [2, 4, 6, 8]


def test_the_best_epoch_is_chosen_by_images_held_out_only(tmp_path, capsys):
    out = tmp_path / "run"
    command = [*SMALL, "--epochs", "1", "--steps-per-epoch", "2",
               "--keep-best", "--out", str(out)]  # fmt: skip
    assert "add --validation-per-class" in fails(capsys, *command)
    assert cli.main([*command, "--validation-per-class", "2"]) == 0
    assert (out / "best.keras").exists()
