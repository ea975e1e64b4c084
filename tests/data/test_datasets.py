"""Data sets by name and from arrays."""

import doctest
import importlib
import subprocess
import sys

import numpy as np
import pytest

import keras_ssl.data
from keras_ssl.data import Dataset, from_arrays, load, names


@pytest.fixture
def images():
    return (
        np.arange(6 * 8 * 8 * 3, dtype=np.uint32)
        .astype(np.uint8)
        .reshape(6, 8, 8, 3)
    )


@pytest.fixture
def labels():
    return np.array([0, 1, 0, 1, -1, -1], np.int32)


def test_importing_is_light():
    code = (
        "import sys, keras_ssl.data\n"
        "heavy = {'keras', 'tensorflow', 'tensorflow_datasets', 'jax',"
        " 'torch', 'sklearn', 'PIL'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "name",
    ["arrays", "dataset", "datasets", "draw", "open_set", "split"],
)
def test_examples_in_docstrings(name):
    module = importlib.import_module(f"keras_ssl.data.{name}")
    failed, attempted = doctest.testmod(module)
    assert attempted
    assert not failed


def test_digits():
    from sklearn.datasets import load_digits

    data = load("digits")
    assert repr(data) == (
        "<Dataset digits: 1297 train, 500 test, 8x8x1, 10 classes>"
    )
    images = np.concatenate([data.train[0], data.test[0]])[..., 0]
    labels = np.concatenate([data.train[1], data.test[1]])
    original = load_digits()
    assert np.abs(images / 255 * 16 - original.images).max() < 16 / 255
    assert (images.min(), images.max()) == (0, 255)
    np.testing.assert_array_equal(labels, original.target)
    assert (images.dtype, labels.dtype) == (np.uint8, np.int32)
    assert data.class_names == tuple("0123456789")
    assert not data.flip
    assert load("digits", flip=True).flip


def test_resizing():
    data = load("digits", image_size=(16, 12))
    assert data.image_shape == (16, 12, 1)
    means = load("digits").train[0].mean(), data.train[0].mean()
    assert abs(means[0] - means[1]) < 3


@pytest.mark.parametrize("size", [8, (8,), (8, 8, 1), (0, 8), (8.0, 8), "88"])
def test_wrong_image_size(size):
    with pytest.raises(ValueError, match=r"image_size must be \(height"):
        load("digits", image_size=size)


@pytest.mark.parametrize("name", ["", None, 3])
def test_wrong_name(name):
    with pytest.raises(ValueError, match="name must be a string"):
        load(name)


def test_names():
    assert names()[0] == "digits"
    assert "cifar10" in names()


def test_policies_follow_flip(images, labels):
    for flip in (True, False):
        data = from_arrays((images, labels), flip=flip)
        policies = keras_ssl.data.policies
        assert data.weak == policies.weak(flip=flip)
        assert data.strong == policies.strong(flip=flip)


def test_right_arrays_are_not_copied(images, labels):
    data = from_arrays((images, labels), (images[:4], labels[:4]))
    assert isinstance(data, Dataset)
    assert np.shares_memory(data.train[0], images)
    assert np.shares_memory(data.train[1], labels)
    assert np.shares_memory(data.test[0], images)
    assert data.num_classes == 2
    assert data.class_names == ("0", "1")
    assert repr(data) == ("<Dataset arrays: 6 train, 4 test, 8x8x3, 2 classes>")


def test_memory_map_stays_one(tmp_path, images, labels):
    np.save(tmp_path / "images.npy", images[..., 0])
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    data = from_arrays((mapped, labels))
    assert isinstance(data.train[0], np.memmap)
    assert data.image_shape == (8, 8, 1)


def test_labels_of_any_integer_type_and_column(images):
    labels = np.array([[0], [1], [2], [0], [1], [2]], np.uint64)
    data = from_arrays((images, labels))
    assert data.train[1].dtype == np.int32
    assert data.train[1].tolist() == [0, 1, 2, 0, 1, 2]


def test_unlabeled_images_join_the_training_set(images, labels):
    data = from_arrays((images, labels), unlabeled=images[:2])
    assert data.train[0].shape == (8, 8, 8, 3)
    assert data.train[1].tolist() == [0, 1, 0, 1, -1, -1, -1, -1]
    split = data.split(labels_per_class=1)
    assert split.labels_of_unlabeled.tolist() == data.train[1].tolist()


def test_strided_images_become_contiguous(images, labels):
    channels_first = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    data = from_arrays((channels_first.transpose(0, 2, 3, 1), labels))
    assert data.train[0].flags.c_contiguous
    np.testing.assert_array_equal(data.train[0], images)


def test_wrong_images(images, labels):
    with pytest.raises(ValueError, match=r"received float64.*\* 255"):
        from_arrays((images / 255, labels))
    with pytest.raises(ValueError, match=r"received \(6, 3, 8, 8\).*transpose"):
        from_arrays((images.transpose(0, 3, 1, 2), labels))
    with pytest.raises(ValueError, match="must have shape"):
        from_arrays((images[0, 0], labels))
    with pytest.raises(ValueError, match="train images are empty"):
        from_arrays((images[:0], labels[:0]))
    with pytest.raises(ValueError, match="unlabeled images are empty"):
        from_arrays((images, labels), unlabeled=images[:, :0])
    with pytest.raises(ValueError, match=r"\(8, 8, 3\); received \(8, 8, 1\)"):
        from_arrays((images, labels), (images[..., :1], labels))


def test_wrong_labels(images, labels):
    with pytest.raises(ValueError, match=r"must be a pair .*received ndarray"):
        from_arrays(images)
    with pytest.raises(ValueError, match=r"as in from_arrays\(\(im"):
        from_arrays(images, labels)
    with pytest.raises(ValueError, match="received float32.*astype"):
        from_arrays((images, labels.astype(np.float32)))
    with pytest.raises(ValueError, match="received float64.*nan=-1"):
        from_arrays((images, np.where(labels < 0, np.nan, labels)))
    with pytest.raises(ValueError, match="received bool.*astype"):
        from_arrays((images, labels > 0))
    with pytest.raises(ValueError, match="received <U3.*np.unique"):
        from_arrays((images, np.array(["cat", "dog"] * 3)))
    with pytest.raises(ValueError, match="received object.*instead of None"):
        from_arrays((images, [0, 1, 0, 1, None, None]))
    with pytest.raises(ValueError, match=r"received \(6, 2\).*argmax"):
        from_arrays((images, np.eye(2)[labels]))
    with pytest.raises(ValueError, match=r"received \(6, 2\).*argmax"):
        from_arrays((images, np.eye(2, dtype=int)[labels]))
    with pytest.raises(ValueError, match=r"\(6,\), one per image"):
        from_arrays((images, labels[:5]))
    with pytest.raises(ValueError, match="received -2 to 2. Pass num_cl"):
        from_arrays((images, labels * 2), num_classes=2)
    with pytest.raises(ValueError, match=r"-2 to 2. Mark .*\[labels < 0\] ="):
        from_arrays((images, labels * 2), num_classes=3)
    with pytest.raises(ValueError, match="from 0 to 0, or -1"):
        from_arrays((images, labels), num_classes=1)
    with pytest.raises(ValueError, match="test labels .* to 1; .* out of test"):
        from_arrays((images, labels), (images, labels))
    with pytest.raises(ValueError, match="all below 0"):
        from_arrays((images, np.full(6, -1)))


def test_class_names(images, labels):
    data = from_arrays((images, labels), class_names=["cat", "dog", "owl"])
    assert data.num_classes == 3
    assert data.class_names == ("cat", "dog", "owl")
    with pytest.raises(ValueError, match="expected 2 class_names; received 1"):
        from_arrays((images, labels), num_classes=2, class_names=["cat"])


def test_fingerprint_sees_images_labels_and_shape(images, labels):
    one = from_arrays((images, labels)).fingerprint
    assert one == from_arrays((images.copy(), labels), name="b").fingerprint
    others = [
        from_arrays((images[::-1], labels)),
        from_arrays((images, labels[::-1])),
        from_arrays((images.reshape(6, 4, 16, 3), labels)),
    ]
    assert len({one, *(other.fingerprint for other in others)}) == 4
