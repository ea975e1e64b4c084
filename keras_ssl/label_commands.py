"""What `keras-ssl label` does: asks for labels, and takes them back.

The table that is filled in names an image by its number in the training set and
by a hash of its pixels, so that a table of another run is never taken.
"""

import csv
import hashlib
import pathlib
from argparse import Namespace
from typing import Any

import keras_ssl
from keras_ssl import registry, run_data, run_labels
from keras_ssl.preset_commands import open_run

COLUMNS = (
    "number", "label", "guess", "confidence", "uncertainty", "disagreement",
    "index", "pixels", "file",
)  # fmt: skip
NEEDED = ("label", "index", "pixels")
SHOWN = 5  # mistakes in a table that are told at once


def label(options: Namespace) -> None:
    """`keras-ssl label`: which images to label next; and their labels."""
    if options.source is None and options.epochs is not None:
        raise ValueError("--epochs goes with --from, which adds labels")
    run = open_run(options.run)
    config = run.read("config") or {}
    data = run_data.load(config, options.data_dir)
    split = run_data.split_of(run, data)
    if options.source is None:
        ask(run, split, options.count, options.overwrite)
    else:
        take(run, config, split, pathlib.Path(options.source), options.epochs)


# Asking -----------------------------------------------------------------------


def ask(
    run: "keras_ssl.RunFolder",
    split: "keras_ssl.data.Split",
    count: int,
    overwrite: bool = False,
) -> None:
    """Writes a table of images to label, and a picture of them.

    Args:
        run: its last checkpoint chooses.
        split: with all labels that it has got.
        count: images to ask for.
        overwrite: whether a table that is there already may be lost.

    Raises:
        ValueError: there is such a table, or no image is left.
    """
    import numpy as np

    from keras_ssl import labeling
    from keras_ssl.sample_grid import save_png

    table = run.path / f"label_{len(run_labels.rounds(run)) + 1}.csv"
    if table.exists() and not overwrite:
        raise ValueError(
            f"{table} exists already: fill it in and take it back with "
            f"keras-ssl label {run.path} --from {table}, or replace it with "
            "--overwrite"
        )
    images = split.dataset.train[0]
    unknown = np.setdiff1d(split.unlabeled, split.labeled)
    if not len(unknown):
        raise ValueError(f"every training image of {run.path} has a label")
    ranking = labeling.rank(
        run.load_model(), images[unknown], images[split.labeled], count
    )
    indices = unknown[ranking.rows]
    names = split.dataset.class_names
    guesses = [names[number] for number in ranking.guess]
    rows = [
        {
            "number": place + 1,
            "label": "",
            "guess": guesses[place],
            "confidence": f"{ranking.confidence[place]:.3f}",
            "uncertainty": f"{ranking.uncertainty[place]:.3f}",
            "disagreement": f"{ranking.disagreement[place]:.3f}",
            "index": index,
            "pixels": mark(images[index]),
            "file": (split.dataset.files or {index: ""})[index],
        }
        for place, index in enumerate(indices.tolist())
    ]
    picture = table.with_suffix(".png")
    save_png(picture, _picture(split.dataset, indices, guesses))
    _write(run, table, rows)
    print(
        f"{len(rows)} images to label, of {len(unknown)} without one:\n"
        f"  {picture}  the images, with their numbers and guesses\n"
        f"  {table}  write a class into the column label; leave it empty "
        "where you cannot tell\n"
        f"classes: {', '.join(names)}\n"
        f"then: keras-ssl label {run.path} --from {table}"
    )


def mark(pixels: Any) -> str:
    """A short hash of an image; a letter first, so no program rounds it."""
    return "p" + hashlib.sha256(pixels.tobytes()).hexdigest()[:12]


def _picture(
    data: "keras_ssl.data.Dataset", indices: Any, guesses: list[str]
) -> Any:
    from keras_ssl.contact_sheet import contact_sheet

    shown = [_shown(data, index) for index in indices]
    captions = [f"{n}: {guess}?" for n, guess in enumerate(guesses, start=1)]
    return contact_sheet(shown, captions)


def _shown(data: "keras_ssl.data.Dataset", index: int) -> Any:
    """An image as large as a person likes it: the file's own, if there is."""
    from keras_ssl.contact_sheet import TILE
    from keras_ssl.data import image_files

    pixels = data.train[0][index]
    if data.files is None or max(pixels.shape[:2]) >= TILE:
        return pixels
    height, width, channels = pixels.shape
    scale = TILE / max(height, width)
    size = round(height * scale), round(width * scale)
    try:
        return image_files.decode(data.files[index], size, channels)
    except (OSError, ValueError):  # gone since it was decoded
        return pixels


def _write(
    run: "keras_ssl.RunFolder", table: pathlib.Path, rows: list[dict[str, Any]]
) -> None:
    import io

    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    run.write_text(table.name, text.getvalue())


# Taking back ------------------------------------------------------------------


def take(
    run: "keras_ssl.RunFolder",
    config: dict[str, Any],
    split: "keras_ssl.data.Split",
    table: pathlib.Path,
    epochs: int | None = None,
) -> None:
    """Adds the labels of a filled table to a run.

    Args:
        run: the run that asked.
        config: its configuration.
        split: with all labels that it has got before.
        table: the filled file.
        epochs: to train for from here on. `None`: as many as the run began
            with.

    Raises:
        OSError: the table cannot be read.
        ValueError: it has mistakes; nothing is added then.
    """
    rows = read(table)
    labels = checked(rows, table, split)
    steps = run.load_model().steps_taken()
    done = -(-steps // config["steps_per_epoch"])
    whole = done + (epochs or config["epochs"])
    run_labels.add(run, labels, steps, whole)
    right = sum(row["label"].strip() == row.get("guess") for row in rows)
    print(
        f"{len(labels)} labels added, {right} of them as guessed; "
        f"{len(rows) - len(labels)} left empty. The run now has "
        f"{len(split.labeled) + len(labels)} labels and {whole} epochs\n"
        f"to go on: keras-ssl train --resume --out {run.path}"
    )


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
