"""What `fit` costs on top of the step and of the sampler, per batch.

One batch is that of a FixMatch step: 64 labeled weak, 448 unlabeled weak and
the same 448 strong images of 32x32x3, with labels and index: 2.95 MB. The model
is next to nothing (every eighth pixel, a mean, one dense layer), so that what
is left is the way of the batch from the sampler to the step. Measured on the
backend that KERAS_BACKEND names, in turns, medians over the rounds:

    step      the compiled step by hand, on one batch that lies there
    sampler   batches asked for and dropped
    both      the step by hand, and a batch asked for and dropped, in turns
    ready     fit on one batch handed out again and again: no sampler
    fit       fit on the batches of a sampler
    ... (plain)   the same by the way that Keras takes on its own, a PyDataset

CPU is the time of all threads of the process, the sampler's included. What
delivery costs is therefore "ready - step", and in company of a sampler
"fit - step - sampler". Threads that run at once slow each other down, which
"fit - both" leaves out.

    KERAS_BACKEND=tensorflow python benchmarks/delivery.py
    KERAS_BACKEND=jax python benchmarks/delivery.py --threads 1 --out d.jsonl
"""

import argparse
import itertools
import json
import os
import pathlib
import statistics
import time

import numpy as np

from keras_ssl.benchmark import machine

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
IMAGES, LABELED, RATIO = 10_000, 64, 7
PACKAGES = ("keras_ssl", "keras", "numpy", "jax", "tensorflow-cpu", "torch")


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--steps", type=int, default=100, help="in a round")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument(
        "--threads", type=int, default=0, help="of the sampler; 0: every core"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=pathlib.Path, help="JSON lines, appended")
    return parser.parse_args()


def variants(options):
    """Functions by name, each of which runs one round."""
    import keras
    from keras import ops

    import keras_ssl

    class Trivial(keras_ssl.SSLModel):
        views = keras_ssl.methods.FixMatch.views
        terms = ("size",)

        def objective(self, batch):
            few = [batch[name][:, ::8, ::8] for name in self.views]
            logits = self.logits(*few)
            return {"size": sum(ops.mean(ops.square(x)) for x in logits)}

    class Ready(keras.utils.PyDataset):
        """One batch for ever, in the form of `Batches`."""

        num_batches = None
        unlabeled_size = IMAGES

        def __init__(self, batch):
            super().__init__()
            self.batch = batch

        def from_step(self, step):
            return self

        def __getitem__(self, i):
            return self.batch

    rng = np.random.default_rng(options.seed)
    images = rng.integers(0, 256, (IMAGES, 32, 32, 3), dtype=np.uint8)
    data = keras_ssl.data.from_arrays((images, np.arange(IMAGES) % 10))
    split = data.split(labels_per_class=25, seed=options.seed)

    def model():
        pixels = keras.Input((None, None, 3))
        mean = keras.layers.GlobalAveragePooling2D()(pixels)
        made = Trivial(
            keras.Model(pixels, keras.layers.Dense(10)(mean)), ema_decay=0
        )
        made.compile(keras.optimizers.SGD(1e-3), total_steps=1)
        return made

    def batches():
        return split.batches(
            model(), LABELED, RATIO, options.seed, threads=options.threads
        )

    ready = Ready(batches()[0])
    how = {"steps_per_epoch": options.steps, "shuffle": False, "verbose": 0}

    def fit(batches):
        trained = model()
        return lambda: trained.fit(batches, **how)

    def fit_plain(batches):
        trained = model()
        return lambda: keras.Model.fit(
            trained, batches.from_step(trained.steps_taken()), **how
        )

    def by_hand(step, batches=None):
        count = itertools.count()

        def run():
            for _ in range(options.steps):
                if batches is not None:
                    batches[next(count)]
                loss = step()
            float(loss)  # waits until it is done

        return run

    return {
        "step": by_hand(compiled_step(model(), ready)),
        "sampler": by_hand(lambda: 0.0, batches()),
        "both": by_hand(compiled_step(model(), ready), batches()),
        "ready": fit(ready),
        "ready (plain)": fit_plain(ready),
        "fit": fit(batches()),
        "fit (plain)": fit_plain(batches()),
    }


def compiled_step(model, ready):
    """The compiled step of a model, on a batch that is on the device.

    A function of nothing that returns the loss, which may not be there yet.
    """
    import keras

    model.fit(ready, steps_per_epoch=1, verbose=0)
    batch = keras.tree.map_structure(keras.ops.convert_to_tensor, ready[0])
    run = model.train_function
    if keras.backend.backend() != "jax":
        return lambda: run([batch])["loss"]
    # the state goes in as values, and the step swallows what it is given
    state = tuple(
        [keras.ops.copy(variable.value) for variable in group]
        for group in (
            model.trainable_variables,
            model.non_trainable_variables,
            model.optimizer.variables,
            model.metrics_variables,
        )
    )

    def step():
        nonlocal state
        logs, state = run(state, iter([batch]))
        return logs["loss"]

    return step


def measure(rounds_by_name, rounds, steps):
    """Medians of milliseconds a step, as `{name: {"cpu": .., "wall": ..}}`."""
    for run in rounds_by_name.values():
        run()  # compiles
    times = {name: {"cpu": [], "wall": []} for name in rounds_by_name}
    for _ in range(rounds):
        for name, run in rounds_by_name.items():
            time.sleep(0.05)  # a sampler is still making two batches ahead
            wall, cpu = time.perf_counter(), time.process_time()
            run()
            times[name]["cpu"].append((time.process_time() - cpu) / steps)
            times[name]["wall"].append((time.perf_counter() - wall) / steps)
    return {
        name: {kind: 1e3 * statistics.median(all_) for kind, all_ in of.items()}
        for name, of in times.items()
    }


def main():
    options = arguments()
    runs = variants(options)
    import keras

    figures = measure(runs, options.rounds, options.steps)
    print(f"{keras.backend.backend():30}{'CPU ms':>10}{'wall ms':>10}")
    for way in ("", " (plain)"):
        ready, fit = figures["ready" + way], figures["fit" + way]
        step, sampler = figures["step"], figures["sampler"]
        both = figures["both"]
        figures["ready - step" + way] = {
            kind: ready[kind] - step[kind] for kind in ready
        }
        figures["fit - step - sampler" + way] = {
            kind: fit[kind] - step[kind] - sampler[kind] for kind in fit
        }
        figures["fit - both" + way] = {
            kind: fit[kind] - both[kind] for kind in fit
        }
    for name, of in figures.items():
        print(f"{name:30}{of['cpu']:10.2f}{of['wall']:10.2f}")
    if options.out:
        line = {
            "benchmark": "delivery",
            "backend": keras.backend.backend(),
            **{k: v for k, v in vars(options).items() if k != "out"},
            "milliseconds": {
                name: {kind: round(value, 3) for kind, value in of.items()}
                for name, of in figures.items()
            },
            **machine.machine(PACKAGES),
        }
        options.out.parent.mkdir(parents=True, exist_ok=True)
        with options.out.open("a") as file:
            file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
