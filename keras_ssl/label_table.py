"""The table of images to label: written, filled in by a person, and checked.

It names an image by its number in the training set and by a hash of its pixels,
so that a table of another run is never taken.
"""

import csv
import hashlib
import io
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

import keras_ssl
from keras_ssl import registry

COLUMNS = (
    "number", "label", "guess", "confidence", "uncertainty", "disagreement",
    "index", "pixels", "file",
)  # fmt: skip
NEEDED = ("label", "index", "pixels")
SHOWN = 5  # mistakes in a table that are told at once


def mark(pixels: Any) -> str:
    """A short hash of an image; a letter first, so no program rounds it."""
    return "p" + hashlib.sha256(pixels.tobytes()).hexdigest()[:12]


def text_of(rows: Iterable[Mapping[str, Any]]) -> str:
    """A table as text.

    Args:
        rows: each with a value for every one of `COLUMNS`.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def read(table: pathlib.Path) -> list[dict[str, str]]:
    """The rows of a table, separated by commas, semicolons or tabs.

    Raises:
        OSError: it cannot be read.
        ValueError: a column is missing.
    """
    try:
        with open(table, newline="", encoding="utf-8-sig") as file:
            head = file.readline()
            file.seek(0)
            separator = max(",;\t", key=head.count)
            rows = csv.DictReader(file, delimiter=separator, restval="")
            missing = set(NEEDED) - set(rows.fieldnames or ())
            if missing:
                raise ValueError(
                    f"expected the columns {', '.join(NEEDED)} in {table}; "
                    f"{', '.join(sorted(missing))} is missing"
                )
            return list(rows)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{table} is not UTF-8; save it as CSV UTF-8. {error}"
        ) from None


def checked(
    rows: list[dict[str, str]],
    table: pathlib.Path,
    split: "keras_ssl.data.Split",
) -> dict[int, str]:
    """The labels in a table: number of a training image -> name of its class.

    Args:
        rows: of the table.
        table: its path, for messages.
        split: of the run that asked.

    Raises:
        ValueError: a row names no class, no image of this run, one that has a
            label already, or one twice; or no row has a label.
    """
    unlabeled = set(split.unlabeled.tolist())
    labeled = set(split.labeled.tolist())
    found: dict[int, str] = {}
    mistakes = []
    for line, row in enumerate(rows, start=2):
        name = row["label"].strip()
        if not name:
            continue
        index = int(row["index"]) if row["index"].strip().isdecimal() else -1
        mistake = _mistake(row, index, name, split)
        if not mistake and index in labeled:
            mistake = f"image {index} has a label already"
        if not mistake and index not in unlabeled:
            mistake = f"image {index} is none of the run's unlabeled images"
        if not mistake and index in found:
            mistake = f"image {index} is there twice"
        if mistake:
            mistakes.append(f"line {line}: {mistake}")
        found[index] = name
    if mistakes:
        more = len(mistakes) - SHOWN
        raise ValueError(
            f"{table}: nothing was added. {'; '.join(mistakes[:SHOWN])}"
            + (f"; and {more} more" if more > 0 else "")
        )
    if not found:
        raise ValueError(
            f"{table} has no label: write names of classes into its column "
            f"label: {', '.join(split.dataset.class_names)}"
        )
    return found


def _mistake(
    row: dict[str, str], index: int, name: str, split: "keras_ssl.data.Split"
) -> str:
    """What is wrong with a row, "" if it names an image and a class."""
    images = split.dataset.train[0]
    if not 0 <= index < len(images):
        return f"index {row['index']!r} is no number of a training image"
    if row["pixels"].strip() != mark(images[index]):
        return (
            f"image {index} of this run has other pixels; the table is of "
            "another run, or its rows were mixed up"
        )
    if name not in split.dataset.class_names:
        return registry.unknown("class", name, split.dataset.class_names)
    return ""
