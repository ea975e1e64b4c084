"""The sampler against other ways to make the batches of a FixMatch step.

Each peer works in a process of its own and proves first that its batches are
the job (`peer_check.py`). Then they take turns, a few seconds each, in an order
that rotates from round to round, so that the load of the machine hits all
alike; whoever is not at work is stopped. One JSON line for each goes to the
results file, from which `sampler_report.py` makes the table and the figure of
docs/sampler.md. Peers that are not installed are skipped and reported.

    python benchmarks/sampler.py --quick
    python benchmarks/sampler.py --out benchmarks/results/sampler.jsonl

Needs psutil, and what the peers need: `peers/requirements.txt`.
"""

import argparse
import json
import os
import pathlib
import re
import shlex
import signal
import sys
import tempfile

import numpy as np

import peers
from contestant import Contestant
from keras_ssl.benchmark import machine
from peers.job import Job, make_images

PACKAGES = (
    "keras_ssl", "numpy", "opencv-python-headless", "pillow", "torch",
    "torchvision", "kornia", "albumentations", "spdl", "tensorflow-cpu",
    "nvidia-dali-cuda120",
)  # fmt: skip
LARGE = 64 * 64  # pixels; of larger images there are fewer
ROUNDS, SECONDS = 5, 2.0


def arguments(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--shapes",
        nargs="+",
        type=shape,
        default=[(32, 32, 3), (28, 28, 1), (224, 224, 3)],
        help="height x width x channels, as in 32x32x3",
    )
    parser.add_argument(
        "--draws",
        nargs="+",
        type=positive,
        default=[2, 3],
        help="how many ops an image gets under strong augmentation",
    )
    parser.add_argument("--threads", nargs="+", type=positive, default=[1, 2])
    parser.add_argument(
        "--peers",
        nargs="+",
        default=["all"],
        choices=["all", *peers.PEERS],
        metavar="PEER",
        help="of " + ", ".join(peers.PEERS),
    )
    parser.add_argument("--rounds", type=positive, default=ROUNDS)
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, help="of a turn, at least"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=pathlib.Path, help="JSON lines, appended")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="32x32x3 with two ops, one round of half a second",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="only check that the peers do the job, and time nothing",
    )
    options = parser.parse_args(argv)
    if "all" in options.peers:
        options.peers = list(peers.PEERS)
    if options.quick:
        options.shapes, options.draws = [(32, 32, 3)], [2]
        options.rounds, options.seconds = 1, 0.5
    if options.check:
        options.rounds = 0
    return options


def shape(text):
    if not re.fullmatch(r"\d+x\d+x[13]", text):
        raise argparse.ArgumentTypeError(
            f"expected height x width x 1 or 3, as in 32x32x3, received {text}"
        )
    return tuple(int(side) for side in text.split("x"))


def positive(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(
            f"expected a whole number of at least 1, received {text}"
        )
    return int(text)


def jobs(options, images, draws):
    """Name and job of all who take part."""
    batch_size = 64 if is_small(images.shape[1:]) else 8
    for name in options.peers:
        for threads in peers.PEERS[name].thread_counts(options.threads):
            yield name, Job(images, batch_size, draws, threads, options.seed)


def is_small(shape_):
    return shape_[0] * shape_[1] <= LARGE


def contest(options, images, source, draws):
    """All peers on one shape and number of ops; their results."""
    contestants = []
    try:
        for name, job in jobs(options, images, draws):
            contestants.append(Contestant(name, job, source))
            print_start(contestants[-1], options.check)
        for round_ in range(options.rounds):
            first = round_ % len(contestants)
            for contestant in contestants[first:] + contestants[:first]:
                if contestant.fit:
                    contestant.turn(options.seconds)
        return [contestant.result() for contestant in contestants]
    finally:
        for contestant in contestants:
            contestant.dismiss()
        for contestant in contestants:
            contestant.close()


def print_start(contestant, with_figures):
    start, name = contestant.start, contestant.name
    if "skipped" in start:
        print(f"{name}: skipped, {start['skipped']}")
        print(f"    {contestant.peer.install}", flush=True)
    elif "failed" in start:
        print(f"{name}: failed, {start['failed']}", flush=True)
    elif not contestant.fit:
        for problem in start["check"]["problems"]:
            print(f"{name}: not the job, {problem}", flush=True)
    elif with_figures:
        figures = {k: v for k, v in start["check"].items() if k != "problems"}
        print(f"{name}: {figures}", flush=True)


def print_results(results):
    timed = [result for result in results if "cpu_s_per_1000" in result]
    if timed:
        print(
            f"{'peer':20}{'threads':>7}{'CPU s/1000':>12}{'min..max':>19}"
            f"{'images/s':>10}{'first s':>9}{'peak MB':>9}"
        )
    for result in timed:
        cpu = result["cpu_s_per_1000"]
        extent = f"{cpu['min']:.4g}..{cpu['max']:.4g}"
        print(
            f"{result['peer']:20}{result['threads']:7}{cpu['median']:12.4g}"
            f"{extent:>19}{result['images_per_s']['median']:10.0f}"
            f"{result['first_batch_s']:9.2f}{result['peak_mb']:9.1f}"
        )


def main():
    options = arguments()
    # so that whoever is stopped is ended, too
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    run = {
        "rounds": options.rounds,
        "seconds": options.seconds,
        "seed": options.seed,
        "command": shlex.join(["python", *sys.argv]),
        **machine.machine(PACKAGES),
    }
    for shape_ in options.shapes:
        count = 10_000 if is_small(shape_) else 1_000
        images = make_images(count, shape_, options.seed)
        with tempfile.TemporaryDirectory() as folder:
            source = os.path.join(folder, "images.npy")
            np.save(source, images)
            for draws in options.draws:
                print(f"\n{shape_}, {draws} ops", flush=True)
                load = {"load_average": os.getloadavg()}
                results = contest(options, images, source, draws)
                print_results(results)
                if options.out and not options.check:
                    job = {"shape": shape_, "images": count, "draws": draws}
                    write(
                        options.out,
                        [{**job, **r, **load} for r in results],
                        run,
                    )


def write(path, results, run):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        for result in results:
            file.write(json.dumps({**result, **run}) + "\n")


if __name__ == "__main__":
    main()
