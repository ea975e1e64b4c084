"""The arguments of the command `keras-ssl`: its `argparse` parser."""

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

import keras_ssl
from keras_ssl import config_file
from keras_ssl.argument_types import whole
from keras_ssl.benchmark.command import add_benchmark
from keras_ssl.train_arguments import add_train

EXAMPLES = """\
examples:
  keras-ssl train --data digits --method fixmatch --labels-per-class 2 \\
      --out runs/digits
  keras-ssl train --resume --out runs/digits      go on after an interruption
  keras-ssl train --config runs/digits/config.toml --seed 1 --out runs/again
  keras-ssl evaluate runs/digits
  keras-ssl label runs/digits                     which images to label next
  keras-ssl label runs/digits --from runs/digits/label_1.csv
  keras-ssl train --labeled cats_and_dogs --unlabeled photos --out runs/pets
  keras-ssl predict runs/pets more_photos --out predictions.csv
  keras-ssl export runs/pets --out pets.onnx
  keras-ssl save-preset runs/digits               to load by keras_ssl.models
  keras-ssl benchmark --methods fixmatch mean_teacher
  keras-ssl list methods
  keras-ssl describe fixmatch

exit codes: 0 done, 1 failed, 2 wrong arguments, 130 interrupted by Ctrl-C, 143
told to end by SIGTERM (the run can be resumed after both)
"""


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Reads the command's arguments, and the file named by --config.

    Args:
        arguments: list of strings. Defaults to the process' own.

    Raises:
        OSError: the file cannot be read.
        ValueError: it has an unknown key, or a value of another kind.
    """
    options = parser().parse_args(arguments)
    file = getattr(options, "config", None)
    if file is None:
        return options
    return parser(config_file.read(file, options.flags)).parse_args(arguments)


def parser(file: Mapping[str, Any] | None = None) -> argparse.ArgumentParser:
    """The command's `argparse` parser.

    Args:
        file: what train takes where a flag is not given; `config_file.read`
            gives it.
    """
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
    train = add_train(commands)
    _add_backend(train)
    # so that an argument that was given can be told from one that was not
    train.set_defaults(defaults=vars(train.parse_args([])))
    train.set_defaults(flags=train._actions, **(file or {}))
    _add_evaluate(commands)
    _add_label(commands)
    _add_presets(commands)
    add_benchmark(commands)
    listing = commands.add_parser("list", help="what there is, by name")
    listing.add_argument(
        "what",
        nargs="?",
        choices=("methods", "networks", "presets", "data"),
        help="default: everything",
    )
    return main


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


def _add_evaluate(commands: Any) -> None:
    evaluate = commands.add_parser(
        "evaluate",
        help="test the model of a run, or a preset",
        description="Test the last saved model of a run on its test set; a "
        "preset beside its published score; or either on images of your own.",
    )
    evaluate.add_argument(
        "run",
        help="the folder that train --out has made; or a preset's name, folder "
        "or place on a hub",
    )
    evaluate.add_argument(
        "--test",
        help="a folder with a folder of images for each class, or a .csv or "
        ".parquet file with the columns path and label: how many of each class "
        "are right, and what the others are taken for most often",
    )
    _add_backend(evaluate)


def _add_label(commands: Any) -> None:
    label = commands.add_parser(
        "label",
        help="find out which images to label next, and go on with their labels",
        description="Ask a run which of its unlabeled images are worth a "
        "label: those that its predictor is unsure of, and that its weights "
        "and their moving average disagree on, but none that looks like "
        "another one. Writes a picture of them, RUN/label_1.png, and a table, "
        "RUN/label_1.csv. Write the names of classes into its column label "
        "(leave it empty where you cannot tell), take it back with --from, "
        "and go on: keras-ssl train --resume --out RUN.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    label.add_argument("run", help="the folder that train --out has made")
    label.add_argument(
        "--count", type=whole(1), default=40, help="images to ask for"
    )
    label.add_argument(
        "--overwrite",
        action="store_true",
        help="replace a table that has not been taken back",
    )
    label.add_argument(
        "--from",
        dest="source",
        metavar="CSV",
        help="take this filled table back, all of it or, after an error, "
        "nothing",
    )
    label.add_argument(
        "--epochs",
        type=whole(1),
        help="with --from: to go on for; None: as many as the run began with",
    )
    _add_backend(label)


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
        "images",
        help="a folder, or a .csv or .parquet file with the column path",
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
