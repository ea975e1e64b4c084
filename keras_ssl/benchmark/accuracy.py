"""What methods make of few labels: trainings over seeds, and their table.

Between two bounds: "supervised" learns from the same labels alone, and, as the
ceiling, from as many labels as every class has. Each training is one `keras-ssl
train` in a process of its own.
"""

import argparse
import collections
import dataclasses
import itertools
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from keras_ssl import run_data

TWIN = "supervised"
OF_ALL = ("ema_decay", "seed")  # settings that every method has


@dataclasses.dataclass(frozen=True)
class Training:
    """What one process trains.

    Args:
        method: a name of `methods.names()`.
        backend: "tensorflow", "jax" or "torch".
        seed: of split, weights and batches.
        data: a name that `data.load` takes, or an .npz file.
        labels_per_class: labeled images of each class.
        rest: further arguments of `keras-ssl train`.
    """

    method: str
    backend: str
    seed: int = 0
    data: str = "digits"
    labels_per_class: int = 4
    rest: tuple[str, ...] = ()

    def command(self) -> list[str]:
        """The arguments of `keras-ssl` but the folder."""
        return [
            "train", "--method", self.method, "--backend", self.backend,
            "--data", self.data, "--seed", str(self.seed),
            "--labels-per-class", str(self.labels_per_class), *self.rest,
        ]  # fmt: skip


def trainings(
    methods: Iterable[str],
    backends: Iterable[str],
    seeds: Iterable[int],
    data: str,
    labels_per_class: int,
    rest: tuple[str, ...] = (),
) -> list[Training]:
    """Every method, between its two bounds, on every backend with every seed.

    Args:
        methods: names of methods.
        backends: names of backends.
        seeds: whole numbers.
        data: as for `Training`.
        labels_per_class: of the methods and the lower bound.
        rest: as for `Training`; what `--set` is for the methods alone is left
            out for the bounds.
    """
    kinds = [(name, labels_per_class) for name in (TWIN, *methods)]
    kinds.append((TWIN, all_labels(data) - _held_out(rest)))
    return [
        Training(
            method,
            backend,
            seed,
            data,
            labels,
            _of_all(rest) if method == TWIN else rest,
        )
        for (method, labels), backend, seed in itertools.product(
            dict.fromkeys(kinds), backends, seeds
        )
    ]


def _of_all(rest: tuple[str, ...]) -> tuple[str, ...]:
    """The arguments without settings that only some methods have."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--set", action="append", default=[])
    given, others = parser.parse_known_args(rest)
    kept = [x for x in given.set if x.partition("=")[0] in OF_ALL]
    return (*others, *(word for x in kept for word in ("--set", x)))


def _held_out(rest: tuple[str, ...]) -> int:
    """The images of each class that no training sees."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--validation-per-class", type=int, default=0)
    return int(parser.parse_known_args(rest)[0].validation_per_class)


def all_labels(data: str) -> int:
    """The labels of each class where all are used: those of the rarest one."""
    labels = run_data.load({"data": data}).train[1]
    return int(np.bincount(labels[labels >= 0]).min())


def run(jobs: Iterable[Training]) -> Iterator[dict[str, Any]]:
    """Trains one after the other.

    Yields:
        For each a dict: what was trained, the "command", what the run's
        result.json has, among it "test_accuracy", 0 to 1, and "peak_mib", the
        most memory held; or "failed", the last line of what went wrong.
    """
    for job in jobs:
        line = dataclasses.asdict(job)
        del line["rest"]  # the command has it
        yield {**line, **_of_a_process(job)}


def _of_a_process(job: Training) -> dict[str, Any]:
    command = job.command()
    found: dict[str, Any] = {"command": "keras-ssl " + " ".join(command)}
    with tempfile.TemporaryDirectory() as folder:
        errors = pathlib.Path(folder, "errors.txt")
        with errors.open("w") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "keras_ssl", *command, "--out", folder],
                env={**os.environ, "KERAS_BACKEND": job.backend},
                stdout=2,  # beside the table
                stderr=file,
            )
            _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            lines = errors.read_text().strip().splitlines()
            last = lines[-1] if lines else f"exit {process.returncode}"
            return {**found, "failed": last}
        result = json.loads(pathlib.Path(folder, "result.json").read_text())
    per_mib = 2**20 if sys.platform == "darwin" else 2**10
    return {**found, **result, "peak_mib": round(used.ru_maxrss / per_mib)}


def table(lines: Sequence[dict[str, Any]]) -> str:
    """Text: mean and standard deviation over seeds of each method.

    "labels" are those of each class.
    """
    groups = collections.defaultdict(list)
    for line in lines:
        at = line["method"], line["labels_per_class"], line["backend"]
        groups[at].append(line)
    names = ("method", "labels", "backend", "accuracy %", "std", "seeds")
    head = "{:24}{:>7}  {:14}{:>11}{:>7}{:>7}".format(*names)
    rows = [_row(*at, found) for at, found in groups.items()]
    return "\n".join([head, *rows])


def _row(
    method: str, labels: int, backend: str, lines: Sequence[dict[str, Any]]
) -> str:
    scores = [100 * li["test_accuracy"] for li in lines if "failed" not in li]
    failed = [line["failed"] for line in lines if "failed" in line]
    row = f"{method:24}{labels:7}  {backend:14}"
    if scores:
        spread = statistics.stdev(scores) if len(scores) > 1 else 0.0
        row += f"{statistics.mean(scores):11.2f}{spread:7.2f}{len(scores):7}"
    return row + (f"  failed: {failed[0]}" if failed else "")
