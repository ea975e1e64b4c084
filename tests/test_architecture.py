"""The import rules of docs/architecture.md, read off the syntax trees."""

import ast
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PACKAGE = ROOT / "keras_ssl"
MODULES = sorted(PACKAGE.rglob("*.py"))
FRAMEWORKS = {"tensorflow", "jax", "jaxlib", "torch"}
LEARNING = {
    "backend", "losses", "schedules", "optimizers", "optimizer_groups",
    "layer_rates", "ssl_model", "fitting", "legs",
    "averaging", "reporting", "saving", "methods", "networks", "ending",
    "run_folder",
    "generative", "mixing", "running", "embedding", "propagation",
    "refining", "counted",
    "densities", "variational", "denoising", "sample_grid",
    "models", "fine_tuning", "predictor", "labeling",
}  # fmt: skip


def imports(path, top_level_only=False):
    """Full names of what a module imports."""
    tree = ast.parse(path.read_text())
    nodes = tree.body if top_level_only else ast.walk(tree)
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
            found.add(node.module)
    return found


def roots(names):
    return {name.split(".")[0] for name in names}


def ours(names):
    """Rooms of keras_ssl among imported names."""
    return {
        name.split(".")[1] for name in names if name.startswith("keras_ssl.")
    }


def name_of(path):
    return str(path.relative_to(PACKAGE))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_the_backend_modules_import_a_framework(path):
    found = roots(imports(path)) & FRAMEWORKS
    if path.parent == PACKAGE / "backend" and path.stem in FRAMEWORKS:
        assert found == {path.stem}
    else:
        assert not found


@pytest.mark.parametrize(
    "path", sorted((PACKAGE / "data").glob("*.py")), ids=name_of
)
def test_the_data_wing_knows_neither_keras_nor_the_learning_wing(path):
    if path.name == "batches.py":  # Keras' face; needs a backend chosen first
        assert ours(imports(path)) <= {"backend", "data", "_core"}
        return
    assert "keras" not in roots(imports(path))
    assert not ours(imports(path)) & LEARNING
    at_import = roots(imports(path, top_level_only=True))
    assert not at_import & {"PIL", "sklearn", "tensorflow_datasets"}


@pytest.mark.parametrize("name", sorted(LEARNING))
def test_the_learning_wing_does_not_import_the_data_wing(name):
    files = [PACKAGE / f"{name}.py", *(PACKAGE / name).rglob("*.py")]
    for path in files:
        if path.exists():
            assert "data" not in ours(imports(path)), path


def test_the_stateless_rooms_import_nothing_of_ours():
    for name in ("losses.py", "schedules.py", "densities.py"):
        assert not ours(imports(PACKAGE / name))


METHOD_FILES = sorted(
    path
    for path in (PACKAGE / "methods").glob("[!_]*.py")
    if path.stem != "published"  # a table of numbers
)


@pytest.mark.parametrize("path", METHOD_FILES, ids=name_of)
def test_a_method_imports_at_most_the_one_it_extends(path):
    methods = {
        name
        for name in imports(path)
        if re.fullmatch(r"keras_ssl\.methods\.\w+", name)
    }
    assert len(methods) <= 1
    assert len(path.read_text().splitlines()) <= 120


def test_only_the_bindings_include_python():
    for path in (ROOT / "csrc").iterdir():
        included = re.findall(r'#include [<"](\S+)[>"]', path.read_text())
        python = [i for i in included if "pybind11" in i or "Python.h" in i]
        assert bool(python) == path.name.startswith("bindings"), path


def test_op_files_know_neither_randomness_nor_threads():
    paths = [
        *(ROOT / "csrc").glob("*_ops.*"),
        *(ROOT / "csrc").glob("resample*"),
        *(ROOT / "csrc").glob("tables.*"),
        *(ROOT / "csrc").glob("chain.*"),
    ]
    assert len(paths) > 16
    for path in paths:
        text = path.read_text()
        assert not re.search(r'"rng\.h"|<thread>|<mutex>|<atomic>', text)


def test_every_function_has_a_room():
    names = {path.stem for path in [*MODULES, *(ROOT / "csrc").iterdir()]}
    assert not names & {"utils", "util", "helpers", "common", "misc"}


def test_the_top_level_is_the_agreed_one():
    allowed = {
        "keras_ssl", "csrc", "tests", "benchmarks", "docs", "examples",
        "CMakeLists.txt", "pyproject.toml", "README.md", "Makefile",
        "CHANGELOG.md", "LICENSE", "build", "runs",
    }  # fmt: skip
    found = {p.name for p in ROOT.iterdir() if not p.name.startswith(".")}
    assert found <= allowed
