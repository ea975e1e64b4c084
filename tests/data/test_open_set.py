"""Open sets: some classes to learn, unlabeled images of others too."""

import numpy as np
import pytest

from keras_ssl.data import Split, from_arrays, load
from keras_ssl.data.open_set import restricted

LABELS = np.array([*[0, 1, 2, 3] * 6, -1, -1])
NAMES = ["ant", "bee", "cat", "dog"]


@pytest.fixture(scope="module")
def data():
    images = (np.arange(26 * 4) % 251).astype(np.uint8).reshape(26, 2, 2, 1)
    test = images[:8] + 1, np.array([3, 2, 1, 0, 3, 3, 1, 0])
    return from_arrays((images, LABELS), test, class_names=NAMES)


def test_restricted(data):
    few = restricted(data, ["dog", 1])
    assert few.classes == (3, 1)
    assert few.class_names == ("dog", "bee")
    assert few.num_classes == 2
    assert few.train[0] is data.train[0]
    assert few.train[1].dtype == few.test[1].dtype == np.int32
    assert few.train[1].tolist() == [*[-1, 1, -1, 0] * 6, -1, -1]
    assert few.test[1].tolist() == [0, 1, 0, 0, 1]
    np.testing.assert_array_equal(few.test[0], data.test[0][[0, 2, 4, 5, 6]])
    assert data.classes is None
    assert few.fingerprint != data.fingerprint


def test_restricted_twice(data):
    once = restricted(data, [3, 2, 0])
    assert restricted(once, ["ant", "dog"]).classes == (0, 3)
    np.testing.assert_array_equal(
        restricted(once, [2, 0]).train[1], restricted(data, [0, 3]).train[1]
    )


def test_without_test_images_of_the_kept_classes():
    images = np.zeros((4, 2, 2, 1), np.uint8)
    labels = np.array([0, 1, 0, 1])
    train = images, labels
    assert restricted(from_arrays(train), [1]).test is None
    zeros = from_arrays(train, (images[:1], labels[:1]))
    assert restricted(zeros, [1]).test is None


def test_all_images_unlabeled(data):
    """As for OpenMatch: outliers and images of unknown class included."""
    split = data.split(2, seed=4, validation_per_class=1, classes=[2, 0])
    assert LABELS[split.labeled].tolist() == [2, 2, 0, 0]
    assert LABELS[split.validation_indices].tolist() == [2, 0]
    assert split.validation[1].tolist() == [0, 1]
    assert split.test[1].tolist() == [0, 1, 1]
    assert len(split.unlabeled) == 26 - 2
    truth = split.labels_of_unlabeled
    assert np.bincount(truth + 1).tolist() == [14, 5, 5]
    assert split.labeled_counts.tolist() == [2, 2]
    assert (split.labels_per_class, split.seed) == (2, 4)
    # the labels are those of the closed set's draw
    closed = data.split(2, seed=4)
    assert set(split.labeled) <= set(closed.labeled)


@pytest.mark.parametrize(
    ("unlabeled", "outliers"),
    [([0, 1], 0), (["bee", 2], 0.5), ([3, "cat"], 1)],
)
def test_mismatched_classes(data, unlabeled, outliers):
    """As Oliver et al.: the same number of images at any mismatch."""
    split = data.split(2, classes=[0, 1], unlabeled_classes=unlabeled)
    numbers = {NAMES.index(c) if isinstance(c, str) else c for c in unlabeled}
    assert set(LABELS[split.unlabeled]) == numbers
    assert len(split.unlabeled) == 12
    assert (split.labels_of_unlabeled < 0).mean() == outliers


def test_unlabeled_classes_of_a_closed_set(data):
    split = data.split(1, unlabeled_classes=[3], validation_per_class=2)
    assert split.dataset is data
    assert len(split.labeled) == 4
    assert split.labels_of_unlabeled.tolist() == [3] * 4


@pytest.mark.parametrize("unlabeled", [None, [1, 3]])
def test_file(tmp_path, data, unlabeled):
    split = data.split(
        2, 7, 1, classes=["dog", "ant"], unlabeled_classes=unlabeled
    )
    path = tmp_path / "split.json"
    split.save(path)
    for given in (data, split.dataset):
        again = Split.load(path, given)
        for part in ("labeled", "unlabeled", "validation_indices"):
            np.testing.assert_array_equal(
                getattr(again, part), getattr(split, part)
            )
        assert again.dataset.classes == (3, 0)
        assert again.dataset.fingerprint == split.dataset.fingerprint
        assert again.test[1].tolist() == split.test[1].tolist()
    for other in (
        restricted(data, [0, 3]),
        restricted(data, [3]),
        from_arrays((data.train[0], LABELS.clip(max=1))),
        load("digits"),
    ):
        with pytest.raises(ValueError, match="made for another data set"):
            Split.load(path, other)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"classes": []}, "classes must be distinct .* at least one"),
        ({"classes": [1, "bee"]}, r"distinct .* received \[1, 'bee'\]"),
        (
            {"classes": [0, 4]},
            "classes must be numbers from 0 to 3 .* received 4",
        ),
        ({"classes": [-1]}, "received -1"),
        ({"classes": "owl"}, "names among ant, bee, cat, dog; received 'owl'"),
        ({"unlabeled_classes": []}, "unlabeled_classes must be distinct"),
        (
            {"classes": ["cat"], "labels_per_class": 7},
            r"class 0 \('cat'\) has 6 labels",
        ),
    ],
)
def test_wrong_classes(data, arguments, message):
    with pytest.raises(ValueError, match=message):
        data.split(**{"labels_per_class": 1, **arguments})
