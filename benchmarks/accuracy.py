"""Test accuracy of methods on the same splits, over seeds and backends.

Each training is one `keras-ssl train` in a process of its own. One JSON line
for each goes to the results file, with the command, the machine, the versions
and the commit; a table of means and standard deviations is printed at the end.
"label_spreading" stands for scikit-learn's LabelSpreading on the same splits.

    python benchmarks/accuracy.py --data digits --labels-per-class 2 \\
        --methods supervised fixmatch label_spreading --seeds 0 1 2 3 4 \\
        --out benchmarks/results/digits.jsonl -- --epochs 20 --batch-size 32
"""

import argparse
import collections
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

from keras_ssl.benchmark import machine


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", default="digits")
    parser.add_argument("--labels-per-class", type=int, default=2)
    parser.add_argument("--methods", nargs="+", default=["fixmatch"])
    parser.add_argument("--backends", nargs="+", default=["jax"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--out", type=pathlib.Path, help="JSON lines, appended")
    parser.add_argument(
        "rest", nargs="*", help="after --: handed on to keras-ssl train"
    )
    return parser.parse_args()


PACKAGES = (
    "keras", "numpy", "jax", "tensorflow-cpu", "tensorflow", "torch",
    "scikit-learn",
)  # fmt: skip


def train(options, method, backend, seed):
    """One training through the command line; its result."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            "train", "--method", method, "--backend", backend,
            "--data", options.data, "--seed", str(seed),
            "--labels-per-class", str(options.labels_per_class), *options.rest,
        ]  # fmt: skip
        peak = peak_memory(
            [sys.executable, "-m", "keras_ssl", *command, "--out", folder],
            {**os.environ, "KERAS_BACKEND": backend},
        )
        result = json.loads((pathlib.Path(folder) / "result.json").read_text())
    return {
        "command": "keras-ssl " + " ".join(command),
        **result,
        "peak_mib": peak,
    }


def peak_memory(command, environment):
    """Runs a command that must succeed; the most memory it held, in MiB."""
    process = subprocess.Popen(command, env=environment, stdout=sys.stderr)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    per_mib = 2**20 if sys.platform == "darwin" else 2**10
    return round(used.ru_maxrss / per_mib)


def label_spreading(options, seed):
    """scikit-learn's LabelSpreading on the same split, at its best kernel.

    Fitted on the training images, scored on the test images. Of a few kernels
    the one that scores best on the test set is taken: the peer at its best.
    """
    import numpy as np
    from sklearn.semi_supervised import LabelSpreading

    import keras_ssl

    data = keras_ssl.data.load(options.data)
    split = data.split(options.labels_per_class, seed=seed)
    (images, labels), (test_images, test_labels) = data.train, data.test
    known = np.full(len(labels), -1)
    known[split.labeled] = labels[split.labeled]
    scores = {}
    for kernel in (
        {"kernel": "rbf", "gamma": 0.25},
        {"kernel": "rbf", "gamma": 0.05},
        {"kernel": "knn", "n_neighbors": 5},
        {"kernel": "knn", "n_neighbors": 7},
        {"kernel": "knn", "n_neighbors": 10},
    ):
        model = LabelSpreading(**kernel, max_iter=200)
        model.fit(images.reshape(len(images), -1) / 16, known)
        guesses = model.predict(test_images.reshape(len(test_images), -1) / 16)
        scores[str(kernel)] = float((guesses == test_labels).mean())
    best = max(scores, key=scores.get)
    return {"test_accuracy": scores[best], "kernel": best}


def main():
    options = arguments()
    about = machine.machine(PACKAGES)
    table = collections.defaultdict(list)
    for method in options.methods:
        is_peer = method == "label_spreading"
        for backend in ["scikit-learn"] if is_peer else options.backends:
            for seed in options.seeds:
                result = (
                    label_spreading(options, seed)
                    if is_peer
                    else train(options, method, backend, seed)
                )
                table[method, backend].append(100 * result["test_accuracy"])
                line = {
                    "data": options.data,
                    "labels_per_class": options.labels_per_class,
                    "method": method,
                    "backend": backend,
                    "seed": seed,
                    **result,
                    **about,
                }
                if options.out:
                    options.out.parent.mkdir(parents=True, exist_ok=True)
                    with options.out.open("a") as file:
                        file.write(json.dumps(line) + "\n")
    print(
        f"{'method':18}{'backend':14}{'accuracy %':>11}{'std':>7}{'seeds':>7}"
    )
    for (method, backend), scores in table.items():
        spread = statistics.stdev(scores) if len(scores) > 1 else 0.0
        print(
            f"{method:18}{backend:14}{statistics.mean(scores):11.2f}"
            f"{spread:7.2f}{len(scores):7}"
        )


if __name__ == "__main__":
    main()
