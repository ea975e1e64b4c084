"""Image classification data sets of TensorFlow Datasets (TFDS), as arrays.

TFDS downloads and prepares; this module decodes every image once, in the
order TFDS keeps on disk, into the arrays of `array_cache`. Once they are
there, neither TFDS nor TensorFlow is imported any more.
"""

import difflib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_ssl.data import array_cache
from keras_ssl.data.dataset import Pair
from keras_ssl.data.image_size import resize

TEST_SPLITS = ("test", "validation")
UNLABELED_SPLITS = ("unlabelled", "unlabeled")


def default_data_dir() -> Path:
    """Returns the folder of prepared data sets when none is given.

    Returns:
        `KERAS_SSL_DATA` from the environment if set; else TFDS' own default,
        which is `TFDS_DATA_DIR` or `~/tensorflow_datasets`.
    """
    chosen = os.environ.get("KERAS_SSL_DATA") or os.environ.get("TFDS_DATA_DIR")
    return Path(chosen or "~/tensorflow_datasets").expanduser()


def read(
    name: str,
    data_dir: str | os.PathLike[str] | None = None,
    image_size: tuple[int, int] | None = None,
) -> tuple[Pair, Pair | None, dict[str, Any]]:
    """Reads a TFDS image classification data set.

    The training set is the split "train", followed by "unlabelled" where
    there is one (STL-10), whose labels are -1. The test set is "test", or
    "validation" where there is no "test" or its labels are withheld.

    Args:
        name: TFDS name: `"cifar10"`, `"emnist/letters"`, `"mnist:3.0.1"`.
        data_dir: Folder of prepared data sets; `default_data_dir()` if
            `None`.
        image_size: `None`, or `(height, width)` to resize every image to.

    Returns:
        `(train, test, about)` as `array_cache.read` returns them.

    Raises:
        ImportError: If TFDS is needed and missing.
        OSError: If the data set cannot be downloaded or prepared.
        ValueError: For an unknown name, a data set that is not of labeled
            8-bit images, or images of several sizes without `image_size`.
    """
    data_dir = Path(data_dir).expanduser() if data_dir else default_data_dir()
    stem, _, version = name.partition(":")
    cached = array_cache.find(data_dir, stem, version or None, image_size)
    if cached:
        try:
            return array_cache.read(cached)
        except ValueError:  # damaged: made anew below
            shutil.rmtree(cached)
    builder = find_builder(name, data_dir)
    _check_features(builder)
    _prepare(builder)
    target = array_cache.folder_of(data_dir, stem, builder.version, image_size)
    with array_cache.building(target) as room:
        _decode(builder, image_size, room)
        if room.parent != target.parent:
            return array_cache.read(room, memory_map=False)
    return array_cache.read(target)


def find_builder(name: str, data_dir: str | os.PathLike[str]) -> Any:
    """Returns the TFDS builder of a data set.

    Args:
        name: TFDS name.
        data_dir: Folder of prepared data sets.

    Returns:
        A `tfds.core.DatasetBuilder`; nothing is downloaded.

    Raises:
        ImportError: If TFDS is missing.
        ValueError: For an unknown name, with the closest known ones.
    """
    # Decoding needs no accelerator. Were TensorFlow to claim all of its
    # memory, as it does by default, JAX and PyTorch would be left with none.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise ImportError(
            f"{name!r} is not built in ('digits' is) and TensorFlow Datasets, "
            "which may know it, cannot be imported "
            f"({error}): pip install keras_ssl[tfds]"
        ) from error
    try:
        return tfds.builder(name, data_dir=str(data_dir))
    except (ValueError, AssertionError) as error:
        known = tfds.list_builders(with_community_datasets=False)
        if name.partition(":")[0].partition("/")[0] in known:
            first_line = str(error).partition("\n")[0]
            raise ValueError(f"cannot load {name!r}: {first_line}") from error
        raise ValueError(_unknown(name, ["digits", *known])) from None


def _unknown(name: str, known: Iterable[str]) -> str:
    closest = difflib.get_close_matches(name, known, n=4)
    listed = ", ".join(map(repr, closest)) or "none"
    return (
        f"no data set is named {name!r}; closest names: {listed}. Arrays go "
        "through keras_ssl.data.from_arrays"
    )


def _check_features(builder: Any) -> None:
    import tensorflow_datasets as tfds

    keys = builder.info.supervised_keys
    features = builder.info.features
    wanted = (tfds.features.Image, tfds.features.ClassLabel)
    if not (
        isinstance(keys, tuple)
        and len(keys) == 2
        and all(isinstance(key, str) for key in keys)
        and all(map(isinstance, (features[key] for key in keys), wanted))
    ):
        raise ValueError(
            f"{builder.info.name!r} is not an image classification data set: "
            f"expected supervised keys (image, label); received {keys}"
        )
    image = features[keys[0]]
    if image.np_dtype != np.uint8 or image.shape[-1] not in (1, 3):
        raise ValueError(
            f"expected uint8 images of 1 or 3 channels; {builder.info.name!r} "
            f"has {np.dtype(image.np_dtype)} images of shape {image.shape}"
        )


def _prepare(builder: Any) -> None:
    try:
        builder.download_and_prepare()
    except Exception as error:  # TFDS raises many kinds, from many libraries
        reason = str(error).strip().partition("\n")[0]
        raise OSError(
            f"could not download and prepare {builder.info.name!r} in "
            f"{builder.data_path} ({type(error).__name__}: {reason}). Connect "
            "to the network, or copy the prepared folder from another machine"
        ) from error


def _decode(
    builder: Any, image_size: tuple[int, int] | None, room: Path
) -> None:
    """Writes the arrays of a prepared data set into the folder `room`."""
    splits = builder.info.splits
    if "train" not in splits:
        raise ValueError(
            f"{builder.info.name!r} has no split named 'train'; it has "
            f"{sorted(splits)}"
        )
    unlabeled = [split for split in UNLABELED_SPLITS if split in splits]
    train = ["train", *unlabeled]
    test = [split for split in TEST_SPLITS if _labels_known(builder, split)]
    for part, names in ("train", train), ("test", test[:1]):
        if names:
            _decode_part(builder, part, names, image_size, room)
    label = builder.info.features[builder.info.supervised_keys[1]]
    about = {
        "name": builder.info.full_name,
        "version": str(builder.version),
        "num_classes": label.num_classes,
        "class_names": list(label.names),
        "train_splits": train,
        "test_splits": test[:1],
        "has_test": bool(test),
    }
    (room / "about.json").write_text(json.dumps(about, indent=1), "utf-8")


def _decode_part(
    builder: Any,
    part: str,
    splits: Sequence[str],
    image_size: tuple[int, int] | None,
    room: Path,
) -> None:
    counts = [builder.info.splits[split].num_examples for split in splits]
    labels = []

    def images() -> Iterator[NDArray[np.uint8]]:
        for split in splits:
            for image, label in _examples(builder, split):
                labels.append(-1 if split in UNLABELED_SPLITS else label)
                yield resize(image, image_size) if image_size else image

    path = room / f"{part}_images.npy"
    try:
        array_cache.write_images(path, images(), sum(counts))
    except ValueError as error:
        raise ValueError(f"{builder.info.name!r}: {error}") from None
    np.save(room / f"{part}_labels.npy", np.array(labels, np.int32))


def _labels_known(builder: Any, split: str) -> bool:
    """Whether a split exists and its labels are not withheld (-1)."""
    if split not in builder.info.splits:
        return False
    _, label = next(_examples(builder, split))
    return int(label) >= 0


def _examples(builder: Any, split: str) -> Iterator[tuple[Any, Any]]:
    """Yields `(image, label)` in the order on disk, files one by one."""
    import tensorflow_datasets as tfds

    examples = builder.as_dataset(
        split=split,
        as_supervised=True,
        shuffle_files=False,
        read_config=tfds.ReadConfig(interleave_cycle_length=1),
    )
    yield from tfds.as_numpy(examples)
