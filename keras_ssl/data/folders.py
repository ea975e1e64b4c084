"""Data sets from one's own image files: folders, or a table of paths."""

import dataclasses
import os
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_ssl.data import image_cache, image_files, path_table
from keras_ssl.data.arrays import from_arrays
from keras_ssl.data.dataset import Dataset, Pair
from keras_ssl.data.image_size import checked_image_size
from keras_ssl.data.path_table import File

PathLike = str | os.PathLike[str]


def from_folder(
    labeled: PathLike,
    unlabeled: PathLike | None = None,
    test: PathLike | None = None,
    *,
    image_size: tuple[int, int] | int | None = None,
    channels: int | None = None,
    flip: bool = True,
    name: str | None = None,
    cache: PathLike | None = None,
    show_progress: bool | None = None,
) -> Dataset:
    """Makes a data set of image files.

    Files are decoded once, in parallel, and kept as a memory map; a call that
    was interrupted goes on where it stopped. Files that cannot be read are left
    out, with one warning that lists them.

    Args:
        labeled: a folder with a folder for each class, `labeled/cat/1.jpg`; or
            a `.csv` or `.parquet` file with the columns `path` and `label`,
            where an empty label is an unknown one and paths count from the
            file's folder.
        unlabeled: a folder of images, however nested, or a `.csv` or
            `.parquet` file with the column `path`. `None`: there are no others.
        test: as `labeled`, of the same classes; all labels known. `None`:
            there is no test set.
        image_size: `(height, width)`, or the side of a square. By default the
            size that all images have, up to 64 pixels; else a square with the
            median of the shorter sides, up to 64.
        channels: 1 or 3. By default 1 if all images are gray.
        flip: Whether a mirrored image keeps its label. Default `True`.
        name: Name of the data set; by default the folder's.
        cache: Folder for the decoded images. By default
            `$KERAS_SSL_DATA/keras_ssl/folders`, else in `~/.cache/keras_ssl`.
        show_progress: Whether to count the images on the standard error
            stream. By default on a terminal.

    Returns:
        A `Dataset`; `split_given()` takes its labels as they are.

    Raises:
        ImportError: If a `.parquet` file needs a package that is missing.
        OSError: If a folder or table cannot be read.
        ValueError: If there are no images or not two classes, or the test set
            has others.

    Example:

    >>> import keras_ssl, numpy as np, os, tempfile
    >>> from PIL import Image
    >>> room = tempfile.mkdtemp()
    >>> for name, gray in (("labeled/day/1", 250), ("labeled/night/1", 9),
    ...                    ("unlabeled/2", 240), ("unlabeled/3", 20)):
    ...     path = os.path.join(room, name + ".png")
    ...     os.makedirs(os.path.dirname(path), exist_ok=True)
    ...     Image.fromarray(np.full((8, 8), gray, np.uint8)).save(path)
    >>> data = keras_ssl.data.from_folder(
    ...     os.path.join(room, "labeled"), os.path.join(room, "unlabeled"),
    ...     cache=os.path.join(room, "cache"), name="sky",
    ... )
    >>> data
    <Dataset sky: 4 train, no test, 8x8x1, 2 classes>
    >>> data.class_names, data.split_given()
    (('day', 'night'), <Split sky: 2 labeled, 4 unlabeled, seed 0>)
    """
    files = _labeled_files(Path(labeled))
    names = sorted({label for _, label in files if label is not None})
    if len(names) < 2:
        raise ValueError(
            f"expected labeled images of at least two classes in {labeled}, a "
            f"folder of images for each; received {names or 'none'}"
        )
    if unlabeled is not None:
        files += [(path, None) for path in _files(Path(unlabeled))]
    if isinstance(image_size, int):
        image_size = image_size, image_size
    size = checked_image_size(image_size)
    if size is None or channels is None:
        usual, usual_channels = image_files.usual_shape([f for f, _ in files])
        size, channels = size or usual, channels or usual_channels
    if channels not in (1, 3):
        raise ValueError(f"channels must be 1 or 3; received {channels}")

    reading = size, channels, cache, show_progress
    tested = None
    if test is not None:
        tested, _ = _decoded(_files_of(names, test), names, *reading)
    train, paths = _decoded(files, names, *reading)
    data = from_arrays(
        train,
        tested,
        class_names=names,
        name=name or Path(labeled).resolve().stem,
        flip=flip,
    )
    return dataclasses.replace(data, files=paths)


def labeled_images(
    place: PathLike,
    class_names: Sequence[str],
    size: tuple[int, int],
    channels: int,
    cache: PathLike | None = None,
    show_progress: bool | None = None,
) -> Pair:
    """Images and labels of known classes, such as a test set.

    Args:
        place: as `labeled` of `from_folder`; all labels known.
        class_names: the classes, of which some may have no image.
        size: `(height, width)`.
        channels: 1 or 3.
        cache: see `from_folder`.
        show_progress: see `from_folder`.

    Returns:
        uint8 `(images, height, width, channels)`; int32 `(images,)`.

    Raises:
        OSError: If it cannot be read.
        ValueError: If it has other classes.
    """
    files = _files_of(class_names, place)
    pair, _ = _decoded(files, class_names, size, channels, cache, show_progress)
    return pair


def _files_of(class_names: Sequence[str], place: PathLike) -> list[File]:
    """Labeled files, of these classes alone."""
    files = _labeled_files(Path(place))
    if others := {label for _, label in files} - set(class_names):
        received = sorted(label or "files without a label" for label in others)
        raise ValueError(
            f"expected the classes {', '.join(class_names)} in {place}; "
            f"received {', '.join(received)} too"
        )
    return files


def _decoded(
    files: Sequence[File],
    class_names: Sequence[str],
    size: tuple[int, int],
    channels: int,
    cache: PathLike | None,
    show_progress: bool | None,
) -> tuple[Pair, tuple[str, ...]]:
    """Images and labels, -1 for an unknown one, and the files they are of."""
    images, kept, skipped = image_cache.images_of(
        [path for path, _ in files], size, channels, cache, show_progress
    )
    _warn(skipped, len(files))
    numbers: dict[str | None, int] = {}
    numbers.update({label: place for place, label in enumerate(class_names)})
    labels = [numbers.get(files[place][1], -1) for place in kept]
    paths = tuple(files[place][0] for place in kept)
    return (images, np.array(labels, np.int32)), paths


def files_in(place: PathLike) -> list[str]:
    """The image files in a folder, however nested, or in a table, sorted.

    Args:
        place: a folder, or a `.csv` or `.parquet` file with the column `path`.

    Returns:
        Paths.

    Raises:
        OSError: If it cannot be read.
        ValueError: If there is none.
    """
    return _files(Path(place))


def _files(place: Path) -> list[str]:
    if path_table.is_table(place):
        return [path for path, _ in path_table.read(place, ("path",))]
    return [path for path, _ in _walk(place)]


def _labeled_files(place: Path) -> list[File]:
    if path_table.is_table(place):
        return path_table.read(place, ("path", "label"))
    return [
        (path, parts[0]) for path, parts in _walk(place) if len(parts) > 1
    ] or _no_classes(place)


def _no_classes(place: Path) -> list[File]:
    raise ValueError(
        f"expected a folder for each class in {place}, such as "
        f"{place / 'cat' / '1.jpg'}; found images in no such folder"
    )


def _walk(place: Path) -> list[tuple[str, tuple[str, ...]]]:
    """Image files under a folder with their paths from there, sorted."""
    if not place.is_dir():
        raise FileNotFoundError(
            f"{place} is no folder and no .csv or .parquet file"
        )
    found = []
    for room, rooms, files in os.walk(place):
        rooms[:] = sorted(name for name in rooms if not name.startswith("."))
        for file in sorted(files):
            is_image = file.lower().endswith(image_files.SUFFIXES)
            if is_image and not file.startswith("."):
                path = os.path.join(room, file)
                found.append((path, Path(path).relative_to(place).parts))
    if not found:
        raise ValueError(
            f"{place} holds no images: expected files that end in "
            f"{', '.join(image_files.SUFFIXES)}"
        )
    return found


def _warn(skipped: list[tuple[str, str]], total: int) -> None:
    if not skipped:
        return
    shown = "\n".join(f"  {path}: {reason}" for path, reason in skipped[:20])
    more = f"\n  and {len(skipped) - 20} more" if len(skipped) > 20 else ""
    warnings.warn(
        f"{len(skipped)} of {total} images cannot be read and are left out:\n"
        f"{shown}{more}",
        stacklevel=4,
    )
