"""A training step by `fit` beside the same mathematics by hand, in JAX.

For each method with a module in `benchmarks/native`: our model, trained by
`fit` on batches that lie ready, and a step written by hand around `jax.jit`,
with plain arrays and nothing else, from the same weights on the same batches.
Both run in one process, in turns; a round is so many steps, and the figures are
medians over the rounds after one round to warm up (and compile).

    python benchmarks/step.py
    python benchmarks/step.py --methods ladder improved_gan --steps 50 \\
        --out benchmarks/results/step.jsonl

The ratio is what Keras, our step's bookkeeping (the moving average, reported
losses) and the loop of `fit` cost on top; below 1 they cost less than what the
compiler makes better of ours.
"""

import argparse
import importlib
import json
import os
import pathlib
import statistics
import time

import numpy as np

from keras_ssl.benchmark import machine

os.environ["KERAS_BACKEND"] = "jax"
NATIVE = pathlib.Path(__file__).with_name("native")
METHODS = NATIVE.parents[1] / "keras_ssl/methods"
LABELED, IMAGES, SHAPE, CLASSES = 100, 50_000, (28, 28, 1), 10
PACKAGES = ("keras_ssl", "keras", "numpy", "jax")


def arguments():
    names = sorted(
        path.stem
        for path in NATIVE.glob("[!_]*.py")
        if (METHODS / path.name).exists()
    )
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--methods", nargs="+", choices=names, default=names)
    parser.add_argument(
        "--batch-size", type=int, default=100, help="labeled images of 28x28"
    )
    parser.add_argument("--unlabeled-ratio", type=int, default=1)
    parser.add_argument("--steps", type=int, default=40, help="in a round")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", type=pathlib.Path, help="JSON lines, appended")
    return parser.parse_args()


class Ready:
    """A few batches for ever, in the form of `Batches`; no sampler."""

    labeled_size, unlabeled_size = LABELED, IMAGES
    on_epoch_begin = on_epoch_end = staticmethod(lambda: None)

    def __init__(self, cls, options):
        rng = np.random.default_rng(0)
        self.steps_per_epoch = options.steps
        labeled = options.batch_size
        unlabeled = labeled * options.unlabeled_ratio
        self.batches = []
        for _ in range(4):
            views = {}
            for name, (stream, _) in cls.views.items():
                size = labeled if stream == "labeled" else unlabeled
                # mostly black, as digits are
                bright = rng.random((size, *SHAPE)) < 0.2
                views[name] = (bright * 255).astype(np.uint8)
            views["index"] = rng.permutation(IMAGES)[:unlabeled].astype("int32")
            labels = rng.integers(0, CLASSES, labeled).astype("int32")
            self.batches.append((views, labels))

    def from_step(self, step):
        return self

    def __getitem__(self, i):
        return self.batches[i % len(self.batches)]


def prepared(name, options):
    """Our model and the native step of a method, and batches for both."""
    import keras

    from keras_ssl import methods, networks

    keras.utils.set_random_seed(0)
    cls = methods.get(name)
    make = networks.get(cls.default_network)
    model = cls(make(num_classes=CLASSES, input_shape=SHAPE))
    model.compile(total_steps=10**6)
    ready = Ready(cls, options)
    model.build_state(ready.unlabeled_size)
    model.start(ready)
    native = importlib.import_module(f"native.{name}").make(model)
    return model, native, ready


def rounds_of(name, options):
    """Seconds per step of ours and of the native one, a pair for each round."""
    import jax

    model, (step, state), ready = prepared(name, options)
    batches = [{**views, "labels": labels} for views, labels in ready.batches]
    found = []
    for _ in range(options.rounds + 1):
        begun = time.perf_counter()
        model.fit(ready, epochs=1, verbose=0)
        ours = time.perf_counter() - begun
        begun = time.perf_counter()
        for i in range(options.steps):
            state, loss = step(state, batches[i % len(batches)])
        jax.block_until_ready((state, loss))
        by_hand = time.perf_counter() - begun
        found.append((ours / options.steps, by_hand / options.steps))
    return found[1:]


def main():
    options = arguments()
    about = machine.machine(PACKAGES)
    print(f"{'method':26}{'fit ms':>9}{'by hand ms':>12}{'ratio':>8}")
    for name in options.methods:
        rounds = rounds_of(name, options)
        ours = statistics.median(ours for ours, _ in rounds)
        by_hand = statistics.median(by_hand for _, by_hand in rounds)
        ratio = statistics.median(one / other for one, other in rounds)
        print(f"{name:26}{1e3 * ours:9.2f}{1e3 * by_hand:12.2f}{ratio:8.3f}")
        line = {
            "method": name,
            "backend": "jax",
            "batch_size": options.batch_size,
            "unlabeled_ratio": options.unlabeled_ratio,
            "steps": options.steps,
            "rounds": options.rounds,
            "fit_ms": round(1e3 * ours, 3),
            "by_hand_ms": round(1e3 * by_hand, 3),
            "ratio": round(ratio, 4),
            **about,
        }
        if options.out:
            with options.out.open("a") as file:
                file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
