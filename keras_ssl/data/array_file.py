"""Data sets from a NumPy file of arrays, `.npz`."""

import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from keras_ssl.data.arrays import from_arrays
from keras_ssl.data.dataset import Dataset

# what may be in the file -> as Keras' own files, such as mnist.npz, call it
KEYS = {
    "images": "x_train",
    "labels": "y_train",
    "test_images": "x_test",
    "test_labels": "y_test",
    "unlabeled": None,
    "class_names": None,
}


def from_npz(
    path: str | os.PathLike[str],
    *,
    flip: bool = True,
    name: str | None = None,
) -> Dataset:
    """Makes a data set of the arrays in a `.npz` file.

    The file holds `images`, uint8 `(N, H, W)` or `(N, H, W, C)`, and `labels`,
    integers `(N,)`, -1 where unknown; it may hold `test_images` and
    `test_labels`, `unlabeled` images and `class_names`. Those of Keras, such
    as `mnist.npz`, which say `x_train`, `y_train`, `x_test`, `y_test`, are read
    too.

    Args:
        path: the file, as `numpy.savez` or `numpy.savez_compressed` writes it.
        flip: Whether a mirrored image keeps its label. Default `True`.
        name: Name of the data set; by default the file's.

    Returns:
        A `Dataset`.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is damaged or no such file, or an array is missing or
            does not fit; see `from_arrays`.

    Example:

    >>> import keras_ssl, numpy as np, os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "own.npz")
    >>> images = np.zeros((5, 8, 8), np.uint8)
    >>> np.savez(path, images=images, labels=[0, 1, -1, -1, -1])
    >>> keras_ssl.data.from_npz(path)
    <Dataset own: 5 train, no test, 8x8x1, 2 classes>
    """
    found = _arrays(Path(path))
    train = found["images"], found["labels"]
    test = None
    if "test_images" in found:
        test = found["test_images"], found["test_labels"]
    names = found.get("class_names")
    return from_arrays(
        train,
        test,
        unlabeled=found.get("unlabeled"),
        class_names=None if names is None else [str(x) for x in names],
        name=name or Path(path).stem,
        flip=flip,
    )


def _arrays(path: Path) -> dict[str, Any]:
    """The arrays of a file under our names."""
    try:
        # NumPy leaves a file open that is none of its own
        with open(path, "rb") as raw, np.load(raw) as file:
            content = {name: file[name] for name in file.files}
    except (ValueError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{path} is damaged, or no .npz file of plain arrays: expected one "
            f"that numpy.savez has written. {error}"
        ) from None
    found = {
        ours: content[theirs if theirs in content else ours]
        for ours, theirs in KEYS.items()
        if ours in content or theirs in content
    }
    needed = {"images", "labels"}
    if {"test_images", "test_labels"} & set(found):
        needed |= {"test_images", "test_labels"}
    if needed - set(found):
        raise ValueError(
            f"expected the arrays {', '.join(sorted(needed))} in {path}; "
            f"received {', '.join(content) or 'none'}. It may also hold "
            "test_images with test_labels, unlabeled and class_names"
        )
    return found
