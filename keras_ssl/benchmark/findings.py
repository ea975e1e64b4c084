"""What the processes of a benchmark found: a table, and a figure."""

import os
from collections.abc import Sequence
from typing import Any

COLUMNS = {
    "method": "<24", "backend": "<11", "precision": "<9", "batch": ">6",
    "first s": ">8", "ms/step": ">9", "low": ">8", "high": ">8",
    "images/s": ">10", "wait %": ">7", "MiB": ">7", "loss": ">9",
}  # fmt: skip


def table(lines: Sequence[dict[str, Any]]) -> str:
    """Text: a row for each line of `contest.run`, and what they agree in.

    "loss" is the largest difference, relative, of the losses of the first
    steps from those of the first line with the same method, batch size and
    network.
    """
    head = "".join(f"{name:{at}}" for name, at in COLUMNS.items())
    return "\n".join([head, *(row(line, lines) for line in lines)])


def row(line: dict[str, Any], lines: Sequence[dict[str, Any]]) -> str:
    """The row of one line of many."""
    begin = [line["method"], line["backend"], line["precision"]]
    begin.append(str(line["batch_size"]))
    if "failed" in line:
        start = "".join(
            f"{text:{at}}"
            for text, at in zip(begin, COLUMNS.values(), strict=False)
        )
        return f"{start}  failed: {line['failed']}"
    memory = line["device_mib"] or line["host_mib"]
    difference = loss_difference(line, lines)
    texts = [
        *begin,
        f"{line['first_step_s']:.1f}",
        *(f"{line[f'step_ms{end}']:.2f}" for end in ("", "_low", "_high")),
        f"{line['images_per_s']:,.0f}",
        f"{100 * line['data_wait']:.1f}",
        f"{memory:,.0f}",
        "" if difference is None else f"{difference:.0e}",
    ]
    return "".join(
        f"{text:{at}}" for text, at in zip(texts, COLUMNS.values(), strict=True)
    )


def loss_difference(
    line: dict[str, Any], lines: Sequence[dict[str, Any]]
) -> float | None:
    """How far the losses are from those of the first comparable line.

    Returns:
        The largest relative difference over the first steps; `None` for the
        line that the others are compared with.
    """
    same = ("method", "batch_size", "unlabeled_ratio", "network", "data",
            "steps_per_execution", "seed")  # fmt: skip
    for other in lines:
        if other is line:
            return None
        if "losses" in other and all(line[k] == other[k] for k in same):
            pairs = zip(line["losses"], other["losses"], strict=True)
            return max(abs(a - b) / max(abs(b), 1e-12) for a, b in pairs)
    return None


def figure(
    lines: Sequence[dict[str, Any]], path: str | os.PathLike[str]
) -> None:
    """Bars of images per second, a group for each method.

    Args:
        lines: of `contest.run`.
        path: of the file; its ending says its kind (.svg, .png, .pdf).

    Raises:
        ImportError: Matplotlib is missing.
        ValueError: nothing was measured.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError(
            "a figure needs Matplotlib: pip install 'keras_ssl[report]'"
        ) from None
    done = [line for line in lines if "failed" not in line]
    if not done:
        raise ValueError("no job of the benchmark succeeded: nothing to draw")
    groups = list(
        dict.fromkeys((li["method"], li["batch_size"]) for li in done)
    )
    kinds = list(dict.fromkeys((li["backend"], li["precision"]) for li in done))
    drawing = Figure(figsize=(8, 1.2 + 0.3 * len(groups) * len(kinds)))
    axes = drawing.add_subplot()
    height = 0.8 / len(kinds)
    for place, kind in enumerate(kinds):
        bars = [
            (groups.index((li["method"], li["batch_size"])), li["images_per_s"])
            for li in done
            if (li["backend"], li["precision"]) == kind
        ]
        axes.barh(
            [
                group + height * (place - (len(kinds) - 1) / 2)
                for group, _ in bars
            ],
            [value for _, value in bars],
            height,
            label=" ".join(kind),
        )
    axes.set_yticks(range(len(groups)), [f"{m}, batch {b}" for m, b in groups])
    axes.invert_yaxis()
    axes.set_xlabel("images per second, all views")
    axes.legend(frameon=False)
    drawing.savefig(path, bbox_inches="tight")
