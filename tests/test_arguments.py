"""The command's arguments: their values, and help that teaches."""

import argparse

import pytest

from keras_ssl import argument_types, arguments

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("x=0.5", 0.5),
        ("x=None", None),
        ("x=(1, 2.5)", (1, 2.5)),
        ("x=squared", "squared"),
        ("x='a=b'", "a=b"),
    ],
)
def test_a_setting_is_what_python_would_read_or_a_word(text, value):
    assert argument_types.setting(text) == ("x", value)


def test_a_number_has_a_least_value():
    assert argument_types.whole(2)("2") == 2
    for text in ("1", "2.0", "two", ""):
        with pytest.raises(argparse.ArgumentTypeError, match="of at least 2"):
            argument_types.whole(2)(text)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("train", ("--config", "--labeled", ".npz", ".parquet")),
        ("label", ("--from", "label_1.csv", "--resume", "(default: 40)")),
    ],
)
def test_help_teaches(capsys, command, words):
    with pytest.raises(SystemExit) as stop:
        arguments.parse([command, "--help"])
    assert stop.value.code == 0
    printed = capsys.readouterr().out
    for word in words:
        assert word in printed
