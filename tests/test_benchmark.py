"""The benchmark's processes, and what is made of what they found."""

import json

import keras
import numpy as np
import pytest

import keras_ssl
from keras_ssl import cli
from keras_ssl.benchmark import (
    Job,
    accuracy,
    command,
    findings,
    run,
    worker,
)

BACKEND = keras.backend.backend()
SMALL = Job(
    "fixmatch",
    BACKEND,
    batch_size=4,
    unlabeled_ratio=2,
    network="mlp",
    image_size=8,
    steps=3,
    rounds=3,
    threads=1,
)


def line(backend, losses, **changed):
    job = {"method": "fixmatch", "backend": backend, "precision": "float32",
           "batch_size": 64, "unlabeled_ratio": None, "network": None,
           "data": "random", "steps_per_execution": 1, "seed": 0}  # fmt: skip
    found = {"losses": losses, "first_step_s": 1.5, "step_ms": 10.0,
             "step_ms_low": 9.0, "step_ms_high": 12.0, "images_per_s": 6400.0,
             "data_wait": 0.25, "host_mib": 900.4, "device_mib": None,
             "weights": 7}  # fmt: skip
    return {**job, **found, **changed}


def test_a_process_measures_and_says_what(capfd):
    first, second = run([SMALL, SMALL])
    assert first["method"] == "fixmatch"
    assert first["losses"] == second["losses"]  # the same weights and batches
    assert len(first["losses"]) == worker.FIRST_STEPS
    low, middle, high = (
        first[f"step_ms{end}"] for end in ("_low", "", "_high")
    )
    assert 0 < low <= middle <= high
    # 4 labeled images and 8 unlabeled ones in two views
    assert first["images_per_s"] == pytest.approx(20e3 / middle, rel=1e-2)
    assert 0 <= first["data_wait"] <= 1
    assert first["host_mib"] > 50
    assert first["device_mib"] is None
    assert capfd.readouterr().out == ""


@pytest.mark.once
@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"method": "fixmach"}, "fixmatch"),
        ({"labels_per_class": 10**6}, "ValueError"),
        ({"backend": "numpy"}, "keras_ssl runs on tensorflow, jax"),
    ],
)
def test_what_goes_wrong_is_told_in_its_line(changed, says):
    (found,) = run([Job(**{**vars(SMALL), **changed})])
    assert says in found["failed"]
    assert "losses" not in found


def test_weights_do_not_depend_on_the_backends_generator():
    networks = [
        keras_ssl.networks.MLP(num_classes=3, input_shape=(4, 4, 1))
        for _ in range(2)
    ]
    for network in networks:
        worker.set_weights(network, seed=1)
    kernels = [network.trainable_variables[0] for network in networks]
    ours, theirs = (keras.ops.convert_to_numpy(kernel) for kernel in kernels)
    np.testing.assert_array_equal(ours, theirs)
    assert ours.std() == pytest.approx((2 / 16) ** 0.5, rel=0.05)


@pytest.mark.once
def test_losses_are_compared_with_the_first_line_of_their_kind():
    lines = [
        line("jax", [2.0, 4.0]),
        line("torch", [2.0, 4.004]),
        line("torch", [1.0, 1.0], batch_size=8),
    ]
    found = [findings.loss_difference(one, lines) for one in lines]
    assert found == [None, pytest.approx(1e-3), None]


@pytest.mark.once
def test_the_table_has_a_row_for_each_line():
    lines = [
        line("jax", [2.0, 4.0]),
        line("tensorflow", [2.0, 4.004]),
        {**json.loads(json.dumps(vars(SMALL))), "failed": "no room"},
    ]
    head, *rows = findings.table(lines).splitlines()
    assert head.split()[:4] == ["method", "backend", "precision", "batch"]
    assert rows[0].split() == [
        "fixmatch", "jax", "float32", "64", "1.5", "10.00", "9.00", "12.00",
        "6,400", "25.0", "900",
    ]  # fmt: skip
    assert rows[1].endswith("1e-03")
    assert rows[2].endswith("failed: no room")


@pytest.mark.once
def test_the_figure_is_drawn(tmp_path):
    pytest.importorskip("matplotlib", reason="a figure needs Matplotlib")
    path = tmp_path / "speed.svg"
    findings.figure([line("jax", [1.0]), line("torch", [1.0])], path)
    assert "<svg" in path.read_text()
    with pytest.raises(ValueError, match="nothing to draw"):
        findings.figure([{**vars(SMALL), "failed": "no room"}], path)


SMALL_COMMAND = [
    "benchmark", "--backends", BACKEND, "--network", "mlp", "--image-size",
    "8", "--batch-sizes", "4", "--steps", "2", "--rounds", "1", "--threads",
    "1",
]  # fmt: skip


@pytest.mark.once
def test_the_command_prints_and_keeps_what_it_found(tmp_path, capsys):
    out = tmp_path / "new folder" / "speed.jsonl"
    methods = ["--methods", "supervised", "fixmach"]
    assert cli.main([*SMALL_COMMAND, *methods, "--out", str(out)]) == 1
    printed, errors = capsys.readouterr()
    assert "1 of 2 jobs failed" in errors
    _, supervised, failed = printed.splitlines()
    assert supervised.split()[:4] == ["supervised", BACKEND, "float32", "4"]
    assert "fixmatch" in failed
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["method"] for line in lines] == ["supervised", "fixmach"]
    assert lines[0]["versions"]["keras"] == keras.__version__
    assert lines[0]["step_ms"] > 0


@pytest.mark.once
def test_every_combination_is_a_job():
    options = cli.parser().parse_args(
        ["benchmark", "--quick", "--backends", "jax", "torch", "--precisions",
         "float32", "bfloat16", "--batch-sizes", "8", "16"]
    )  # fmt: skip
    jobs = command.jobs_of(options)
    assert len(jobs) == len(set(jobs)) == 2 * 2 * 2 * 2
    assert {job.method for job in jobs} == {"supervised", "fixmatch"}
    assert {job.steps for job in jobs} == {5}
    options = cli.parser().parse_args(["benchmark", "--steps", "7"])
    assert {(j.method, j.steps) for j in command.jobs_of(options)} == {
        ("fixmatch", 7)
    }


# How well methods learn -------------------------------------------------------


@pytest.mark.once
def test_accuracy_is_measured_between_two_bounds(tmp_path, capsys):
    out = tmp_path / "accuracy.jsonl"
    small = ["--epochs", "1", "--steps-per-epoch", "2", "--batch-size", "4",
             "--unlabeled-ratio", "2", "--network", "mlp"]  # fmt: skip
    assert cli.main(
        ["benchmark", "--accuracy", "--methods", "supervised",
         "--backends", BACKEND, "--seeds", "3",
         "--labels-per-class", "2", "--out", str(out), "--", *small]
    ) == 0  # fmt: skip
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == [
        "method", "labels", "backend", "accuracy", "%", "std", "seeds"
    ]  # fmt: skip
    most = np.bincount(keras_ssl.data.load("digits").train[1]).min()
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    for (name, labels), row, line in zip(
        # the twin, which is not trained twice, and the ceiling
        (("supervised", 2), ("supervised", most)),
        rows,
        lines,
        strict=True,
    ):
        score = f"{100 * line['test_accuracy']:.2f}"
        assert row.split() == [name, str(labels), BACKEND, score, "0.00", "1"]
        assert f"--labels-per-class {labels} " in line["command"]
        assert line["labels_per_class"] == labels
        assert (line["method"], line["seed"], line["steps"]) == (name, 3, 2)
        assert line["versions"]["keras"] == keras.__version__
        assert line["peak_mib"] > 50


@pytest.mark.once
def test_accuracies_are_averaged_and_failures_told():
    vat = {"method": "vat", "labels_per_class": 2, "backend": "jax"}
    lines = [{**vat, "test_accuracy": score} for score in (0.9, 0.7, 0.8)]
    lines.append({**vat, "failed": "no room"})
    lines.append({**vat, "backend": "torch", "failed": "no room"})
    _, first, second = accuracy.table(lines).splitlines()
    assert first.split()[:6] == ["vat", "2", "jax", "80.00", "10.00", "3"]
    assert first.endswith("  failed: no room")
    assert second.split() == ["vat", "2", "torch", "failed:", "no", "room"]


@pytest.mark.once
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--accuracy", "--steps", "5"], "--steps is not for --accuracy"),
        (["--accuracy", "--quick"], "--quick is not for --accuracy"),
        (["--", "--epochs", "5"], "go with --accuracy"),
    ],
)
def test_speed_and_accuracy_are_not_mixed(capsys, arguments, says):
    assert cli.main(["benchmark", *arguments]) == 1
    assert says in capsys.readouterr().err


@pytest.mark.once
def test_every_method_has_every_seed_and_is_trained_once():
    found = accuracy.trainings(
        ["vat", "supervised"], ["jax", "torch"], [1, 2], "digits", 3
    )
    assert len(found) == len(set(found)) == 3 * 2 * 2
    assert [job.method for job in found[::4]] == [
        "supervised", "vat", "supervised"
    ]  # fmt: skip
    assert [job.labels_per_class for job in found[:8]] == [3] * 8
    assert found[-1].labels_per_class > 100
    rest = ("--epochs", "2", "--set", "epsilon=2.0", "--set=ema_decay=0.9")
    twin, vat, _ = accuracy.trainings(["vat"], ["jax"], [1], "digits", 3, rest)
    assert twin.rest == ("--epochs", "2", "--set", "ema_decay=0.9")
    assert vat.rest == rest
    rest = ("--validation-per-class", "5")
    *_, ceiling = accuracy.trainings([], ["jax"], [1], "digits", 3, rest)
    assert ceiling.labels_per_class == found[-1].labels_per_class - 5
    one = accuracy.Training("vat", "jax", rest=("--epochs", "2"))
    assert one.command() == [
        "train", "--method", "vat", "--backend", "jax", "--data", "digits",
        "--seed", "0", "--labels-per-class", "4", "--epochs", "2",
    ]  # fmt: skip
