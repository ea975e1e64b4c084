"""What `keras-ssl predict`, `export` and `report` do."""

import csv
import importlib.util
import pathlib
import sys
from argparse import Namespace
from typing import Any

import keras_ssl
from keras_ssl import run_data
from keras_ssl.preset_commands import command_of, open_run
from keras_ssl.writing import whole

LOOKED_THROUGH = 5000  # unlabeled images, for those to label next
COLUMNS = ("path", "class", "confidence")
ONNX_NEEDS = {
    "tensorflow": ("tf2onnx",),
    "jax": ("jax2onnx",),
    "torch": ("onnx", "onnxscript"),
}


def open_model(
    name: str, data_dir: str | None = None
) -> tuple["keras_ssl.SSLModel", list[str]]:
    """A model and the names of its classes.

    Args:
        name: a run folder; or a preset's name, folder or place on a hub.
        data_dir: folder of prepared TensorFlow Datasets, for old runs.
    """
    path = pathlib.Path(name)
    if path.exists() and not (path / "preset.json").exists():
        run = open_run(name)
        config = run.read("config") or {}
        names = config.get("class_names")
        return run.load_model(), names or list(
            run_data.load(config, data_dir).class_names
        )
    from keras_ssl import models

    model = models.load(name)
    numbers = range(int(model.network.output_shape[-1]))
    return model, models.describe(name).get("class_names") or list(
        map(str, numbers)
    )


def test_on_files(options: Namespace) -> None:
    """`keras-ssl evaluate --test`: scores on files, also of each class."""
    from keras_ssl.data import folders

    model, names = open_model(options.run, options.data_dir)
    height, width, channels = model.network.input_shape[1:]
    images, labels = folders.labeled_images(
        options.test, names, (height, width), channels
    )
    guesses = model.predict(images, batch_size=500, verbose=0).argmax(axis=-1)
    right = int((guesses == labels).sum())
    print(
        f"test accuracy {100 * right / len(labels):.2f} % of {len(labels)} "
        "images"
    )
    _print_classes(names, labels, guesses)


def _print_classes(names: list[str], labels: Any, guesses: Any) -> None:
    """A line for each class that has images, the worst first."""
    import numpy as np

    rows = []
    for place, name in enumerate(names):
        taken_for = np.bincount(guesses[labels == place], minlength=len(names))
        if images := taken_for.sum():
            part = taken_for[place] / images
            taken_for[place] = 0
            other = names[taken_for.argmax()] if taken_for.any() else ""
            rows.append((part, name, images, other))
    width = max(len(name) for name in (*names, "class"))
    print(f"{'class':{width}}  images  right %  most others are taken for")
    for part, name, images, other in sorted(rows):
        print(f"{name:{width}}{images:8}{100 * part:9.1f}  {other}".rstrip())


def predict(options: Namespace) -> None:
    """`keras-ssl predict`: classes of image files, as a table."""
    from keras_ssl.data import folders, image_cache

    out = pathlib.Path(options.out)
    if out.suffix not in (".csv", ".parquet"):
        raise ValueError(f"--out must end in .csv or .parquet; received {out}")
    files = folders.files_in(options.images)
    model, names = open_model(options.model, options.data_dir)
    height, width, channels = model.network.input_shape[1:]
    images, kept, skipped = image_cache.images_of(
        files, (height, width), channels
    )
    probabilities = softmax(model.predict(images, batch_size=500, verbose=0))
    best = probabilities.argmax(axis=-1)
    rows = [
        (files[place], names[number], float(row[number]))
        for place, number, row in zip(kept, best, probabilities, strict=True)
    ]
    with whole(out) as unfinished:
        _write_table(unfinished, rows)
    for path, reason in skipped:
        print(f"left out: {path}: {reason}", file=sys.stderr)
    print(f"{len(rows)} images, {len(skipped)} left out; written to {out}")


def softmax(logits: Any) -> Any:
    """Probabilities of logits, both NumPy arrays."""
    import numpy as np

    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def _write_table(
    path: pathlib.Path, rows: list[tuple[str, str, float]]
) -> None:
    if path.suffix == ".parquet":
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError as error:
            raise ImportError(
                ".parquet needs pyarrow: pip install pyarrow"
            ) from error
        columns = zip(*rows, strict=True) if rows else ((), (), ())
        table = dict(zip(COLUMNS, map(list, columns), strict=True))
        parquet.write_table(pyarrow.table(table), path)
        return
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows((p, name, f"{c:.6f}") for p, name, c in rows)


def export(options: Namespace) -> None:
    """`keras-ssl export`: a predictor that needs no keras_ssl."""
    import keras

    out = pathlib.Path(options.out)
    model, names = open_model(options.model, options.data_dir)
    predictor = model.predictor()
    if out.suffix == ".keras":
        with whole(out) as unfinished:
            predictor.save(unfinished)
    elif out.suffix == ".onnx":
        needed = ONNX_NEEDS[keras.backend.backend()]
        missing = [x for x in needed if importlib.util.find_spec(x) is None]
        if missing:
            raise ImportError(
                f"ONNX on {keras.backend.backend()} needs what is missing: "
                f"pip install {' '.join(missing)}"
            )
        shape = predictor.input_shape[1:]
        predictor(keras.ops.zeros((1, *shape), "uint8"))  # Keras insists on it
        with whole(out) as unfinished:
            predictor.export(unfinished, format="onnx", verbose=False)
    elif not out.suffix:
        if keras.backend.backend() == "torch":
            raise ValueError(
                "PyTorch cannot write a SavedModel; a trained run is exported "
                "on any backend, so add --backend tensorflow or --backend jax"
            )
        with whole(out) as unfinished:
            predictor.export(unfinished, format="tf_saved_model", verbose=False)
    else:
        raise ValueError(
            "--out must end in .keras or .onnx, or be a folder's name for a "
            f"SavedModel; received {out}"
        )
    shape = ", ".join(map(str, predictor.input_shape[1:]))
    print(f"{out}: from uint8 (N, {shape}) to probabilities of {names}")


def report(options: Namespace) -> None:
    """`keras-ssl report`: one page of HTML about runs."""
    from keras_ssl import report as pages

    runs = [pages.RunFiles(path) for path in options.runs]
    out = options.out or runs[0].path / "report.html"
    first = open_run(options.runs[0])
    looked = {}
    if first.checkpoints.paths():
        config = first.read("config") or {}
        data = run_data.load(config, options.data_dir)
        split = run_data.split_of(first, data)
        model = first.load_model()
        looked["findings"] = _findings(model, split, config["seed"])
        looked["to_label"] = _to_label(model, split)
    command = command_of(first.read("config") or {})
    written = pages.write(runs, out, command=command, **looked)
    print(f"written to {written}")


def _findings(
    model: "keras_ssl.SSLModel", split: "keras_ssl.data.Split", seed: int
) -> Any:
    """What a model says of its test set; `None` without one."""
    from keras_ssl import report as pages

    if split.test is None:
        return None
    images, labels = split.test
    logits = model.predict(images, batch_size=500, verbose=0)
    size = min(6, len(split.labeled))
    batches = split.batches(
        model, batch_size=size, unlabeled_ratio=1, seed=seed
    )
    return pages.Findings(
        softmax(logits),
        labels,
        images,
        split.dataset.class_names,
        {
            name: images
            for name, images in batches[0][0].items()
            if getattr(images, "ndim", 0) == 4
        },
    )


def _to_label(
    model: "keras_ssl.SSLModel", split: "keras_ssl.data.Split"
) -> list[Any]:
    """Images to label next, each with its guess; of some thousand at most."""
    import numpy as np

    from keras_ssl import labeling
    from keras_ssl.report.page import SHOWN

    unknown = np.setdiff1d(split.unlabeled, split.labeled)
    if not len(unknown):
        return []
    some = np.random.default_rng(0).permutation(unknown)[:LOOKED_THROUGH]
    images, names = split.dataset.train[0], split.dataset.class_names
    ranking = labeling.rank(model, images, some, split.labeled, SHOWN)
    return [
        (images[row], names[guess])
        for row, guess in zip(ranking.rows, ranking.guess, strict=True)
    ]
