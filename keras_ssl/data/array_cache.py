"""Decoded data sets on disk, as `.npy` files that later runs memory-map.

Reading a prepared TFDS data set means importing TensorFlow and decoding every
image. Both are done once; from then on a data set is a folder of arrays:

    <data_dir>/keras_ssl/<name>-<version>[-<height>x<width>]/
        about.json                            class names, version
        train_images.npy  train_labels.npy    uint8 (N, H, W, C), int32 (N,)
        test_images.npy   test_labels.npy     absent without a test set

A folder is written under a temporary name and renamed when it is complete, so
a folder that exists is whole, also after an interrupted run.
"""

import contextlib
import json
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_ssl.data.dataset import Pair

UNFINISHED = ".building-"


def folder_of(
    data_dir: str | os.PathLike[str],
    name: str,
    version: object,
    image_size: tuple[int, int] | None = None,
) -> Path:
    """Returns the folder in which one version of a data set is cached.

    Args:
        data_dir: Folder of the prepared data sets.
        name: TFDS name, `"mnist"` or `"emnist/letters"`.
        version: Version string, `"3.0.1"`.
        image_size: `None`, or the `(height, width)` resized to.

    Returns:
        A `pathlib.Path`; the folder need not exist.
    """
    stem, size = _stem_and_size(name, image_size)
    return Path(data_dir) / "keras_ssl" / f"{stem}-{version}{size}"


def _stem_and_size(
    name: str, image_size: tuple[int, int] | None
) -> tuple[str, str]:
    size = "" if image_size is None else "-{}x{}".format(*image_size)
    return name.replace("/", "-"), size


def find(
    data_dir: str | os.PathLike[str],
    name: str,
    version: str | None = None,
    image_size: tuple[int, int] | None = None,
) -> Path | None:
    """Returns the newest cached folder of a data set, or `None`.

    Args:
        data_dir: Folder of the prepared data sets.
        name: TFDS name, with its configuration if it has one.
        version: Exact version wanted; by default the newest one cached.
        image_size: `None`, or the `(height, width)` resized to.

    Returns:
        A `pathlib.Path`, or `None` when nothing fits.
    """
    stem, size = map(re.escape, _stem_and_size(name, image_size))
    pattern = rf"{stem}-(\d+(?:\.\d+)*){size}"
    found = {}
    for folder in (Path(data_dir) / "keras_ssl").glob("*"):
        match = re.fullmatch(pattern, folder.name)
        if match and version in (None, match[1]):
            found[tuple(map(int, match[1].split(".")))] = folder
    return found[max(found)] if found else None


def read(
    folder: str | os.PathLike[str], memory_map: bool = True
) -> tuple[Pair, Pair | None, dict[str, Any]]:
    """Reads a cached data set.

    Args:
        folder: A folder that `building` has made.
        memory_map: Whether images stay on disk until they are used (the
            default) or are read into memory.

    Returns:
        `(train, test, about)`: pairs of images, uint8 `(N, H, W, C)`, and
        labels, int32 `(N,)`; `test` may be `None`; `about` is a dict.

    Raises:
        ValueError: If the folder is damaged.
    """

    def pair(part: str) -> Pair:
        images = np.load(
            room / f"{part}_images.npy",
            mmap_mode="r" if memory_map else None,
        )
        labels = np.load(room / f"{part}_labels.npy")
        if len(images) != len(labels):
            raise ValueError(f"{len(images)} images, {len(labels)} labels")
        return images, labels

    room = Path(folder)
    try:
        about = json.loads((room / "about.json").read_text("utf-8"))
        test = pair("test") if about["has_test"] else None
        return pair("train"), test, about
    except (OSError, EOFError, ValueError, KeyError) as error:
        raise ValueError(f"{room} is damaged: {error}") from error


def write_images(
    path: str | os.PathLike[str],
    images: Iterable[NDArray[np.uint8]],
    count: int,
) -> None:
    """Writes images one after another into a `.npy` file.

    Only one image at a time is held in memory.

    Args:
        path: File to write.
        images: Iterable of uint8 arrays of one shape `(H, W, C)`.
        count: How many there are, at least one.

    Raises:
        ValueError: For images of several shapes, or another number of them.
    """
    shape, written = None, 0
    with open(path, "wb") as file:
        for image in images:
            if shape is None:
                shape = image.shape
                header = {
                    "descr": "|u1",
                    "fortran_order": False,
                    "shape": (count, *shape),
                }
                np.lib.format.write_array_header_1_0(file, header)
            if image.shape != shape:
                raise ValueError(
                    f"images have several sizes, {shape} and {image.shape}; "
                    "pass image_size=(height, width) to resize them"
                )
            file.write(np.ascontiguousarray(image).data)
            written += 1
    if written != count:
        raise ValueError(f"expected {count} images; received {written}")


@contextlib.contextmanager
def building(folder: str | os.PathLike[str]) -> Iterator[Path]:
    """Makes a cached folder whole or not at all.

    Use it as `with building(folder) as room:` and write the files into
    `room`. When the block ends without an error, `room` is renamed to
    `folder`. Where `folder` cannot be made, as on a read-only disk, `room` is
    in the system's temporary folder and is removed when the block ends.

    Args:
        folder: The final folder. If another process has made it meanwhile,
            that one stays.

    Yields:
        The folder to write into.
    """
    folder = Path(folder)
    room = folder.parent / f"{UNFINISHED}{folder.name}-{uuid.uuid4().hex[:8]}"
    try:
        room.mkdir(parents=True)
    except OSError:
        with tempfile.TemporaryDirectory() as elsewhere:
            yield Path(elsewhere)
        return
    try:
        yield room
        try:
            room.rename(folder)
        except OSError:
            if not folder.exists():
                raise
    finally:
        shutil.rmtree(room, ignore_errors=True)


def remove_unfinished(data_dir: str | os.PathLike[str]) -> None:
    """Removes what interrupted runs have left in the cache.

    Args:
        data_dir: Folder of the prepared data sets. No other process may be
            building there.
    """
    for room in (Path(data_dir) / "keras_ssl").glob(f"{UNFINISHED}*"):
        shutil.rmtree(room, ignore_errors=True)
