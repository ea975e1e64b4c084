"""What the values of arguments of `keras-ssl` must look like."""

import argparse
import ast
from collections.abc import Callable
from typing import Any


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
