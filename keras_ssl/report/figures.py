"""The page's figures: SVG that takes the color of the text around it."""

import io
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

INK = "#010203"  # stands for the color of the text, light or dark
COLORS = ("#2f7ed8", "#d8732f", "#2fa866", "#a04fc4", "#b8a11f", "#c43f5f")
BINS = 10


def _svg(
    name: str,
    draw: Callable[[Any], None],
    size: tuple[float, float] = (6.0, 3.4),
) -> str:
    """What `draw(axes)` draws, as text to put into a page."""
    import cycler  # of Matplotlib
    import matplotlib
    from matplotlib.figure import Figure

    style = {
        "axes.edgecolor": INK, "axes.labelcolor": INK, "text.color": INK,
        "xtick.color": INK, "ytick.color": INK, "axes.spines.top": False,
        "axes.spines.right": False, "svg.fonttype": "none",
        "svg.hashsalt": name, "font.family": "sans-serif",
        "legend.frameon": False, "axes.prop_cycle":
        cycler.cycler(color=COLORS),
    }  # fmt: skip
    with matplotlib.rc_context(style):
        figure = Figure(size, layout="constrained")
        draw(figure.add_subplot())
        file = io.StringIO()
        figure.savefig(
            file, format="svg", transparent=True, metadata={"Date": None}
        )
    text = file.getvalue()
    text = text[text.index("<svg") :].replace(INK, "currentColor")
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S)
    # as wide as the page allows
    return re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', "", text, count=1)


def _series(
    history: Sequence[dict[str, Any]], name: str
) -> tuple[list[int], list[float]]:
    entries = [entry for entry in history if name in entry]
    return [e["step"] for e in entries], [100 * e[name] for e in entries]


def curves(runs: Sequence[Any]) -> str:
    """Accuracy along the training, a line for each run; "" if unknown."""
    known = [run for run in runs if _series(run.history, "val_accuracy")[0]]
    if not known:
        return ""

    def draw(axes: Any) -> None:
        for run in known:
            axes.plot(*_series(run.history, "val_accuracy"), label=run.name)
        axes.set(xlabel="steps", ylabel="accuracy in %")
        axes.legend(loc="lower right")

    return _svg("curves", draw)


def pseudo_labels(history: Sequence[dict[str, Any]]) -> str:
    """How many pseudo-labels are used, how many of those are right, how far
    confidence is off, and of how many classes those used are; "" if none.
    """
    if not _series(history, "mask_rate")[0]:
        return ""

    def draw(axes: Any) -> None:
        axes.plot(*_series(history, "mask_rate"), label="used")
        right = _series(history, "pseudo_label_accuracy")
        if right[0]:
            axes.plot(*right, label="right, of those used")
        error = _series(history, "pseudo_label_calibration")
        if error[0]:
            axes.plot(*error, label="calibration error")
        axes.set(xlabel="steps", ylabel="pseudo-labels in %", ylim=(0, 102))
        axes.legend(loc="lower right")
        steps, number = _series(history, "pseudo_label_classes")
        if steps:
            beside = axes.twinx()
            beside.spines["right"].set_visible(True)
            beside.plot(steps, [n / 100 for n in number], ":", color=INK)
            beside.set(ylabel="effective classes (dotted)")
            beside.set_ylim(bottom=0)

    return _svg("pseudo_labels", draw)


def confusion(table: NDArray[np.int64], names: Sequence[str]) -> str:
    """The confusion matrix, each row as parts of its class."""
    parts = table / np.maximum(table.sum(axis=1, keepdims=True), 1)

    def draw(axes: Any) -> None:
        axes.imshow(parts, cmap="Blues", vmin=0, vmax=1)
        axes.set(xlabel="said to be", ylabel="is")
        if len(names) <= 20:
            places = range(len(names))
            axes.set_xticks(places, names, rotation=60, ha="right")
            axes.set_yticks(places, names)
            for (row, column), count in np.ndenumerate(table):
                if count:
                    dark = parts[row, column] > 0.5
                    axes.text(
                        column, row, str(count), ha="center", va="center",
                        fontsize=7, color="white" if dark else "#1b2733",
                    )  # fmt: skip

    return _svg("confusion", draw, (5.0, 5.0))


def calibration(
    confidence: NDArray[Any], right: NDArray[Any]
) -> tuple[list[float], list[float], float]:
    """Mean confidence and accuracy of each bin, and their expected difference.

    Expected calibration error over ten bins of equal width: Guo et al., "On
    calibration of modern neural networks", arXiv 1706.04599, equation 3.

    Args:
        confidence: `(N,)`, 0 to 1.
        right: `(N,)`, whether the guess is right.
    """
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    said, was, error = [], [], 0.0
    for number in range(BINS):
        inside = bins == number
        if inside.any():
            said.append(float(confidence[inside].mean()))
            was.append(float(right[inside].mean()))
            error += inside.mean() * abs(said[-1] - was[-1])
    return said, was, float(error)


def reliability(confidence: NDArray[Any], right: NDArray[Any]) -> str:
    """How often a guess is right beside how sure it is."""
    said, was, error = calibration(confidence, right)

    def draw(axes: Any) -> None:
        axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8, linestyle=":")
        axes.plot(said, was, marker="o")
        axes.set(
            xlabel="confidence", ylabel="accuracy", xlim=(0, 1.02),
            ylim=(0, 1.02), title=f"expected calibration error {error:.3f}",
        )  # fmt: skip

    return _svg("reliability", draw, (4.4, 4.0))
