"""What is said about a method, for every one of them."""

import inspect

import pytest

from keras_ssl import cli, methods
from keras_ssl.describe import describe
from keras_ssl.methods import published


@pytest.mark.parametrize("name", methods.names())
def test_a_description_has_all_its_parts(name):
    cls = methods.get(name)
    text = describe(name)
    first = inspect.getdoc(inspect.getmodule(cls)).splitlines()[0]
    assert text.startswith(first)
    assert inspect.getdoc(cls).splitlines()[0] in text
    for view, (stream, _) in cls.views.items():
        assert f"  {view}: " in text
        assert f" of the {stream} images" in text
    for argument in ("ema_decay", *inspect.signature(cls.__init__).parameters):
        if argument not in ("self", "network", "kwargs"):
            assert f"\n  {argument} = " in text, argument
    for result in published.RESULTS.get(name, ()):
        assert str(result) in text
    assert "Args:" not in text


def test_arguments_of_the_classes_before_are_explained_too():
    text = describe("freematch")
    assert "  momentum = 0.999: m." in text
    assert "  unlabeled_weight = 1.0: lambda_u." in text
    assert "  seed = 0: of the noise that a method draws" in text


def test_published_results_are_of_known_methods_and_possible():
    # some of these methods are still to come
    for results in published.RESULTS.values():
        for result in results:
            assert 0 < result.error < 100
            assert result.labels > 0
            assert result.source


def test_the_command_prints_it(capsys):
    assert cli.main(["describe", "fixmatch"]) == 0
    assert capsys.readouterr().out == describe("fixmatch") + "\n"
    assert cli.main(["describe", "fixmtach"]) == 1
    assert "Did you mean fixmatch" in capsys.readouterr().err
