"""The file of a split: JSON with the indices and what they point into."""

import hashlib
import json
import operator
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from keras_ssl.data.open_set import restricted
from keras_ssl.writing import whole

if TYPE_CHECKING:
    from keras_ssl.data.dataset import Dataset
    from keras_ssl.data.split import Split

FORMAT = "keras_ssl split 1"
ALL_BUT_VALIDATION = "all but validation"


def all_but(dataset: "Dataset", held_out: ArrayLike) -> NDArray[np.int64]:
    """Returns the training images that are not held out.

    Args:
        dataset: A `Dataset`.
        held_out: Indices into its training set.

    Returns:
        int64 array, ascending.
    """
    kept = np.ones(len(dataset.train[1]), bool)
    kept[np.asarray(held_out, np.int64)] = False
    return np.flatnonzero(kept).astype(np.int64, copy=False)


def write(split: "Split", path: str | os.PathLike[str]) -> None:
    """Writes a split, whole or not at all; see `Split.save`.

    Args:
        split: A `Split`.
        path: File to write, ending in `.json`; its folder is made.

    Raises:
        ValueError: For another ending.
    """
    path = Path(path)
    if path.suffix != ".json":
        raise ValueError(f"path must end in .json; received {str(path)!r}")
    everything = all_but(split.dataset, split.validation_indices)
    content = {
        "format": FORMAT,
        "dataset": split.dataset.name,
        "fingerprint": split.dataset.fingerprint,
        "seed": split.seed,
        "labels_per_class": split.labels_per_class,
        "sizes": {
            "labeled": len(split.labeled),
            "unlabeled": len(split.unlabeled),
            "validation": len(split.validation_indices),
        },
        "labeled": split.labeled.tolist(),
        "validation": split.validation_indices.tolist(),
        "unlabeled": ALL_BUT_VALIDATION
        if np.array_equal(split.unlabeled, everything)
        else split.unlabeled.tolist(),
    }
    if split.dataset.classes is not None:
        content["classes"] = split.dataset.classes
    content["sha256"] = _checksum(content)
    text = json.dumps(content, default=operator.index) + "\n"
    with whole(path) as unfinished:
        unfinished.write_text(text, "utf-8")


def read(path: str | os.PathLike[str], dataset: "Dataset") -> dict[str, Any]:
    """Reads what `write` has written; see `Split.load`.

    Args:
        path: The file.
        dataset: The `Dataset` it was made for.

    Returns:
        Dict of the fields of a `Split`.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If the file is damaged or was made for a data set with
            another fingerprint.
    """
    content = _content(path)
    classes = content.get("classes")
    if classes and not dataset.classes and max(classes) < dataset.num_classes:
        dataset = restricted(dataset, classes)
    if content["fingerprint"] != dataset.fingerprint:
        raise ValueError(
            f"{path} was made for another data set than {dataset.name!r} as "
            f"it is here: expected {content['dataset']!r} with fingerprint "
            f"{content['fingerprint'][:12]}; received "
            f"{dataset.fingerprint[:12]}"
        )
    unlabeled = content["unlabeled"]
    if unlabeled == ALL_BUT_VALIDATION:
        unlabeled = all_but(dataset, content["validation"])
    return {
        "dataset": dataset,
        "labeled": content["labeled"],
        "unlabeled": unlabeled,
        "validation_indices": content["validation"],
        "seed": content["seed"],
        "labels_per_class": content["labels_per_class"],
    }


def _content(path: str | os.PathLike[str]) -> dict[str, Any]:
    try:
        content = json.loads(Path(path).read_text("utf-8"))
        whole = content.pop("sha256") == _checksum(content)
        whole = whole and content["format"] == FORMAT
    except (ValueError, KeyError, AttributeError, TypeError):
        whole = False
    if not whole:
        raise ValueError(
            f"{path} is damaged, or not a split: expected a file written by "
            "Split.save. Draw the split again with Dataset.split"
        )
    return content


def _checksum(content: dict[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, default=operator.index)
    return hashlib.sha256(text.encode()).hexdigest()
