"""The command on one's own image files: from folders to predictions."""

import csv
import json
import pathlib
import shutil
import sys
import warnings

import keras
import numpy as np
import pytest
from PIL import Image

import keras_ssl
from keras_ssl import cli

BACKEND = ["--backend", keras.backend.backend()]
NAMES = ("one", "zero")
pytestmark = pytest.mark.once


def warned(command):
    """Runs a command that warns of the damaged file."""
    # not pytest.warns, which raises again what Keras' own code warns of
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert cli.main([*command, *BACKEND]) == 0
    texts = [str(warning.message) for warning in caught]
    assert any("cannot be read" in text and "broken" in text for text in texts)


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """Digits as files: two classes, some of them damaged."""
    room = tmp_path_factory.mktemp("own images")
    images, labels = keras_ssl.data.load("digits").train
    images, labels = images[labels < 2], labels[labels < 2]
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        part = "unlabeled"
        if number < 40:
            half = "labeled" if number < 12 else "test"
            part = f"{half}/{('zero', 'one')[label]}"
        path = room / part / f"{number} é.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[..., 0]).save(path)
    (room / "unlabeled" / "broken.jpg").write_bytes(b"rubbish")
    return room


@pytest.fixture(scope="module")
def run(room):
    """A trained run, by the arguments that a beginner gives."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_SSL_DATA", str(room / "cache"))
        command = ["train", "--labeled", str(room / "labeled"), "--unlabeled",
                   str(room / "unlabeled"), "--test", str(room / "test"),
                   "--no-flip", "--network", "mlp", "--epochs", "1",
                   "--steps-per-epoch", "30"]  # fmt: skip
        command += ["--out", str(room / "run")]
        warned(command)
        yield room / "run"


def test_batches_are_no_larger_than_the_folders(run):
    config = json.loads((run / "config.json").read_text())
    assert config["data"] == "folder"
    assert config["batch_size"] == 12
    assert config["class_names"] == ["one", "zero"]
    result = json.loads((run / "result.json").read_text())
    assert result["test_images"] == 28
    assert result["test_accuracy"] > 0.8


def test_a_run_on_files_is_evaluated_and_continued(run, capsys):
    warned(["evaluate", str(run)])
    warned(["train", "--resume", "--out", str(run)])
    assert "after 30 steps" in capsys.readouterr().out


def test_a_run_and_its_preset_are_tested_on_other_files(
    run, room, tmp_path, capsys, monkeypatch
):
    monkeypatch.setenv("KERAS_SSL_DATA", str(room / "cache"))
    others = shutil.copytree(room / "test", tmp_path / "others")
    strange = sorted((others / "one").iterdir())[0]  # a one that is no one
    shutil.copy(sorted((others / "zero").iterdir())[0], strange)
    images = {name: len(list((others / name).iterdir())) for name in NAMES}
    model = keras_ssl.RunFolder(run).load_model()
    right = dict.fromkeys(NAMES, 0)
    for place, name in enumerate(NAMES):
        for path in (others / name).iterdir():
            image = np.asarray(Image.open(path))[None, ..., None]
            right[name] += model.predict(image, verbose=0).argmax() == place
    assert right["one"] < images["one"]
    capsys.readouterr()
    assert (
        cli.main(["evaluate", str(run), "--test", str(others), *BACKEND]) == 0
    )
    printed = capsys.readouterr().out.splitlines()
    total = 100 * sum(right.values()) / sum(images.values())
    assert printed[0] == f"test accuracy {total:.2f} % of 28 images"
    rows = [line.split() for line in printed[2:]]
    for name, number, part, *other in rows:
        assert int(number) == images[name]
        assert part == f"{100 * right[name] / images[name]:.1f}"
        assert other == [x for x in NAMES if x != name and float(part) < 100]
    assert [float(row[2]) for row in rows] == sorted(float(r[2]) for r in rows)
    kept = tmp_path / "kept"
    warned(["save-preset", str(run), "--out", str(kept)])
    (preset,) = kept.glob("*")
    capsys.readouterr()
    assert cli.main(["evaluate", str(preset), *BACKEND]) == 1
    assert "add --test" in capsys.readouterr().err
    assert cli.main(
        ["evaluate", str(preset), "--test", str(others), *BACKEND]
    ) == 0  # fmt: skip
    assert capsys.readouterr().out.splitlines() == printed
    (others / "zero").rename(others / "two")
    assert (
        cli.main(["evaluate", str(run), "--test", str(others), *BACKEND]) == 1
    )
    assert "expected the classes one, zero" in capsys.readouterr().err


def test_files_are_asked_for_and_their_labels_taken_back(
    run, room, tmp_path, capsys
):
    run = shutil.copytree(run, tmp_path / "run")
    warned(["label", str(run), "--count", "5"])
    table = run / "label_1.csv"
    with open(table, encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    paths = [pathlib.Path(row["file"]) for row in rows]
    assert {path.parent.name for path in paths} == {"unlabeled"}
    assert all(path.exists() and path.suffix == ".png" for path in paths)
    truth = keras_ssl.data.load("digits").train[1]
    truth = truth[truth < 2]
    for row, path in zip(rows, paths, strict=True):
        number = int(path.stem.split()[0])  # of the digit it was made of
        row["label"] = ("zero", "one")[truth[number]]
    with open(table, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    warned(["label", str(run), "--from", str(table), "--epochs", "1"])
    capsys.readouterr()
    warned(["train", "--resume", "--out", str(run)])
    printed = capsys.readouterr().out
    assert "17 labeled" in printed
    assert "after 60 steps" in printed


def test_arrays_of_a_file_are_trained_on(tmp_path, capsys):
    images, labels = keras_ssl.data.load("digits").train
    known = np.where(np.arange(len(labels)) < 30, labels, -1)
    np.savez(tmp_path / "own.npz", images=images, labels=known)
    command = ["train", "--data", str(tmp_path / "own.npz"), "--network", "mlp",
               "--no-flip", "--epochs", "1", "--steps-per-epoch", "2",
               "--out", str(tmp_path / "run"), *BACKEND]  # fmt: skip
    assert cli.main(command) == 0
    printed = capsys.readouterr().out
    assert "30 labeled, 1297 unlabeled" in printed
    assert "--batch-size 30: there are no more labeled images" in printed
    assert "there is no test set" in printed
    command[2] = str(tmp_path / "none.npz")
    command[-3] = str(tmp_path / "other")
    assert cli.main(command) == 1
    assert "none.npz" in capsys.readouterr().err


def test_files_are_classified_into_a_table(run, room, capsys):
    out = room / "tables" / "found.csv"
    command = ["predict", str(run), str(room / "unlabeled"), "--out", str(out)]
    assert cli.main([*command, *BACKEND]) == 0
    captured = capsys.readouterr()
    assert "left out" in captured.err
    assert "broken.jpg" in captured.err
    with open(out, encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(list((room / "unlabeled").glob("*.png")))
    assert {row["class"] for row in rows} == {"zero", "one"}
    assert all(0.5 <= float(row["confidence"]) <= 1 for row in rows)
    assert [path.name for path in out.parent.iterdir()] == ["found.csv"]
    assert cli.main([*command[:-1], "found.txt", *BACKEND]) == 1
    assert "must end in .csv or .parquet" in capsys.readouterr().err


def test_a_predictor_is_exported_as_plain_keras(run, room):
    out = room / "predictor.keras"
    command = ["export", str(run), "--out", str(out), *BACKEND]
    assert cli.main(command) == 0
    predictor = keras.saving.load_model(out)
    images, labels = keras_ssl.data.load("digits").test
    found = predictor.predict(images[labels < 2], verbose=0).argmax(-1)
    assert np.mean(found == 1 - labels[labels < 2]) > 0.8  # "one" comes first


def test_onnx_without_its_packages_names_them(run, capsys, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert cli.main(["export", str(run), "--out", "x.onnx"]) == 1
    assert "pip install" in capsys.readouterr().err
    assert "importlib" in sys.modules


def test_a_saved_model_comes_of_another_backend_than_torch(
    run, capsys, monkeypatch, tmp_path
):
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    out = tmp_path / "pets"
    command = ["export", str(run), "--out", str(out), *BACKEND]
    monkeypatch.setattr(cli, "choose_backend", lambda wanted: None)
    assert cli.main(command) == 1
    assert "add --backend tensorflow" in capsys.readouterr().err
    assert not out.exists()


def test_unlabeled_files_alone_are_not_enough(capsys):
    assert cli.main(["train", "--unlabeled", "somewhere", *BACKEND]) == 1
    assert "--unlabeled needs --labeled" in capsys.readouterr().err
