"""What `keras-ssl benchmark` takes and does."""

import argparse
import itertools
import json
import pathlib
import sys
from argparse import Namespace
from typing import Any

from keras_ssl.argument_types import whole
from keras_ssl.benchmark import contest, findings, machine

PACKAGES = (
    "keras_ssl", "keras", "numpy", "jax", "tensorflow", "tensorflow-cpu",
    "torch",
)  # fmt: skip
QUICK: dict[str, Any] = {
    "methods": ["supervised", "fixmatch"],
    "steps": 5,
    "rounds": 2,
}
DEFAULTS: dict[str, Any] = {"methods": ["fixmatch"], "steps": 20, "rounds": 5}


def add_benchmark(commands: Any) -> None:
    """Adds the subcommand to those of an `argparse` parser."""
    own = commands.add_parser(
        "benchmark",
        help="find out which backend is fast for which method here",
        description="Train methods for a few steps on each backend, from the "
        "same weights on the same batches, each in a process of its own, one "
        "after the other. The table has the seconds of the first step "
        "(compilation), the milliseconds of a later one (median, fastest and "
        "slowest round), images per second over all views, the share of time "
        "that was spent waiting for batches, the most memory held, and how far "
        "the first losses are from those of the first row.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    own.add_argument(
        "--quick",
        action="store_true",
        help=f"{' and '.join(QUICK['methods'])}, {QUICK['rounds']} rounds of "
        f"{QUICK['steps']} steps",
    )
    own.add_argument(
        "--methods", nargs="+", help="see: list methods; None: fixmatch"
    )
    own.add_argument(
        "--backends",
        nargs="+",
        choices=("tensorflow", "jax", "torch"),
        help="None: those that are installed",
    )
    own.add_argument(
        "--precisions",
        nargs="+",
        choices=contest.PRECISIONS,
        default=["float32"],
        help="of the layers' computations",
    )
    own.add_argument(
        "--batch-sizes",
        nargs="+",
        type=whole(1),
        default=[64],
        help="labeled images in a batch",
    )
    own.add_argument(
        "--unlabeled-ratio",
        type=whole(1),
        help="unlabeled images per labeled one in a batch; None: the method's",
    )
    own.add_argument("--network", help="see: list networks; None: the method's")
    own.add_argument(
        "--data",
        default="random",
        help="random (images of noise), digits or a TFDS image data set",
    )
    own.add_argument(
        "--image-size",
        type=whole(1),
        default=32,
        help="side of random images, which have three channels",
    )
    own.add_argument("--steps", type=whole(1), help="in a round; None: 20")
    own.add_argument("--rounds", type=whole(1), help="None: 5")
    own.add_argument(
        "--steps-per-execution",
        type=whole(1),
        default=1,
        help="steps that are handed to the device at once",
    )
    own.add_argument(
        "--threads",
        type=whole(0),
        default=0,
        help="of the sampler; 0: one per core",
    )
    own.add_argument("--seed", type=whole(0), default=0)
    own.add_argument(
        "--out", type=pathlib.Path, help="JSON lines, appended to this file"
    )
    own.add_argument(
        "--figure", help="bars of images per second: .svg, .png or .pdf"
    )


def benchmark(options: Namespace) -> None:
    """`keras-ssl benchmark`: measures, prints and keeps.

    Raises:
        ImportError: a figure is asked for and Matplotlib is missing.
        ChildProcessError: some of the jobs failed; the table says why.
    """
    jobs = jobs_of(options)
    about = machine.machine(PACKAGES)
    lines = []
    for number, line in enumerate(contest.run(jobs), 1):
        lines.append(line)
        of = f"{number} of {len(jobs)}"
        print(f"{of}: {line['method']} on {line['backend']}", file=sys.stderr)
        if options.out:
            options.out.parent.mkdir(parents=True, exist_ok=True)
            with options.out.open("a") as file:
                file.write(json.dumps({**line, **about}) + "\n")
    print(findings.table(lines))
    failed = [line for line in lines if "failed" in line]
    if options.figure and len(failed) < len(lines):
        findings.figure(lines, options.figure)
    if failed:
        raise ChildProcessError(f"{len(failed)} of {len(lines)} jobs failed")


def jobs_of(options: Namespace) -> list[contest.Job]:
    """Every method on every backend in every precision and batch size.

    Raises:
        ImportError: no backend is installed.
    """
    from keras_ssl import backend

    chosen = QUICK if options.quick else DEFAULTS
    counts = {
        name: getattr(options, name) or chosen[name]
        for name in ("steps", "rounds")
    }
    kept = ("unlabeled_ratio", "network", "data", "image_size",
            "steps_per_execution", "threads", "seed")  # fmt: skip
    shared = {name: getattr(options, name) for name in kept}
    return [
        contest.Job(method, name, precision, batch_size, **counts, **shared)
        for method, batch_size, name, precision in itertools.product(
            options.methods or chosen["methods"],
            options.batch_sizes,
            options.backends or backend.installed(),
            options.precisions,
        )
    ]
