"""`keras-ssl label`: asks, takes back, and training goes on."""

import csv
import json
import shutil
import signal

import keras
import numpy as np
import pytest
from keras import ops
from PIL import Image

import keras_ssl
from keras_ssl import cli, run_labels

BACKEND = ["--backend", keras.backend.backend()]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of 2 epochs, and its table of 6 images filled in."""
    out = tmp_path_factory.mktemp("label") / "run"
    command = ["train", "--method", "fixmatch", "--network", "mlp",
               "--labels-per-class", "2", "--batch-size", "4",
               "--unlabeled-ratio", "2", "--epochs", "2",
               "--steps-per-epoch", "5", "--out", str(out)]  # fmt: skip
    assert cli.main([*command, *BACKEND]) == 0
    assert cli.main(["label", str(out), "--count", "6", *BACKEND]) == 0
    return out


@pytest.fixture
def run(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "run")


def rows_of(run, number=1):
    with open(run / f"label_{number}.csv", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write(run, rows, number=1, **options):
    path = run / f"label_{number}.csv"
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), **options)
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


def filled(run, number=1, **options):
    """The table with the true class of all images but the last."""
    data, rows = keras_ssl.data.load("digits"), rows_of(run, number)
    for row in rows[:-1]:
        row["label"] = data.class_names[data.train[1][int(row["index"])]]
    return write(run, rows, number, **options)


def take(run, table, *more):
    return cli.main(["label", str(run), "--from", table, *more, *BACKEND])


def resume(run):
    return cli.main(["train", "--resume", "--out", str(run), *BACKEND])


def weights(run):
    model = keras_ssl.RunFolder(run).load_model()
    return [
        ops.convert_to_numpy(variable).tobytes()
        for variable in (*model.variables, *model.optimizer.variables)
    ]


def test_a_run_asks_for_images_that_have_no_label(run):
    rows = rows_of(run)
    split = keras_ssl.data.load("digits").split(labels_per_class=2, seed=0)
    indices = [int(row["index"]) for row in rows]
    assert len(set(indices)) == 6
    assert not set(indices) & set(split.labeled.tolist())
    assert [row["number"] for row in rows] == list("123456")
    assert {row["label"] for row in rows} == {""}
    assert all(0 < float(row["uncertainty"]) <= 1 for row in rows)
    with Image.open(run / "label_1.png") as sheet:
        assert sheet.size[0] > 6 * 100


@pytest.mark.once
def test_a_table_is_not_overwritten_unless_asked_for(run, capsys):
    command = ["label", str(run), "--count", "3", *BACKEND]
    assert cli.main(command) == 1
    assert "label_1.csv exists already" in capsys.readouterr().err
    assert cli.main([*command, "--overwrite"]) == 0
    assert len(rows_of(run)) == 3


def test_training_goes_on_exactly_from_the_checkpoint(
    run, tmp_path, monkeypatch, capsys
):
    before = weights(run)
    assert take(run, filled(run), "--epochs", "2") == 0
    assert "5 labels added" in capsys.readouterr().out
    assert weights(run) == before
    # once at a stretch, and once stopped in the middle of an epoch
    cut = shutil.copytree(run, tmp_path / "cut")
    assert resume(run) == 0
    assert "25 labeled, 1297 unlabeled" in capsys.readouterr().out
    whole = keras_ssl.RunFolder.on_train_batch_end

    def stopped(self, batch, logs=None):
        is_that = self.model.steps_taken() == 13
        self.ending.signal = signal.SIGINT if is_that else 0
        whole(self, batch, logs)

    with monkeypatch.context() as patch:
        patch.setattr(keras_ssl.RunFolder, "on_train_batch_end", stopped)
        assert resume(cut) == 130
    assert keras_ssl.RunFolder(cut).load_model().steps_taken() == 13
    assert resume(cut) == 0
    assert weights(run) == weights(cut) != before
    history = keras_ssl.RunFolder(cut).history()
    assert [entry["step"] for entry in history] == [5, 10, 15, 20]
    assert json.loads((run / "config.json").read_text())["epochs"] == 2


@pytest.mark.once
def test_labels_change_what_is_learned_and_rounds_add_up(run, tmp_path):
    plain = shutil.copytree(run, tmp_path / "plain")
    assert take(run, filled(run)) == 0
    (other,) = json.loads((run / "labels.json").read_text())["rounds"]
    assert other["step"] == 10
    assert other["epochs"] == 4  # as many again
    folder = keras_ssl.RunFolder(plain)
    wrong = {int(i): "0" for i in other["labels"]}
    run_labels.add(folder, wrong, 10, 4)
    assert resume(run) == resume(plain) == 0
    assert weights(run) != weights(plain)
    # the second round does not ask for the first one's images
    assert cli.main(["label", str(run), "--count", "9", *BACKEND]) == 0
    asked = {row["index"] for row in rows_of(run, 2)}
    assert not asked & set(other["labels"])
    assert take(run, filled(run, 2), "--epochs", "1") == 0
    assert resume(run) == 0
    result = json.loads((run / "result.json").read_text())
    assert result["steps"] == 25
    assert cli.main(["evaluate", str(run), *BACKEND]) == 0


@pytest.mark.once
@pytest.mark.parametrize("separator", [";", "\t"])
def test_tables_of_other_programs_are_read(run, separator):
    table = filled(run, delimiter=separator)
    with open(table, encoding="utf-8") as file:
        text = file.read()
    with open(table, "w", encoding="utf-8-sig") as file:
        file.write(text)
    assert take(run, table) == 0
    assert len(run_labels.rounds(keras_ssl.RunFolder(run))[0]["labels"]) == 5


def spoiled(column, value, place=1):
    def spoil(rows):
        rows[place][column] = value

    return spoil


def twice(rows):
    rows[1] = dict(rows[0])


def of_labeled(rows):
    split = keras_ssl.data.load("digits").split(labels_per_class=2, seed=0)
    index = int(split.labeled[0])
    from keras_ssl.label_table import mark

    pixels = mark(split.dataset.train[0][index])
    rows[1].update(index=str(index), pixels=pixels)


def unfilled(rows):
    for row in rows:
        row["label"] = " "


def without_labels(rows):
    for row in rows:
        del row["label"]


@pytest.mark.once
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (spoiled("label", "l"), "line 3: unknown class 'l'. There are: 0, 1"),
        (spoiled("index", "12.0"), "line 3: index '12.0' is no number of"),
        (spoiled("index", "99999"), "'99999' is no number of a training"),
        (spoiled("pixels", "p0"), "has other pixels; the table is of another"),
        (twice, "is there twice"),
        (of_labeled, "has a label already"),
        (unfilled, "has no label: write names of classes"),
        (without_labels, "expected the columns label, index, pixels"),
    ],
)
def test_a_table_with_a_mistake_adds_nothing(run, capsys, spoil, message):
    filled(run)
    rows = rows_of(run)
    spoil(rows)
    assert take(run, write(run, rows)) == 1
    assert message in capsys.readouterr().err
    assert not (run / "labels.json").exists()


@pytest.mark.once
def test_a_table_is_taken_back_once(run, capsys):
    table = filled(run)
    assert take(run, table) == 0
    assert take(run, table) == 1
    assert "has a label already" in capsys.readouterr().err
    assert len(run_labels.rounds(keras_ssl.RunFolder(run))) == 1


@pytest.mark.once
def test_what_label_needs(run, tmp_path, capsys):
    assert cli.main(["label", str(tmp_path), *BACKEND]) == 1
    assert "is no run folder" in capsys.readouterr().err
    assert cli.main(["label", str(run), "--epochs", "3", *BACKEND]) == 1
    assert "--epochs goes with --from" in capsys.readouterr().err
    assert take(run, str(run / "none.csv")) == 1
    assert "none.csv" in capsys.readouterr().err
    latin = run / "latin.csv"
    latin.write_bytes("label,index,pixels\nété,1,p\n".encode("latin-1"))
    assert take(run, str(latin)) == 1
    assert "save it as CSV UTF-8" in capsys.readouterr().err
    assert np.isfinite(keras_ssl.RunFolder(run).history()[0]["loss"])


@pytest.mark.once
def test_a_training_does_not_go_back_to_an_earlier_stage(
    run, monkeypatch, capsys
):
    table = filled(run)
    monkeypatch.setattr(
        keras_ssl.methods.FixMatch,
        "stages",
        lambda self: {"pretraining": 0.5, "training": 1.0},
    )
    assert take(run, table, "--epochs", "4") == 1
    assert "stage 'pretraining', the first 50 % " in capsys.readouterr().err
    assert not (run / "labels.json").exists()
    assert take(run, table, "--epochs", "2") == 0
