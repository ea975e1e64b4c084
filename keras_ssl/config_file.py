"""The arguments of `keras-ssl train` as a TOML file.

Every run folder holds one, `config.toml`, which repeats the run:

    method = "fixmatch"
    data = "digits"
    labels_per_class = 2

    [set]
    threshold = 0.9

Keys are the flags without their dashes, with `_` for `-`. TOML has neither
`None` nor tuples, so a text in `[set]` is read as `--set` reads it.
"""

import argparse
import ast
import json
import os
import pathlib
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from keras_ssl import registry
from keras_ssl.argument_types import setting

ON_THE_COMMAND_LINE = ("help", "config", "resume")
HEADER = "# repeats this run: keras-ssl train --config THIS_FILE --out FOLDER"


def read(
    path: str | os.PathLike[str], flags: Iterable[argparse.Action]
) -> dict[str, Any]:
    """Reads a file.

    Args:
        path: the file.
        flags: what the command takes, as argparse knows it.

    Returns:
        dict from the names of arguments to values, as argparse would give them.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no TOML, or has an unknown key (with the closest
            known ones), or a value of another kind.
    """
    known = {
        flag.dest: flag
        for flag in flags
        if flag.dest not in ON_THE_COMMAND_LINE
    }
    try:
        content = tomllib.loads(pathlib.Path(path).read_text("utf-8"))
    except ValueError as error:  # of TOML, or of UTF-8
        raise ValueError(f"{path} is no TOML file: {error}") from None
    values = {}
    for name, value in content.items():
        if name not in known:
            raise ValueError(
                f"{path}: {registry.unknown('argument', name, known)}"
            )
        try:
            values[name] = _checked(known[name], value)
        except argparse.ArgumentTypeError as error:
            raise ValueError(f"{path}: {name}: {error}") from None
    return values


def _checked(flag: argparse.Action, value: Any) -> Any:
    """A value of the file as argparse would give it."""
    if flag.dest == "set":
        if not isinstance(value, dict):
            raise _expected("a table, [set]", value)
        return [(name, _setting(name, value[name])) for name in value]
    if flag.nargs == 0:  # one that is there or not
        if not isinstance(value, bool):
            raise _expected("true or false", value)
        return value
    if flag.type is not None:
        if not isinstance(value, int) or isinstance(value, bool):
            raise _expected("a whole number", value)
        return flag.type(str(value))  # type: ignore[operator]
    if not isinstance(value, str):
        raise _expected("a text in quotation marks", value)
    if flag.choices and value not in flag.choices:
        raise _expected(f"one of {', '.join(flag.choices)}", value)
    return value


def _expected(what: str, value: object) -> argparse.ArgumentTypeError:
    return argparse.ArgumentTypeError(f"expected {what}; received {value!r}")


def _setting(name: str, value: Any) -> Any:
    return setting(f"{name}={value}")[1] if isinstance(value, str) else value


def text_of(config: Mapping[str, Any]) -> str:
    """The file that repeats a run.

    Args:
        config: arguments and their values, those of the method in "set";
            `None` is what an argument has that is not given.
    """
    lines = [HEADER]
    for name, value in config.items():
        # of one's own files the name of the data set is made
        is_made = name == "data" and config.get("labeled")
        if name != "set" and value is not None and not is_made:
            lines.append(f"{name} = {_toml(value)}")
    if config.get("set"):
        lines += ["", "[set]"]
        for name, value in config["set"].items():
            lines.append(f"{name} = {_toml(_as_set_reads(value))}")
    return "\n".join(lines) + "\n"


def _as_set_reads(value: Any) -> Any:
    """What TOML has, or the text that `--set` reads as the value."""
    if isinstance(value, bool | int | float):
        return value
    if not isinstance(value, str):
        return repr(value)
    try:
        ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return value  # a word
    return repr(value)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # TOML's basic strings are those of JSON, but for what is escaped
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)
