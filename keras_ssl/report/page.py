"""The page: what stands where, filled into a template."""

import base64
import dataclasses
import io
import json
import os
import pathlib
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_ssl.report import figures
from keras_ssl.writing import whole

SHOWN = 12  # mistakes, images to label


@dataclasses.dataclass(frozen=True)
class Findings:
    """What a model says of images.

    Attributes:
        probabilities: float `(N, classes)`, of the test images.
        labels: int `(N,)`, the true ones.
        images: uint8 `(N, H, W, C)`.
        class_names: a string for each class.
        views: rows of example images, name -> uint8 `(n, H, W, C)`: what the
            augmentation makes of the same images.
    """

    probabilities: NDArray[Any]
    labels: NDArray[Any]
    images: NDArray[np.uint8]
    class_names: Sequence[str]
    views: dict[str, NDArray[np.uint8]] = dataclasses.field(
        default_factory=dict
    )


class RunFiles:
    """The small files of a run folder, read.

    Args:
        path: of the folder.

    Raises:
        ValueError: it is no run folder.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = pathlib.Path(path)
        self.name = self.path.resolve().name
        try:
            self.config = json.loads((self.path / "config.json").read_text())
        except FileNotFoundError:
            raise ValueError(
                f"{path} is no run folder: it has no config.json; make one "
                "with keras-ssl train --out"
            ) from None
        result = self.path / "result.json"
        self.result = json.loads(result.read_text()) if result.exists() else {}
        history = self.path / "history.jsonl"
        lines = history.read_text().splitlines() if history.exists() else []
        epochs: dict[int, dict[str, Any]] = {}
        for line in lines:
            try:
                entry = json.loads(line)
            except ValueError:  # the last line of a run that was cut off
                continue
            epochs[entry["epoch"]] = entry
        self.history = [epochs[number] for number in sorted(epochs)]


def write(
    runs: Sequence[RunFiles],
    out: str | os.PathLike[str],
    findings: Findings | None = None,
    command: str = "",
    to_label: Sequence[tuple[NDArray[np.uint8], str]] = (),
) -> pathlib.Path:
    """Writes the page, whole or not at all.

    Args:
        runs: the first is the one that the page is about, the others are set
            beside it; those of its kind give the spread, supervised ones the
            twin and the ceiling.
        out: file to write.
        findings: what the model of the first run says of its test set.
        command: that made the first run.
        to_label: images whose labels the run would learn most from, each with
            the class it is taken for.

    Returns:
        Path of the file.

    Raises:
        ImportError: Jinja2 or Matplotlib is missing.
    """
    try:
        import jinja2
        import matplotlib  # noqa: F401  (figures draws with it)
    except ImportError as error:
        raise ImportError(
            f"a report needs {error.name}: pip install 'keras_ssl[report]'"
        ) from error
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(pathlib.Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("page.html.jinja").render(
        run=runs[0],
        runs=runs,
        kinds=kinds(runs),
        command=command,
        to_label=[(picture(image), guess) for image, guess in to_label],
        curves=figures.curves(runs),
        pseudo_labels=figures.pseudo_labels(runs[0].history),
        **(_found(findings) if findings else {}),
    )
    out = pathlib.Path(out)
    with whole(out) as unfinished:
        unfinished.write_text(page, "utf-8")
    return out


def kinds(runs: Sequence[RunFiles]) -> list[dict[str, Any]]:
    """Runs that differ in their seeds alone, taken together.

    Args:
        runs: run folders, finished or not.

    Returns:
        A dict for each kind that has a test accuracy, in the order of the runs:
        "method", "network", "labels" (of each class, "own" for one's own
        files, or the numbers of a long tail), "number" of runs, "mean" and
        "spread" (the standard deviation, `None` for one run) of their test
        accuracies in %.
    """
    found: dict[tuple[str, ...], list[float]] = {}
    for run in runs:
        if "test_accuracy" in run.result:
            kind = (
                run.config["method"],
                run.config["network"],
                _labels(run.config),
                run.config["data"],
            )
            score = 100 * run.result["test_accuracy"]
            found.setdefault(kind, []).append(score)
    return [
        {
            "method": method,
            "network": network,
            "labels": labels,
            "number": len(scores),
            "mean": statistics.mean(scores),
            "spread": statistics.stdev(scores) if len(scores) > 1 else None,
        }
        for (method, network, labels, _), scores in found.items()
    ]


def _labels(config: Mapping[str, Any]) -> str:
    if config.get("labeled"):
        return "own"
    if tail := config.get("long_tailed"):
        return "long-tailed " + " ".join(f"{number:g}" for number in tail)
    number = str(config["labels_per_class"])
    if classes := config.get("classes"):
        return f"{number} of {', '.join(classes)}"
    return number


def _found(findings: Findings) -> dict[str, Any]:
    guesses = findings.probabilities.argmax(axis=-1)
    confidence = findings.probabilities.max(axis=-1)
    table = confusion(findings.labels, guesses, len(findings.class_names))
    wrong = np.flatnonzero(guesses != findings.labels)
    worst = wrong[np.argsort(-confidence[wrong], kind="stable")][:SHOWN]
    names = findings.class_names
    return {
        "accuracy": float((guesses == findings.labels).mean()),
        "images": len(guesses),
        "classes": _per_class(table, names),
        "confusion": figures.confusion(table, names),
        "reliability": figures.reliability(
            confidence, guesses == findings.labels
        ),
        "mistakes": [
            {
                "image": picture(findings.images[place]),
                "guess": names[guesses[place]],
                "truth": names[findings.labels[place]],
                "confidence": f"{100 * confidence[place]:.0f} %",
            }
            for place in worst
        ],
        "views": {
            name: [picture(image) for image in images]
            for name, images in findings.views.items()
        },
    }


def confusion(
    labels: NDArray[Any], guesses: NDArray[Any], classes: int
) -> NDArray[np.int64]:
    """How often each class (row) was taken for each class (column)."""
    table = np.zeros((classes, classes), np.int64)
    np.add.at(table, (labels, guesses), 1)
    return table


def _per_class(
    table: NDArray[np.int64], names: Sequence[str]
) -> list[dict[str, Any]]:
    rows = []
    for number, name in enumerate(names):
        right, there = table[number, number], table[number].sum()
        said = table[:, number].sum()
        rows.append(
            {
                "name": name,
                "images": int(there),
                "recall": f"{100 * right / there:.1f}" if there else "",
                "precision": f"{100 * right / said:.1f}" if said else "",
            }
        )
    return rows


def picture(image: NDArray[np.uint8]) -> str:
    """An image as a PNG inside a URL."""
    from PIL import Image

    pixels = image[..., 0] if image.shape[-1] == 1 else image
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    text = base64.b64encode(file.getvalue()).decode("ascii")
    return f"data:image/png;base64,{text}"
