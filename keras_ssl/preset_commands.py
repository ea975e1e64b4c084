"""What `keras-ssl save-preset` and `describe` do, and `evaluate` with presets.

A preset's score is measured on the preset itself, read back from where it was
written, so what its card says is what its user gets.
"""

import hashlib
import json
import pathlib
import shlex
import statistics
import tempfile
from argparse import Namespace
from collections.abc import Iterable
from typing import Any

import keras_ssl
from keras_ssl import run_data, run_labels
from keras_ssl.data.open_set import restricted

# of the arguments of a training, what its preset keeps
KEPT = (
    "method", "network", "set", "data", "seed", "backend", "versions",
)  # fmt: skip
NOT_ARGUMENTS = (
    "set", "versions", "augmentation", "class_names", "backends",
)  # fmt: skip
# accuracies of one preset differ so much at most, between backends
TOLERANCE = 2e-4


def save_preset(options: Namespace) -> None:
    """`keras-ssl save-preset`: makes a preset of a finished run."""
    from keras_ssl import models

    run = open_run(options.run)
    config, result = run.read("config") or {}, run.read("result")
    if result is None:
        raise ValueError(
            f"the run in {run.path} is not finished: it has no result.json; "
            f"go on with keras-ssl train --resume --out {run.path}"
        )
    data = run_data.load(config, options.data_dir)
    split = run_data.split_of(run, data)
    name = options.name or preset_name(config, len(split.labeled))
    folder = pathlib.Path(options.out or run.path / "preset") / name
    model = run.load_model()
    about = {
        **{key: config[key] for key in KEPT},
        "class_names": list(split.dataset.class_names),
        "labels_per_class": split.labels_per_class,
        "labeled": len(split.labeled),
        "unlabeled": len(split.unlabeled),
        # since the command below began it, by keras-ssl label
        "labels_added": run_labels.count(run),
        "split_sha256": file_sha256(run.path / "split.json"),
        "command": command_of(config),
        "seconds": result["seconds"],
        "steps": model.steps_taken(),
        "commit": options.commit or config.get("commit"),
        "license": options.license,
    }
    arguments: dict[str, Any] = {
        "images": (split.test or data.train)[0],
        "float16": options.float16,
    }
    if split.test is not None:
        with tempfile.TemporaryDirectory() as room:
            trial = models.save_to_preset(
                model, pathlib.Path(room) / name, about=about, **arguments
            )
            score = measure(models.load(str(trial)), split.test)
        full = result["test_accuracy"]
        if score["test_accuracy"] < full - options.loses_at_most:
            raise ValueError(
                f"as a preset the model scores {score['test_accuracy']:.4f}, "
                f"in the run it scored {full:.4f}; leave --float16 out"
            )
        about["score"] = {**score, "in_the_run": full}
        about["score"].update(compared(options.compare, config))
    models.save_to_preset(
        model, folder, about=about, overwrite=options.overwrite, **arguments
    )
    size = sum(path.stat().st_size for path in folder.iterdir())
    print((folder / "README.md").read_text("utf-8"))
    print(f"{size / 1e6:.2f} MB in {folder}")


def preset_name(config: dict[str, Any], labeled: int) -> str:
    """method_network_data_labels, without what is said twice."""
    method, network = config["method"], config["network"]
    if network.startswith(method):
        method, network = network, ""
    data = config["data"].partition(":")[0].replace("/", "_")
    return "_".join(word for word in (method, network, data) if word) + (
        f"_{labeled}"
    )


def command_of(config: dict[str, Any]) -> str:
    """The command that makes such a run."""
    words = ["keras-ssl train"]
    for name, value in config.items():
        if name in NOT_ARGUMENTS or (name == "data" and config.get("labeled")):
            continue
        flag = f"--{name.replace('_', '-')}"
        if value is True:
            words.append(flag)
        elif value is not None and value is not False:  # 0 is a value
            values = value if isinstance(value, list) else [value]
            words += [flag, shlex.join(_text(value) for value in values)]
    words += [f"--set {name}={value}" for name, value in config["set"].items()]
    return " ".join(words)


def _text(value: Any) -> str:
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value) if whole else value)


def file_sha256(path: pathlib.Path) -> str:
    """SHA-256 of a small file, hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def open_run(path: str) -> "keras_ssl.RunFolder":
    """The run folder at a path.

    Raises:
        ValueError: there is none.
    """
    if not (pathlib.Path(path) / "config.json").exists():
        raise ValueError(
            f"{path} is no run folder: it has no config.json; make one with "
            "keras-ssl train --out"
        )
    return keras_ssl.RunFolder(path)


def measure(model: "keras_ssl.SSLModel", test: Any) -> dict[str, Any]:
    """Accuracy of a model on a test set."""
    images, labels = test
    logits = model.predict(images, batch_size=500, verbose=0)
    right = int((logits.argmax(axis=-1) == labels).sum())
    return {"test_accuracy": right / len(labels), "test_images": len(labels)}


def compared(paths: Iterable[str], config: dict[str, Any]) -> dict[str, Any]:
    """Scores of other trainings to set beside a preset's.

    Args:
        paths: run folders, or files of JSON lines as `benchmarks/` writes
            them; what has other data, labels or another network is passed
            over, and so is what was there before, by its command and seed.
        config: of the run that the preset is made of.

    Returns:
        dict: "trainings", those by the same method, and "supervised", those on
        the labeled images alone; each with mean, deviation and number.
    """
    groups: dict[str, list[dict[str, Any]]] = {
        "trainings": [],
        "supervised": [],
    }
    seen = set()
    for row in (row for path in paths for row in _rows(pathlib.Path(path))):
        same = (
            "data", "labels_per_class", "long_tailed", "classes", "labeled",
        )  # fmt: skip
        training = (row["method"], row.get("command"), row.get("seed"))
        if any(row.get(name) != config.get(name) for name in same):
            continue
        if row.get("network", config["network"]) != config["network"]:
            continue  # without a name it is the method's own
        if training in seen:
            continue
        seen.add(training)
        if row["method"] == config["method"]:
            groups["trainings"].append(row)
        elif row["method"] == "supervised":
            groups["supervised"].append(row)
    return {name: _spread(rows) for name, rows in groups.items() if rows}


def _rows(path: pathlib.Path) -> list[dict[str, Any]]:
    if path.is_file():
        lines = path.read_text("utf-8").splitlines()
        return [json.loads(line) for line in lines if line.strip()]
    run = open_run(str(path))
    config, result = run.read("config") or {}, run.read("result")
    if result is None:
        raise ValueError(f"the run in {path} is not finished")
    return [{**config, **result, "command": command_of(config)}]


def _spread(rows: list[dict[str, Any]]) -> dict[str, Any]:
    scores = [row["test_accuracy"] for row in rows]
    return {
        "mean": statistics.mean(scores),
        "deviation": statistics.stdev(scores) if len(scores) > 1 else 0.0,
        "trainings": len(scores),
        "accuracies": scores,
        "command": rows[0].get("command"),
    }


def describe(options: Namespace) -> None:
    """`keras-ssl describe`: the model card of a preset."""
    from keras_ssl import models
    from keras_ssl.models import model_card

    about = models.describe(options.name)
    print(
        json.dumps(about, indent=2) if options.json else model_card.write(about)
    )


def evaluate_preset(options: Namespace) -> None:
    """`keras-ssl evaluate PRESET`: its score, beside the published one.

    Raises:
        ValueError: they differ, or the predictions do; or it was trained on
            images of somebody's own.
    """
    from keras_ssl import models

    about = models.describe(options.run)
    difference = models.check(options.run)
    print(f"{about['name']}: logits differ by at most {difference:.1e}")
    if difference > 1e-3:
        raise ValueError(
            f"{about['name']} does not predict here what it predicted when it "
            f"was written: its logits differ by {difference:.2g}"
        )
    published = about.get("score")
    if not published:
        print("no score was published")
        return
    if run_data.is_own(about["data"]):
        raise ValueError(
            f"{about['name']} was trained on images that do not come with it: "
            "add --test FOLDER, with a folder of images for each class"
        )
    data = keras_ssl.data.load(about["data"], data_dir=options.data_dir)
    if list(data.class_names) != list(about["class_names"]):
        data = restricted(data, about["class_names"])
    score = measure(models.load(options.run), data.test)
    print(
        f"test accuracy {100 * score['test_accuracy']:.2f} % of "
        f"{score['test_images']} images; published "
        f"{100 * published['test_accuracy']:.2f} %"
    )
    if abs(score["test_accuracy"] - published["test_accuracy"]) > TOLERANCE:
        raise ValueError("the published score is not reproduced")
