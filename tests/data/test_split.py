"""Splits: checked, saved whole, read again."""

import json
import sys
import types

import numpy as np
import pytest

import keras_ssl.data
from keras_ssl.data import Split, from_arrays, load


def made_of(labels, num_classes):
    labels = np.asarray(labels)
    images = (np.arange(len(labels) * 4) % 251).astype(np.uint8)
    return from_arrays(
        (images.reshape(-1, 2, 2, 1), labels), num_classes=num_classes
    )


def test_parts_of_a_split():
    data = load("digits")
    split = data.split(4, seed=0, validation_per_class=10)
    assert repr(split) == (
        "<Split digits: 40 labeled, 1197 unlabeled, 100 validation, seed 0>"
    )
    images, labels = split.validation
    assert images.shape == (100, 8, 8, 1)
    assert np.bincount(labels).tolist() == [10] * 10
    assert split.test is data.test
    assert split.labels_of_unlabeled.shape == (1197,)
    assert (split.labels_per_class, split.seed) == (4, 0)
    assert data.split(4).validation is None


def test_split_by_hand_is_checked():
    data = made_of([0, 1, -1], 2)
    split = Split(data, [1, 0], [0, 1, 2], [])
    assert split.labeled.dtype == np.int64
    with pytest.raises(ValueError, match="labeled must index 3 training"):
        Split(data, [3], [0], [])
    with pytest.raises(ValueError, match="unlabeled must index"):
        Split(data, [0], [-1], [])
    with pytest.raises(ValueError, match="labeled holds images whose label"):
        Split(data, [2], [0], [])


@pytest.mark.parametrize("pool", ["all", "chosen"])
def test_saving_and_loading(tmp_path, pool):
    data = load("digits")
    split = data.split(np.int64(3), seed=5, validation_per_class=2)
    if pool == "chosen":
        split = Split(data, split.labeled, [5, 3], [], 7, np.int32(3))
    path = tmp_path / "run" / "split.json"
    split.save(path)
    split.save(path)
    assert [file.name for file in path.parent.iterdir()] == ["split.json"]
    again = Split.load(path, data)
    for part in ("labeled", "unlabeled", "validation_indices"):
        np.testing.assert_array_equal(
            getattr(split, part), getattr(again, part)
        )
    assert (again.seed, again.labels_per_class) == (split.seed, 3)
    assert again.dataset is data


def test_loading_for_another_data_set(tmp_path):
    load("digits").split(1).save(tmp_path / "split.json")
    with pytest.raises(ValueError, match="another data set .* fingerprint"):
        Split.load(tmp_path / "split.json", made_of([0, 1], 2))


def test_damaged_file(tmp_path):
    data = load("digits")
    path = tmp_path / "split.json"
    data.split(2).save(path)
    whole = path.read_text()
    changed = json.loads(whole)
    changed["labeled"][0] += 1
    for damaged in (
        whole[:100],
        "",
        "[]",
        "{}",
        json.dumps(changed),
        b"\xff\xfe".decode("latin-1"),
    ):
        path.write_text(damaged, "latin-1")
        with pytest.raises(ValueError, match="is damaged, or not a split"):
            Split.load(path, data)
    with pytest.raises(FileNotFoundError):
        Split.load(tmp_path / "absent.json", data)
    with pytest.raises(ValueError, match=r"must end in \.json"):
        data.split(2).save(tmp_path / "split.npz")


def test_interrupted_save_keeps_the_old_file(tmp_path, monkeypatch):
    data = load("digits")
    path = tmp_path / "split.json"
    data.split(1, seed=1).save(path)

    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        data.split(1, seed=2).save(path)
    assert Split.load(path, data).seed == 1
    assert list(tmp_path.iterdir()) == [path]


def test_batches_take_their_ratio_from_the_model(monkeypatch):
    made = {}

    def batches(*arguments, **options):
        made.update(options, arguments=arguments)

    module = types.ModuleType("keras_ssl.data.batches")
    module.Batches = batches
    monkeypatch.setitem(sys.modules, module.__name__, module)
    model = types.SimpleNamespace(views={"labeled": ()}, unlabeled_ratio=7)
    split = keras_ssl.data.load("digits").split(1)
    split.batches(model, seed=3)
    assert made.pop("arguments") == (split, model.views)
    assert made == {
        "batch_size": 64,
        "unlabeled_ratio": 7,
        "seed": 3,
        "steps_per_epoch": 100,
        "threads": 0,
        "reveal_truth": False,
        "process": 0,
        "processes": 1,
        "unlabeled_sources": None,
        "source_ratio": None,
        "augmentation": None,
    }
    split.batches(model, unlabeled_ratio=0)
    assert made["unlabeled_ratio"] == 0
