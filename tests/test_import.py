"""What importing does, in fresh processes."""

import os
import subprocess
import sys

import pytest

FRAMEWORKS = ("keras", "tensorflow", "jax", "torch", "sklearn", "PIL")
WITHOUT = """
import importlib.util, sys
hidden = {hidden!r}
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, *a: (
    None if name in hidden else real(name, *a))
"""


def python(code, **environment):
    clean = {k: v for k, v in os.environ.items() if k != "KERAS_BACKEND"}
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**clean, **environment},
        capture_output=True,
        text=True,
    )


def test_importing_the_package_and_its_data_picks_no_backend():
    done = python(
        "import sys, keras_ssl; keras_ssl.data.from_arrays; "
        f"print([name for name in {FRAMEWORKS} if name in sys.modules])"
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_the_command_line_answers_help_without_a_backend():
    done = python(
        "import sys; from keras_ssl.cli import parser; parser().format_help(); "
        f"print([name for name in {FRAMEWORKS} if name in sys.modules])"
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_an_unknown_attribute_lists_what_there_is():
    import keras_ssl

    with pytest.raises(AttributeError, match="offers .*methods"):
        keras_ssl.method  # noqa: B018


def test_dir_offers_the_public_face():
    import keras_ssl

    assert {"data", "methods", "networks", "RunFolder"} <= set(dir(keras_ssl))


def test_without_any_backend_the_error_names_the_install_line():
    hidden = ("tensorflow", "jax", "torch")
    done = python(
        WITHOUT.format(hidden=hidden) + "import keras_ssl; keras_ssl.methods"
    )
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ImportError: keras_ssl needs one of TensorFlow")
    assert "pip install 'keras_ssl[jax]'" in last


def test_without_a_wish_the_first_backend_that_is_installed_is_taken(tmp_path):
    hidden = ("tensorflow", "torch")
    done = python(
        WITHOUT.format(hidden=hidden)
        + "import keras_ssl; keras_ssl.networks; import keras; "
        "print(keras.backend.backend())",
        KERAS_HOME=str(tmp_path),
    )
    assert done.stdout.strip() == "jax", done.stderr


def test_a_keras_on_another_backend_is_refused():
    done = python(
        "import keras, keras_ssl; keras_ssl.methods", KERAS_BACKEND="numpy"
    )
    assert "Keras is running on 'numpy'" in done.stderr.splitlines()[-1]
