"""The command `keras-ssl`: arguments, errors and exit codes.

Keras picks its backend when it is imported, so nothing here imports it before
`--backend` has been read.
"""

import argparse
import ast
import importlib.util
import json
import os
import pathlib
import sys
from collections.abc import Callable, Sequence
from typing import Any

import keras_ssl

EXAMPLES = """\
examples:
  keras-ssl train --data digits --method fixmatch --labels-per-class 2 \\
      --out runs/digits
  keras-ssl train --resume --out runs/digits      go on after an interruption
  keras-ssl evaluate runs/digits
  keras-ssl train --labeled cats_and_dogs --unlabeled photos --out runs/pets
  keras-ssl predict runs/pets more_photos --out predictions.csv
  keras-ssl export runs/pets --out pets.onnx
  keras-ssl save-preset runs/digits               to load by keras_ssl.models
  keras-ssl list methods
  keras-ssl describe fixmatch

exit codes: 0 done, 1 failed, 2 wrong arguments, 130 interrupted by Ctrl-C, 143
told to end by SIGTERM (the run can be resumed after both)
"""


def parser() -> argparse.ArgumentParser:
    """The command's `argparse` parser."""
    main = argparse.ArgumentParser(
        prog="keras-ssl",
        description="Train a classifier from few labels and many unlabeled "
        "images.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    main.add_argument(
        "--version", action="version", version=keras_ssl.__version__
    )
    main.add_argument(
        "--debug", action="store_true", help="show where an error comes from"
    )
    commands = main.add_subparsers(dest="command", required=True)
    _add_train(commands)
    _add_evaluate(commands)
    _add_presets(commands)
    listing = commands.add_parser("list", help="what there is, by name")
    listing.add_argument(
        "what",
        nargs="?",
        choices=("methods", "networks", "presets", "data"),
        help="default: everything",
    )
    return main


def whole(least: int) -> Callable[[str], int]:
    """An argument type: a whole number that is at least `least`."""

    def number(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least:
            raise argparse.ArgumentTypeError(
                f"expected a whole number of at least {least}; received "
                f"{text!r}"
            )
        return value

    return number


def setting(text: str) -> tuple[str, Any]:
    """An argument type: NAME=VALUE, the value as Python writes it."""
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise argparse.ArgumentTypeError(
            f"expected NAME=VALUE, such as threshold=0.9; received {text!r}"
        )
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value  # a word


def _add_backend(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--backend",
        choices=("tensorflow", "jax", "torch"),
        help="default: the environment variable KERAS_BACKEND, Keras' "
        "configuration file, or the first one installed",
    )
    command.add_argument(
        "--data-dir",
        help="folder of prepared TensorFlow Datasets; default: the environment "
        "variable KERAS_SSL_DATA, else TFDS' own",
    )


def _add_train(commands: Any) -> None:
    train = commands.add_parser(
        "train",
        help="train a model and test it",
        description="Train a model on labeled and unlabeled images, test its "
        "last weights (their moving average) and keep everything in a folder.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    train.add_argument("--method", default="fixmatch", help="see: list methods")
    train.add_argument(
        "--network", help="see: list networks; None: the method's"
    )
    train.add_argument(
        "--set",
        action="append",
        default=[],
        type=setting,
        metavar="NAME=VALUE",
        help="an argument of the method, such as threshold=0.9; repeat for "
        "several",
    )
    train.add_argument(
        "--data", default="digits", help="digits, or a TFDS image data set"
    )
    train.add_argument(
        "--labeled",
        metavar="DIR",
        help="instead of --data: a folder with a folder of images for each "
        "class, or a .csv file with the columns path and label; all labels "
        "are used",
    )
    train.add_argument(
        "--unlabeled",
        metavar="DIR",
        help="with --labeled: a folder of images, or a .csv file with the "
        "column path",
    )
    train.add_argument(
        "--test", metavar="DIR", help="with --labeled: as it, for testing"
    )
    train.add_argument(
        "--image-size",
        type=whole(1),
        metavar="SIDE",
        help="with --labeled: images are made squares of this side; None: as "
        "large as they are, up to 64",
    )
    train.add_argument(
        "--no-flip",
        action="store_true",
        help="with --labeled: the mirror image shows another class",
    )
    train.add_argument("--labels-per-class", type=whole(1), default=4)
    train.add_argument(
        "--validation-per-class",
        type=whole(0),
        default=0,
        help="images of each class held out of training, to be evaluated after "
        "each epoch; with 0 the test set is, which is for looking only: the "
        "reported weights are the last ones in any case",
    )
    train.add_argument("--epochs", type=whole(1), default=10)
    train.add_argument(
        "--steps-per-epoch",
        type=whole(1),
        default=100,
        help="steps in an epoch",
    )
    train.add_argument(
        "--batch-size",
        type=whole(1),
        default=64,
        help="labeled images in a batch",
    )
    train.add_argument(
        "--unlabeled-ratio",
        type=whole(1),
        help="unlabeled images per labeled one in a batch; None: the method's",
    )
    train.add_argument(
        "--seed",
        type=whole(0),
        default=0,
        help="decides the split, the first weights, order and augmentation",
    )
    train.add_argument(
        "--out", default="runs/latest", help="folder for the run"
    )
    train.add_argument(
        "--resume",
        nargs="?",
        const="always",
        choices=("always", "auto"),
        help="go on with the run in --out, with the arguments it began with; "
        "auto: begin one if there is none",
    )
    _add_keeping(train)
    train.add_argument(
        "--threads",
        type=whole(0),
        default=0,
        help="of the sampler; 0: one per core",
    )
    _add_backend(train)
    # so that an argument that was given can be told from one that was not
    train.set_defaults(defaults=vars(train.parse_args([])))


def _add_keeping(train: argparse.ArgumentParser) -> None:
    train.add_argument(
        "--save-every",
        type=whole(1),
        metavar="STEPS",
        help="also save after so many steps inside an epoch",
    )
    train.add_argument(
        "--save-minutes",
        type=float,
        metavar="MINUTES",
        help="also save when the last save was so long ago",
    )
    train.add_argument(
        "--keep",
        type=whole(1),
        default=2,
        metavar="CHECKPOINTS",
        help="how many; should the last one be damaged, the one before it "
        "takes its place",
    )
    train.add_argument(
        "--keep-best",
        action="store_true",
        help="also keep best.keras, of the epoch with the highest accuracy on "
        "the images that --validation-per-class holds out",
    )
    train.add_argument(
        "--skip-broken",
        action="store_true",
        help="leave out steps whose loss is not finite instead of ending there",
    )


def _add_evaluate(commands: Any) -> None:
    evaluate = commands.add_parser(
        "evaluate",
        help="test the model of a run, or a preset",
        description="Test the last saved model of a run on its test set; or a "
        "preset, beside its published score.",
    )
    evaluate.add_argument(
        "run",
        help="the folder that train --out has made; or a preset's name, folder "
        "or place on a hub",
    )
    _add_backend(evaluate)


def _add_presets(commands: Any) -> None:
    save = commands.add_parser(
        "save-preset",
        help="make a preset of a finished run",
        description="Write the model of a finished run as a preset: weights, "
        "measured scores, hashes and model card.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    save.add_argument("run", help="the folder that train --out has made")
    save.add_argument(
        "--out", help="folder to make the preset's in; None: RUN/preset"
    )
    save.add_argument(
        "--name", help="None: made of method, network, data and labels"
    )
    save.add_argument(
        "--float16", action="store_true", help="store kernels in half the bytes"
    )
    save.add_argument(
        "--loses-at-most",
        type=float,
        default=0.0005,
        help="accuracy, 0 to 1, that float16 may cost; else it is an error",
    )
    save.add_argument(
        "--compare",
        nargs="+",
        default=[],
        metavar="RUN",
        help="run folders, or .jsonl files of benchmarks, with the scores of "
        "the same method on other splits and of the supervised twin",
    )
    save.add_argument("--commit", help="that the run was made at")
    save.add_argument("--license", default="apache-2.0", help="of the weights")
    save.add_argument("--overwrite", action="store_true")
    _add_backend(save)
    _add_predict(commands)
    _add_report(commands)
    describe = commands.add_parser(
        "describe",
        help="what a method is (paper, equations, arguments, results), or a "
        "preset (its card)",
    )
    describe.add_argument(
        "name",
        help="of a method; or a preset's name, folder or place on a hub; see: "
        "list methods, list presets",
    )
    describe.add_argument(
        "--json", action="store_true", help="all that a preset tells"
    )


def _add_predict(commands: Any) -> None:
    of = "a run folder; or a preset's name, folder or place on a hub"
    predict = commands.add_parser(
        "predict", help="classify image files into a table"
    )
    predict.add_argument("model", help=of)
    predict.add_argument(
        "images", help="a folder, or a .csv file with the column path"
    )
    predict.add_argument(
        "--out", default="predictions.csv", help=".csv or .parquet"
    )
    _add_backend(predict)
    export = commands.add_parser(
        "export",
        help="write a predictor that needs no keras_ssl",
        description="Write a predictor from raw pixels to probabilities.",
    )
    export.add_argument("model", help=of)
    export.add_argument(
        "--out",
        default="predictor.keras",
        help="ends in .keras or .onnx; without an ending a SavedModel",
    )
    _add_backend(export)


def _add_report(commands: Any) -> None:
    report = commands.add_parser(
        "report", help="write a page about runs to look at"
    )
    report.add_argument(
        "runs", nargs="+", help="run folders; the page is about the first"
    )
    report.add_argument("--out", help="default: report.html in the first")
    _add_backend(report)


def wanted_backend(options: argparse.Namespace) -> str | None:
    """The backend asked for, else that of the run to go on with, if any."""
    asked: str | None = getattr(options, "backend", None)
    if asked or os.environ.get("KERAS_BACKEND"):
        return asked
    resumed = options.out if getattr(options, "resume", False) else None
    folder = getattr(options, "run", resumed)
    folder = getattr(options, "runs", [folder])[0]
    if folder is None:
        return None
    try:
        config = json.loads((pathlib.Path(folder) / "config.json").read_text())
        found = str(config["backend"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # whoever needs the run will say what is wrong with it
    return found if importlib.util.find_spec(found) else None


def choose_backend(wanted: str | None) -> None:
    """Sets Keras' backend for this process.

    Args:
        wanted: "tensorflow", "jax", "torch" or `None` for no preference.

    Raises:
        ValueError: the environment, or a Keras imported already, has another.
    """
    if wanted is None:
        return
    present = os.environ.get("KERAS_BACKEND")
    if present and present != wanted:
        raise ValueError(
            f"--backend {wanted} contradicts the environment variable "
            f"KERAS_BACKEND={present}; leave one of them out"
        )
    if "keras" in sys.modules:
        active = sys.modules["keras"].backend.backend()
        if active != wanted:
            raise ValueError(
                f"--backend {wanted} comes too late: Keras is running on "
                f"{active} in this process"
            )
    os.environ["KERAS_BACKEND"] = wanted


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        arguments: list of strings. Defaults to the process' own.

    Returns:
        The exit code.
    """
    options = parser().parse_args(arguments)
    try:
        from keras_ssl import commands

        choose_backend(wanted_backend(options))
        commands.COMMANDS[options.command](options)
    except KeyboardInterrupt as interrupt:
        # as shells have it: 128 and the signal's number
        told = type(interrupt).__name__ == "Terminated"
        print(
            f"keras-ssl: {'told to end' if told else 'interrupted'}",
            file=sys.stderr,
        )
        return 143 if told else 130
    except (ValueError, OSError, ImportError, FloatingPointError) as error:
        if options.debug:
            raise
        message = " ".join(str(error).split())
        print(f"keras-ssl: error: {message}", file=sys.stderr)
        return 1
    return 0
