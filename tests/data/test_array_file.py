"""Data sets from .npz files."""

import numpy as np
import pytest

from keras_ssl.data import from_npz

IMAGES = np.arange(4 * 6 * 5, dtype=np.uint8).reshape(4, 6, 5)


def saved(tmp_path, **arrays):
    path = tmp_path / "own images.npz"
    np.savez(path, **arrays)
    return path


def test_labels_images_test_set_and_names(tmp_path):
    path = saved(
        tmp_path,
        images=IMAGES,
        labels=[0, 1, -1, -1],
        test_images=IMAGES[:2],
        test_labels=[1, 0],
        unlabeled=IMAGES[:1],
        class_names=["cat", "dog"],
    )
    data = from_npz(path, flip=False)
    assert data.name == "own images"
    assert not data.flip
    assert data.class_names == ("cat", "dog")
    images, labels = data.train
    np.testing.assert_array_equal(images[:4, ..., 0], IMAGES)
    assert labels.tolist() == [0, 1, -1, -1, -1]
    assert data.test[1].tolist() == [1, 0]
    assert len(data.split_given().labeled) == 2


def test_files_of_keras_are_read(tmp_path):
    path = saved(
        tmp_path, x_train=IMAGES, y_train=[0, 1, 0, 1],
        x_test=IMAGES, y_test=[1, 0, 1, 0],
    )  # fmt: skip
    data = from_npz(path, name="mnist")
    assert data.name == "mnist"
    assert data.test[1].tolist() == [1, 0, 1, 0]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": IMAGES}, "expected the arrays images, labels"),
        ({"images": IMAGES, "labels": [0, 1, 0, 1], "test_images": IMAGES},
         "expected the arrays images, labels, test_images, test_labels"),
        ({"images": IMAGES / 255, "labels": [0, 1, 0, 1]}, "must be uint8"),
        ({"images": IMAGES, "labels": [0, 1, 0, -2]}, "or -1 where unknown"),
        ({"images": IMAGES, "labels": np.array([0, 1, 2, None])},
         "is damaged, or no .npz file of plain arrays"),
    ],
)  # fmt: skip
def test_arrays_that_do_not_fit(tmp_path, arrays, message):
    with pytest.raises(ValueError, match=message):
        from_npz(saved(tmp_path, **arrays))


def test_files_that_are_none(tmp_path):
    with pytest.raises(FileNotFoundError):
        from_npz(tmp_path / "none.npz")
    for content in (b"", b"rubbish", b"PK\x03\x04 torn"):
        (tmp_path / "x.npz").write_bytes(content)
        with pytest.raises(ValueError, match="is damaged, or no .npz file"):
            from_npz(tmp_path / "x.npz")
    np.save(tmp_path / "x.npy", IMAGES)
    (tmp_path / "x.npy").rename(tmp_path / "x.npz")
    with pytest.raises(ValueError, match="is damaged, or no .npz file"):
        from_npz(tmp_path / "x.npz")
