"""What `keras-ssl label` does: asks for labels, and takes them back."""

import pathlib
from argparse import Namespace
from typing import Any

import keras_ssl
from keras_ssl import label_table, run_data, run_labels
from keras_ssl.preset_commands import open_run


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
        run.load_model(), images, unknown, split.labeled, count
    )
    indices = ranking.rows
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
            "pixels": label_table.mark(images[index]),
            "file": (split.dataset.files or {index: ""})[index],
        }
        for place, index in enumerate(indices.tolist())
    ]
    picture = table.with_suffix(".png")
    save_png(picture, _picture(split.dataset, indices, guesses))
    run.write_text(table.name, label_table.text_of(rows))
    print(
        f"{len(rows)} images to label, of {len(unknown)} without one:\n"
        f"  {picture}  the images, with their numbers and guesses\n"
        f"  {table}  write a class into the column label; leave it empty "
        "where you cannot tell\n"
        f"classes: {', '.join(names)}\n"
        f"then: keras-ssl label {run.path} --from {table}"
    )


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
    rows = label_table.read(table)
    labels = label_table.checked(rows, table, split)
    model = run.load_model()
    steps = model.steps_taken()
    done = -(-steps // config["steps_per_epoch"])
    before = run_labels.epochs(run) or config["epochs"]
    whole = done + (epochs or config["epochs"])
    _check_stages(model.stages(), done, before, whole)
    run_labels.add(run, labels, steps, whole)
    right = sum(row["label"].strip() == row.get("guess") for row in rows)
    print(
        f"{len(labels)} labels added, {right} of them as guessed; "
        f"{len(rows) - len(labels)} left empty. The run now has "
        f"{len(split.labeled) + len(labels)} labels and {whole} epochs\n"
        f"to go on: keras-ssl train --resume --out {run.path}"
    )


def _check_stages(
    stages: dict[str, float], done: int, before: int, whole: int
) -> None:
    """Raises ValueError if a longer training went back to an earlier stage.

    Args:
        stages: of the method, `SSLModel.stages`.
        done: epochs that were run.
        before: epochs of the whole training so far.
        whole: epochs of the whole training with the new labels.
    """
    for name, part in list(stages.items())[:-1]:
        if round(part * before) <= done < round(part * whole):
            most = int(done / part) - done
            raise ValueError(
                f"the run is beyond its stage {name!r}, the first "
                f"{100 * part:.0f} % of the training, and would go back to it; "
                f"pass --epochs of at most {most}"
            )
