"""Data sets of TFDS: decoded once, cached whole, read without TFDS."""

import subprocess
import sys
import types

import numpy as np
import pytest

import keras_ssl.data
from keras_ssl.data import array_cache, tfds_reader

SIGNS = {"mnist", "kmnist", "emnist", "svhn_cropped"}


def load(configuration, data_dir, **options):
    return keras_ssl.data.load(
        f"tiny_images/{configuration}", data_dir=data_dir, **options
    )


def test_images_labels_and_names_are_those_of_tfds(tfds, tmp_path):
    data = load("gray", tmp_path)
    images, labels = data.train
    assert isinstance(images, np.memmap)
    assert (images.dtype, labels.dtype) == (np.uint8, np.int32)
    assert images.shape == (6, 4, 5, 1)
    assert data.class_names == ("square", "round")
    assert data.flip
    assert data.test[0].shape == (3, 4, 5, 1)
    numbers = (images[:, 0, 0, 0] - len("train")) // 10
    assert sorted(numbers) == list(range(6))
    np.testing.assert_array_equal(labels, numbers % 2)
    expected = tfds.load(
        "tiny_images/gray", split="train", data_dir=tmp_path, as_supervised=True
    )
    for (image, label), row in zip(
        tfds.as_numpy(expected), range(6), strict=True
    ):
        np.testing.assert_array_equal(images[row], image)
        assert labels[row] == label


def test_second_load_needs_neither_tfds_nor_tensorflow(tfds, tmp_path):
    first = load("gray", tmp_path)
    code = (
        "import sys, keras_ssl.data as data\n"
        "loaded = data.load('tiny_images/gray', data_dir=sys.argv[1])\n"
        "heavy = {'tensorflow', 'tensorflow_datasets', 'keras', 'PIL',"
        " 'sklearn'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "print(loaded.fingerprint)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.strip() == first.fingerprint


def test_validation_serves_as_test_set(tfds, tmp_path):
    assert len(load("validated", tmp_path).test[1]) == 2
    withheld = load("withheld", tmp_path)
    np.testing.assert_array_equal(np.sort(withheld.test[1]), [0, 0, 1])


def test_unlabeled_split_joins_the_training_set(tfds, tmp_path):
    data = load("pool", tmp_path)
    assert data.test is None
    assert data.train[0].shape == (9, 4, 5, 1)
    assert (data.train[1][4:] == -1).all()
    split = data.split(labels_per_class=1)
    assert len(split.unlabeled) == 9


def test_images_of_several_sizes(tfds, tmp_path):
    with pytest.raises(ValueError, match=r"image_size=\(height, width\)"):
        load("sizes", tmp_path)
    assert not list((tmp_path / "keras_ssl").glob("*"))
    data = load("sizes", tmp_path, image_size=(8, 6))
    assert data.image_shape == (8, 6, 3)
    assert (tmp_path / "keras_ssl/tiny_images-sizes-1.2.3-8x6").is_dir()


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ("deep", "expected uint8 images"),
        ("scenes", "not an image classification data set"),
        ("nothing_to_train", "no split named 'train'"),
        ("unheard_of", "cannot load 'tiny_images/unheard_of'"),
    ],
)
def test_data_sets_that_do_not_fit(tfds, tmp_path, configuration, message):
    with pytest.raises(ValueError, match=message):
        load(configuration, tmp_path)


def test_exact_version(tfds, tmp_path):
    data = load("gray:1.2.3", tmp_path)
    assert data.fingerprint == load("gray", tmp_path).fingerprint
    with pytest.raises(ValueError, match="cannot load"):
        load("gray:9.9.9", tmp_path)


def test_damaged_cache_is_made_anew(tfds, tmp_path):
    expected = load("gray", tmp_path).fingerprint
    path = tmp_path / "keras_ssl/tiny_images-gray-1.2.3/train_images.npy"
    path.write_bytes(path.read_bytes()[:-1])
    assert load("gray", tmp_path).fingerprint == expected


def test_cache_that_cannot_be_written(tfds, tmp_path):
    expected = load("gray", tmp_path / "writable")
    (tmp_path / "keras_ssl").write_text("in the way")
    data = load("gray", tmp_path)
    assert not isinstance(data.train[0], np.memmap)
    assert data.fingerprint == expected.fingerprint


def test_unknown_name_lists_the_closest(tfds, tmp_path):
    with pytest.raises(ValueError, match="'cifar_10'; .* 'cifar10'"):
        keras_ssl.data.load("cifar_10", data_dir=tmp_path)
    with pytest.raises(ValueError, match="closest names: 'digits'"):
        keras_ssl.data.load("digit", data_dir=tmp_path)


def test_tfds_missing(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    with pytest.raises(ImportError, match=r"pip install keras_ssl\[tfds\]"):
        keras_ssl.data.load("mnist", data_dir=tmp_path)


def test_no_network(tfds, monkeypatch, tmp_path):
    def unreachable(self):
        raise ConnectionError("Could not resolve host\nmany lines follow")

    monkeypatch.setattr(
        tfds.core.DatasetBuilder, "download_and_prepare", unreachable
    )
    with pytest.raises(OSError, match="host\\). Connect") as caught:
        keras_ssl.data.load("mnist", data_dir=tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", keras_ssl.data.names()[1:])
# Raised inside TFDS' own mock.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_names_are_image_classification_data_sets(
    tfds, monkeypatch, tmp_path, name
):
    split = types.SimpleNamespace(num_examples=3, num_bytes=0)
    monkeypatch.setattr(
        tfds.core.DatasetInfo,
        "splits",
        property(lambda self: {"train": split, "test": split}),
    )
    with tfds.testing.mock_data(num_examples=3):
        data = keras_ssl.data.load(name, data_dir=tmp_path)
    assert len(data.train[0]) == len(data.test[0]) == 3
    assert data.flip == (name not in SIGNS)


@pytest.mark.parametrize(
    ("name", "shape", "mean", "class_counts"),
    [
        (
            "mnist",
            (28, 28, 1),
            [0.1307],
            [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
        ),
        ("cifar10", (32, 32, 3), [0.4914, 0.4822, 0.4465], [5000] * 10),
    ],
)
def test_real_data(prepared_data_dir, name, shape, mean, class_counts):
    if not array_cache.find(prepared_data_dir, name):
        pytest.skip(f"{name} is not prepared in KERAS_SSL_DATA")
    data = keras_ssl.data.load(name)
    images, labels = data.train
    assert data.image_shape == shape
    assert len(data.test[1]) == 10_000
    assert np.bincount(labels).tolist() == class_counts
    np.testing.assert_allclose(
        images.mean(axis=(0, 1, 2)) / 255, mean, atol=5e-5
    )


def test_default_data_dir(monkeypatch, tmp_path):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    monkeypatch.setenv("KERAS_SSL_DATA", str(tmp_path / "ours"))
    assert tfds_reader.default_data_dir() == tmp_path / "ours"
    monkeypatch.delenv("KERAS_SSL_DATA")
    assert tfds_reader.default_data_dir() == tmp_path / "tfds"
