"""What the subcommands of `keras-ssl` do."""

import functools
import os
import pathlib
import shutil
import textwrap
from argparse import Namespace
from collections.abc import Mapping

from keras_ssl import (
    label_commands,
    model_commands,
    preset_commands,
    registry,
    run_data,
    train_command,
)
from keras_ssl.benchmark import command


def evaluate(options: Namespace) -> None:
    """`keras-ssl evaluate`: tests the last model of a run, or a preset."""
    if options.test:
        model_commands.test_on_files(options)
        return
    path = pathlib.Path(options.run)
    if not path.exists() or (path / "preset.json").exists():
        preset_commands.evaluate_preset(options)
        return
    run = preset_commands.open_run(options.run)
    config = run.read("config") or {}
    data = run_data.load(config, options.data_dir)
    split = run_data.split_of(run, data)
    train_command.test(run, run.load_model(), split)


def list_names(options: Namespace) -> None:
    """`keras-ssl list`: the names of methods, networks and data sets."""
    if options.what in (None, "methods"):
        from keras_ssl import methods

        _table(
            "methods",
            {name: str(methods.get(name).__doc__) for name in methods.names()},
        )
    if options.what in (None, "networks"):
        from keras_ssl import networks

        _table(
            "networks",
            {name: _network_doc(name) for name in networks.names()},
        )
    if options.what in (None, "presets"):
        from keras_ssl import models

        _table(
            "presets",
            {name: _line_of(name) for name in models.list_presets()},
        )
    if options.what in (None, "data"):
        _table(
            "data",
            {
                "digits": "1,797 real 8x8 digits, bundled with scikit-learn",
                "<name>": "any image classification data set of TensorFlow "
                "Datasets, such as mnist or cifar10",
                "<file>.npz": "arrays of one's own; see data.from_npz",
            },
        )


def describe(options: Namespace) -> None:
    """`keras-ssl describe`: all that is to know of a method, or a preset.

    Raises:
        ValueError: there is neither; the closest names are listed.
    """
    from keras_ssl import methods, models
    from keras_ssl.describe import describe as text_of
    from keras_ssl.models import hubs

    name, presets = options.name, models.list_presets()
    if name in methods.names():
        print(text_of(name))
    elif name in presets or hubs.is_handle(name) or os.path.exists(name):
        preset_commands.describe(options)
    else:
        known = [*methods.names(), *presets]
        raise ValueError(registry.unknown("method or preset", name, known))


def _network_doc(name: str) -> str:
    from keras_ssl import networks

    make = networks.get(name)
    if not isinstance(make, functools.partial):
        return str(make.__doc__)
    chosen = [f"{key} {value}" for key, value in make.keywords.items()]
    return f"{', '.join([*make.args, *chosen])}: {make.func.__doc__}"


def _line_of(preset: str) -> str:
    from keras_ssl import models
    from keras_ssl.models import model_card

    about = models.describe(preset)
    score = about.get("score", {}).get("test_accuracy")
    shown = "" if score is None else f", {100 * score:.2f} % on its test set"
    learned = f", {model_card.labels(about)}" if "method" in about else ""
    return f"{about.get('data')}{learned}{shown}"


def _table(title: str, texts: Mapping[str, str]) -> None:
    """Each name beside the first paragraph of its text."""
    print(title)
    width = 2 + max(map(len, texts), default=0)
    for name, text in texts.items():
        summary = " ".join(text.strip().split("\n\n")[0].split())
        print(
            textwrap.fill(
                summary,
                max(shutil.get_terminal_size().columns, width + 40),
                initial_indent=f"  {name:{width}}",
                subsequent_indent=" " * (width + 2),
            )
        )


COMMANDS = {
    "train": train_command.train,
    "label": label_commands.label,
    "evaluate": evaluate,
    "list": list_names,
    "save-preset": preset_commands.save_preset,
    "describe": describe,
    "predict": model_commands.predict,
    "export": model_commands.export,
    "report": model_commands.report,
    "benchmark": command.benchmark,
}
