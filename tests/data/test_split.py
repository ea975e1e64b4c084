"""Splits: balanced, nested, the same everywhere, saved whole."""

import json
import sys
import types

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import keras_ssl.data
from keras_ssl.data import Split, from_arrays, load


def made_of(labels, num_classes):
    labels = np.asarray(labels)
    images = (np.arange(len(labels) * 4) % 251).astype(np.uint8)
    return from_arrays(
        (images.reshape(-1, 2, 2, 1), labels), num_classes=num_classes
    )


@some.composite
def data_and_request(draw):
    """A data set in which every class has enough labels for the request."""
    num_classes = draw(some.integers(1, 5))
    asked = draw(some.integers(1, 4))
    held_out = draw(some.integers(0, 3))
    extra = draw(some.lists(some.integers(-1, num_classes - 1), max_size=20))
    enough = list(range(num_classes)) * (asked + held_out)
    labels = draw(some.permutations(enough + extra))
    return made_of(labels, num_classes), asked, held_out


seeds = some.integers(-(2**70), 2**70)


@settings(deadline=None)
@given(data_and_request(), seeds)
def test_balanced_disjoint_and_complete(request_, seed):
    data, asked, held_out = request_
    split = data.split(asked, seed, held_out)
    labels = data.train[1]
    classes = np.arange(data.num_classes)
    assert labels[split.labeled].tolist() == np.repeat(classes, asked).tolist()
    assert (
        labels[split.validation_indices].tolist()
        == np.repeat(classes, held_out).tolist()
    )
    everyone = [*split.unlabeled, *split.validation_indices]
    assert sorted(everyone) == list(range(len(labels)))
    assert set(split.labeled) <= set(split.unlabeled)
    assert len(set(split.labeled)) == len(split.labeled)
    for indices in (split.labeled, split.unlabeled, split.validation_indices):
        assert indices.dtype == np.int64


@settings(deadline=None)
@given(data_and_request(), seeds)
def test_more_labels_contain_fewer(request_, seed):
    data, asked, held_out = request_
    more = data.split(asked, seed, held_out)
    for fewer_asked in range(1, asked):
        fewer = data.split(fewer_asked, seed, held_out)
        assert set(fewer.labeled) <= set(more.labeled)
        np.testing.assert_array_equal(
            fewer.validation_indices, more.validation_indices
        )


@settings(deadline=None)
@given(data_and_request(), seeds)
def test_drawing_again_gives_the_same(request_, seed):
    data, asked, held_out = request_
    once, again = (data.split(asked, seed, held_out) for _ in range(2))
    for part in ("labeled", "unlabeled", "validation_indices"):
        np.testing.assert_array_equal(getattr(once, part), getattr(again, part))


def test_recorded_draw():
    """No release may change these: published results depend on them."""
    data = load("digits")
    assert data.split(2, seed=0).labeled.tolist() == [
        *(974, 1029, 1107, 753, 306, 463, 477, 192, 87, 1023),
        *(46, 808, 392, 282, 1265, 948, 404, 923, 942, 1119),
    ]
    assert data.split(1, seed=1).labeled.tolist() == [
        *(812, 947, 917, 691, 1091, 661, 989, 819, 1149, 1262)
    ]
    held_out = data.split(1, seed=0, validation_per_class=1)
    assert held_out.validation_indices.tolist() == [
        *(396, 856, 1179, 60, 225, 391, 750, 182, 352, 975)
    ]


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


def test_requests_that_cannot_be_met():
    data = made_of([0, 0, 0, 1, -1], 3)
    with pytest.raises(ValueError, match=r"class 1 \('1'\) has 1 labels"):
        data.split(2)
    with pytest.raises(ValueError, match=r"class 2 \('2'\) has 0 labels"):
        data.split(1)
    with pytest.raises(ValueError, match="validation_per_class=3, which need"):
        data.split(1, validation_per_class=3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"labels_per_class": 0}, "labels_per_class must .* at least 1"),
        ({"labels_per_class": 1.5}, "received 1.5"),
        (
            {"labels_per_class": 1, "validation_per_class": -1},
            "validation_per_class must .* at least 0",
        ),
        ({"labels_per_class": 1, "seed": "a"}, "seed must be an integer;"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        load("digits").split(**arguments)


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
    }
    split.batches(model, unlabeled_ratio=0)
    assert made["unlabeled_ratio"] == 0
