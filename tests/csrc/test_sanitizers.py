"""Builds the C++ test programs plain and with sanitizers, and runs them."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# a double that no int holds is undefined too, but has to be asked for
ADDRESS = "address,undefined,float-cast-overflow"
SANITIZERS = ["", ADDRESS, "thread"]

pytestmark = pytest.mark.skipif(not shutil.which("cmake"), reason="needs CMake")


def run(*command, timeout, cwd=None):
    done = subprocess.run(
        [str(part) for part in command],
        text=True,
        capture_output=True,
        timeout=timeout,
        cwd=cwd,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-8000:]
    return done.stdout


def build(sanitizers, folder):
    run(
        "cmake",
        *("-S", ROOT, "-B", folder),
        "-DKERAS_SSL_CPP_TESTS=ON",
        f"-DKERAS_SSL_SANITIZE={sanitizers}",
        # image ops know no threads
        f"-DKERAS_SSL_BASELINE={'ON' if sanitizers == 'thread' else 'OFF'}",
        # optimized enough to be quick, with what a report needs
        f"-DCMAKE_BUILD_TYPE={'RelWithDebInfo' if sanitizers else 'Release'}",
        timeout=60,
    )
    run("cmake", "--build", folder, "--parallel", "2", timeout=220)


@pytest.fixture(scope="module")
def builds():
    """The folders of the programs by sanitizers, filled as they are needed."""
    folders = {}
    yield folders
    for folder in folders.values():
        shutil.rmtree(folder)


@pytest.fixture
def built(request, builds, tmp_path_factory):
    """The folder of the programs, built with the sanitizers that are given."""
    if request.param not in builds:
        folder = tmp_path_factory.mktemp("build")
        build(request.param, folder)
        builds[request.param] = folder
    return builds[request.param]


@pytest.mark.parametrize("built", SANITIZERS, indirect=True)
def test_core(built):
    output = run(built / "core_test", timeout=100)
    assert "all core tests passed" in output
    output = run(built / "ring_test", timeout=100)
    assert "all ring tests passed" in output


@pytest.mark.parametrize(
    ("built", "runs"),
    [
        ("", 5_000),
        (ADDRESS, 5_000),
        pytest.param(
            ADDRESS,
            500_000,
            marks=[pytest.mark.slow, pytest.mark.timeout(1600)],
        ),
    ],
    indirect=["built"],
)
def test_fuzz_policy(built, runs, tmp_path):
    """What the checks let through is safe, and the same on all engines."""
    run(
        *(built / "fuzz_policy", f"-runs={runs}", f"-seed={runs}"),
        timeout=1500,
        cwd=tmp_path,
    )


def wide_functions(program):
    """Those that use registers or encodings that old CPUs do not have."""
    listing = run(
        *("objdump", "-d", "-C", "--no-show-raw-insn", program), timeout=60
    )
    found = set()
    for line in listing.splitlines():
        if line.endswith(">:"):
            name = line.split(" ", 1)[1]
        elif re.search(r"%([yz]mm|k[0-7]\b)|\tv[a-z]", line):
            found.add(name)
    return found


def check_old_cpus(program):
    functions = wide_functions(program)
    if not functions:
        pytest.skip("no instruction sets beyond the plainest")
    kept_apart = re.compile(r"keras_ssl::(avx2|avx512|avx512vbmi)::")
    assert [name for name in functions if not kept_apart.search(name)] == []


needs_objdump = pytest.mark.skipif(
    not shutil.which("objdump"), reason="needs objdump"
)


@needs_objdump
@pytest.mark.parametrize("built", [""], indirect=True)
@pytest.mark.parametrize("program", ["core_test", "ring_test", "fuzz_policy"])
def test_old_cpus_meet_no_new_instructions(built, program):
    """Of an inline function the linker keeps one, and that must be plain."""
    check_old_cpus(built / program)


@needs_objdump
@pytest.mark.slow
def test_old_cpus_meet_no_new_instructions_in_the_extension(tmp_path):
    """Built with its names, which the installed one has lost."""
    pybind11 = pytest.importorskip("pybind11")
    run(
        "cmake",
        *("-S", ROOT, "-B", tmp_path),
        "-DSKBUILD=2",
        f"-Dpybind11_DIR={pybind11.get_cmake_dir()}",
        f"-DPython_EXECUTABLE={sys.executable}",
        f"-DCMAKE_STRIP={shutil.which('true')}",
        timeout=60,
    )
    run("cmake", "--build", tmp_path, "--parallel", "2", timeout=220)
    (extension,) = tmp_path.glob("_core.*")
    check_old_cpus(extension)
