"""The data of a run: a data set by name, or one's own image files."""

import pathlib
from argparse import Namespace
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import keras_ssl
from keras_ssl import run_labels

if TYPE_CHECKING:  # knows Keras
    from keras_ssl.data.batches import Batches

FILES = ("labeled", "unlabeled", "test")


def settle(options: Namespace) -> None:
    """Makes the arguments of `keras-ssl train` about files fit together.

    Raises:
        ValueError: files without --labeled.
    """
    given = [name for name in FILES if getattr(options, name)]
    if not given:
        if options.data.endswith(".npz"):
            options.data = str(pathlib.Path(options.data).resolve())
        return
    if "labeled" not in given:
        raise ValueError(
            f"--{given[0]} needs --labeled: a folder with a folder of images "
            "for each class, or a .csv file"
        )
    for name in given:  # so that the run can be continued from elsewhere
        setattr(
            options, name, str(pathlib.Path(getattr(options, name)).resolve())
        )
    options.data = "folder"


def is_own(name: str) -> bool:
    """Whether a data set's name stands for files of somebody's own."""
    return name == "folder" or name.endswith(".npz")


def load(
    config: Mapping[str, Any], data_dir: str | None = None
) -> "keras_ssl.data.Dataset":
    """The data set of a run.

    Args:
        config: its arguments.
        data_dir: folder of prepared TensorFlow Datasets.
    """
    if config["data"].endswith(".npz"):
        return keras_ssl.data.from_npz(
            config["data"], flip=not config.get("no_flip")
        )
    if not config.get("labeled"):
        return keras_ssl.data.load(config["data"], data_dir=data_dir)
    return keras_ssl.data.from_folder(
        config["labeled"],
        config.get("unlabeled"),
        config.get("test"),
        image_size=config.get("image_size"),
        flip=not config.get("no_flip"),
    )


def split_of(
    run: "keras_ssl.RunFolder",
    data: "keras_ssl.data.Dataset",
    step: int | None = None,
) -> "keras_ssl.data.Split":
    """The split of a run, with the labels that it was given since it began.

    Args:
        run: the run folder.
        data: what `load` returned for it.
        step: with those that it had when it took this step, counted from 1.
            `None`, the default: with all.
    """
    split = keras_ssl.data.Split.load(run.path / "split.json", data)
    return run_labels.applied(run, split, step)


def batches(
    config: dict[str, Any],
    split: "keras_ssl.data.Split",
    model: Any,
    threads: int = 0,
) -> "Batches":
    """The batches that a run is trained on.

    Args:
        config: the arguments of the run; the augmentation is added to them
            where it is missing.
        split: of its data set.
        model: its model, or the class of it.
        threads: of the sampler; 0, the default: one for each core.

    Raises:
        ValueError: the run was begun with other augmentation.
    """
    made = split.batches(
        model,
        batch_size=config["batch_size"],
        unlabeled_ratio=config["unlabeled_ratio"],
        seed=config["seed"],
        steps_per_epoch=config["steps_per_epoch"],
        threads=threads,
        reveal_truth=True,
    )
    augmentation = {
        view: policy.to_config() for view, policy in made.policies.items()
    }
    if config.setdefault("augmentation", augmentation) != augmentation:
        raise ValueError(
            "this run was begun with other augmentation than this version of "
            "keras_ssl has; its config.json shows which"
        )
    return made


def batch(
    run: "keras_ssl.RunFolder", step: int, data_dir: str | None = None
) -> tuple[dict[str, NDArray[Any]], NDArray[np.int32]]:
    """What `RunFolder.batch` returns."""
    from keras_ssl import methods

    config = run.read("config")
    if not config or "data" not in config:
        raise ValueError(
            f"{run.path} holds no run of keras-ssl train, whose arguments say "
            "how its batches are made; of batches made in Python item i is the "
            "batch of step i + 1"
        )
    if step < 1:
        raise ValueError(f"steps are counted from 1; received {step}")
    split = split_of(run, load(config, data_dir), step)
    method = methods.get(config["method"])
    return batches(config, split, method, threads=1)[step - 1]


def draw(
    options: Namespace, data: "keras_ssl.data.Dataset"
) -> "keras_ssl.data.Split":
    """A split as the arguments of `keras-ssl train` ask for it.

    Raises:
        ValueError: arguments that do not go together, or no such split.
    """
    known = labels_are_given(vars(options), data)
    choosing = [
        "--" + name.replace("_", "-")
        for name in ("long_tailed", "classes")
        if getattr(options, name)
    ]
    if known and choosing:
        raise ValueError(
            f"{choosing[0]} chooses which labels are known; of {options.data} "
            "all that are given are"
        )
    if len(choosing) > 1:
        raise ValueError(
            "--long-tailed draws from every class; leave --classes out"
        )
    if known:
        return data.split_given(options.seed, options.validation_per_class)
    if options.long_tailed:
        return _long_tailed(options, data)
    return data.split(
        options.labels_per_class,
        seed=options.seed,
        validation_per_class=options.validation_per_class,
        classes=options.classes,
    )


def _long_tailed(
    options: Namespace, data: "keras_ssl.data.Dataset"
) -> "keras_ssl.data.Split":
    """The split that `--long-tailed` asks for.

    Raises:
        ValueError: not three or four numbers, or no such split.
    """
    numbers = options.long_tailed
    if len(numbers) not in (3, 4) or any(x % 1 for x in numbers[:2]):
        raise ValueError(
            "--long-tailed takes two whole numbers of images and one or two "
            f"ratios, such as 1500 3000 100; received "
            f"{' '.join(f'{x:g}' for x in numbers)}"
        )
    labeled, unlabeled, ratio, *other = numbers
    return data.split_long_tailed(
        int(labeled),
        int(unlabeled),
        ratio,
        other[0] if other else None,
        seed=options.seed,
        validation_per_class=options.validation_per_class,
    )


def labels_are_given(
    config: Mapping[str, Any], data: "keras_ssl.data.Dataset"
) -> bool:
    """Whether the run uses all labels that its own files or arrays have.

    So it is with files, and with arrays that mark some labels as unknown.
    """
    if config["data"].endswith(".npz"):
        return bool((data.train[1] < 0).any())
    return bool(config.get("labeled"))
