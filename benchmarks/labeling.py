"""What further labels bring, depending on who chooses the images.

A model learns the digits from two labels for each class. Then 20 more images
are labeled, chosen at random, by uncertainty alone or as `keras-ssl label`
chooses, and the training goes on with them. Test accuracy at the end, one JSON
line for each training.

    python benchmarks/labeling.py --out benchmarks/results/labeling.jsonl
"""

import argparse
import collections
import json
import pathlib
import statistics
import tempfile

import numpy as np

from keras_ssl.benchmark import machine

WAYS = ("none", "random", "uncertainty", "label")


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--method", default="fixmatch")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--steps", type=int, default=400, help="before; after")
    parser.add_argument("--seeds", nargs="+", type=int, default=range(5))
    parser.add_argument("--out", type=pathlib.Path, help="JSON lines, appended")
    return parser.parse_args()


def batches(split, model, options):
    return split.batches(
        model, 20, unlabeled_ratio=4, steps_per_epoch=options.steps
    )


def chosen(way, model, images, unknown, labeled, options, seed):
    """Which of the unknown images are to be labeled."""
    from keras_ssl import labeling

    if way == "random":
        rng = np.random.default_rng(seed)
        return rng.choice(unknown, options.count, replace=False)
    if way == "uncertainty":
        p, _ = labeling.predictions(model, images, unknown)
        places = labeling.most_valuable(labeling.uncertainty(p), options.count)
        return unknown[places]
    return labeling.rank(model, images, unknown, labeled, options.count).rows


def main():
    options = arguments()
    import keras

    import keras_ssl

    about = machine.machine(("keras", "numpy", keras.backend.backend()))
    data = keras_ssl.data.load("digits")
    images, truth = data.train
    table = collections.defaultdict(list)
    for seed in options.seeds:
        keras.utils.set_random_seed(seed)
        split = data.split(labels_per_class=2, seed=seed)
        unknown = np.setdiff1d(split.unlabeled, split.labeled)
        first = keras_ssl.methods.get(options.method)(
            keras_ssl.networks.MLP(input_shape=data.image_shape)
        )
        first.compile(total_steps=2 * options.steps)
        first.fit(batches(split, first, options), verbose=0)
        with tempfile.TemporaryDirectory() as room:
            file = pathlib.Path(room) / "model.keras"
            first.save(file)
            for way in WAYS:
                model, more = keras.saving.load_model(file), split
                if way != "none":
                    rows = chosen(
                        way, model, images, unknown, split.labeled, options,
                        seed,
                    )  # fmt: skip
                    more = split.with_labels(rows, truth[rows])
                model.fit(
                    batches(more, model, options),
                    epochs=2,
                    resume=True,
                    verbose=0,
                )
                result = model.evaluate(*data.test, verbose=0, return_dict=True)
                table[way].append(float(result["accuracy"]))
                line = {
                    "data": "digits",
                    "way": way,
                    "seed": seed,
                    "method": options.method,
                    "count": options.count,
                    "steps": 2 * options.steps,
                    "test_accuracy": table[way][-1],
                    "backend": keras.backend.backend(),
                    **about,
                }
                if options.out:
                    with options.out.open("a") as out:
                        out.write(json.dumps(line) + "\n")
    for way, scores in table.items():
        spread = statistics.stdev(scores) if len(scores) > 1 else 0.0
        mean = 100 * statistics.mean(scores)
        print(f"{way:12} {mean:5.1f} ± {100 * spread:.1f}")


if __name__ == "__main__":
    main()
