"""What the documentation shows runs, and prints what is shown there."""

import doctest
import functools
import importlib
import os
import pathlib
import re
import shlex
import subprocess
import sys

import pytest

import keras_ssl
from keras_ssl import cli, methods

ROOT = pathlib.Path(__file__).parents[1]
DOCUMENTS = {
    str(path.relative_to(ROOT)): path.read_text("utf-8")
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
}
# these run from top to bottom; the other documents show parts of programs
GUIDES = ("getting_started", "own_images", "fine_tuning", "adding")
KERAS_FACE = "keras_ssl.data.batches"  # its example takes a model


def modules_with_examples():
    for path in sorted((ROOT / "keras_ssl").rglob("*.py")):
        if ">>>" in path.read_text("utf-8"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts).removesuffix(".__init__")


EXAMPLES = list(modules_with_examples())
DATA = [
    name
    for name in EXAMPLES
    if name.startswith("keras_ssl.data.") and name != KERAS_FACE
]
LEARNING = [name for name in EXAMPLES if name not in DATA]


def run_examples(name, presupposed):
    """Runs the docstrings of a module, which know the names presupposed."""
    module = importlib.import_module(name)
    runner = doctest.DocTestRunner(
        optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    )
    for example in doctest.DocTestFinder().find(
        module, name, extraglobs=presupposed
    ):
        report = []
        runner.run(example, out=report.append)
        assert not runner.failures, "".join(report)
    assert runner.tries


def replaced(text, changes):
    """The text with each of the changes, all of which must apply once."""
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def blocks(document, language):
    """The code blocks of a document that are in one language."""
    return re.findall(
        rf"^```{language}\n(.*?)^```", DOCUMENTS[document], re.M | re.S
    )


def shown_commands():
    for document in DOCUMENTS:
        for block in blocks(document, "sh"):
            for line in block.replace("\\\n", " ").splitlines():
                if line.startswith("keras-ssl "):
                    yield " ".join(shlex.split(line, comments=True))


@pytest.fixture
def presupposed(digits, monkeypatch, tmp_path):
    """What the examples of the learning wing take for granted, but small."""
    monkeypatch.chdir(tmp_path)
    for cls, method, arguments in (
        (keras_ssl.data.Split, "batches", {"steps_per_epoch": 1}),
        (keras_ssl.SSLModel, "fit", {"verbose": 0}),
    ):
        small = functools.partialmethod(getattr(cls, method), **arguments)
        monkeypatch.setattr(cls, method, small)
    network = keras_ssl.networks.SmallCNN(width=4, input_shape=(8, 8, 1))
    model = keras_ssl.methods.get("fixmatch")(network)
    model.compile()
    return {
        "keras_ssl": keras_ssl,
        "split": digits,
        "network": network,
        "model": model,
        "batches": digits.batches(model, batch_size=8),
    }


@pytest.mark.once
@pytest.mark.parametrize("name", DATA)
def test_the_examples_of_the_data_wing_are_true_as_they_stand(name):
    run_examples(name, {})


@pytest.mark.parametrize("name", LEARNING)
def test_the_examples_of_the_learning_wing_are_true(name, presupposed):
    run_examples(name, presupposed)


def test_the_readme_learns_in_ten_lines(capsys):
    shorter = {
        "unlabeled_ratio=4": "unlabeled_ratio=4, steps_per_epoch=2",
        "epochs=10": "epochs=1",
    }
    lines = replaced(blocks("README.md", "python")[0], shorter)
    exec(compile(lines, "README.md", "exec"), {})
    assert "{'accuracy': " in capsys.readouterr().out


@pytest.mark.once
@pytest.mark.parametrize("guide", GUIDES)
def test_a_guide_runs_from_top_to_bottom(guide, presupposed):
    document = f"docs/{guide}.md"
    known = {}
    for block in blocks(document, "python"):
        exec(compile(block, document, "exec"), known)


@pytest.mark.once
def test_the_reference_is_made_of_the_docstrings(tmp_path):
    pytest.importorskip("pdoc")
    subprocess.run(
        [sys.executable, "-m", "pdoc", "--docformat", "google",
         "--output-directory", tmp_path, "keras_ssl"],
        check=True,
        stderr=subprocess.DEVNULL,  # what it makes of types for checkers alone
    )  # fmt: skip
    pages = tmp_path / "keras_ssl" / "methods"
    for name in methods.names():
        made = methods.get(name)
        page = (pages / f"{made.__module__.split('.')[-1]}.html").read_text()
        assert f'id="{made.__name__}"' in page


@pytest.mark.once
@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_document_leads_to_what_is_there(document):
    folder = (ROOT / document).parent
    for link in re.findall(r"\]\(([^)#\s]+)", DOCUMENTS[document]):
        assert "://" in link or (folder / link).exists(), link


@pytest.mark.once
@pytest.mark.parametrize("command", sorted(set(shown_commands())))
def test_documents_show_commands_that_exist(command):
    program, *arguments = command.split()
    parser = cli.parser()
    assert program == parser.prog
    assert parser.parse_args(arguments).command == arguments[0]


@pytest.mark.once
def test_the_demo_ends_with_its_table(tmp_path):
    shorter = {
        "EPOCHS, STEPS_PER_EPOCH = 20, 250": "EPOCHS, STEPS_PER_EPOCH = 1, 2"
    }
    demo = (ROOT / "examples" / "demo.py").read_text("utf-8")
    short = tmp_path / "demo.py"
    short.write_text(replaced(demo, shorter), "utf-8")
    done = subprocess.run(
        [sys.executable, short], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    row = r"^.{32} +[\d.]+ % +[\d.]+$"
    table = done.stdout.partition("test accuracy")[2]
    assert len(re.findall(row, table, re.M)) == 3, done.stdout


@pytest.mark.once
@pytest.mark.parametrize("example", ["autoencoder", "gan", "vae"])
def test_an_example_prints_an_accuracy_and_writes_a_picture(example, tmp_path):
    text = (ROOT / "examples" / f"{example}.py").read_text("utf-8")
    (line,) = re.findall(r"^EPOCHS, STEPS_PER_EPOCH = .*$", text, re.M)
    short = tmp_path / "example.py"
    short.write_text(
        text.replace(line, "EPOCHS, STEPS_PER_EPOCH = 1, 2"), "utf-8"
    )
    environment = {**os.environ}
    environment.pop("KERAS_SSL_DATA", None)  # the digits then
    done = subprocess.run(
        [sys.executable, short],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^accuracy.*: +[\d.]+%$", done.stdout, re.M)
    (picture,) = tmp_path.glob("*.png")
    assert picture.name in done.stdout
