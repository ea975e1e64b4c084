"""Builds the C++ test programs plain and with sanitizers, and runs them."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SANITIZERS = ["", "address,undefined", "thread"]

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


@pytest.fixture(scope="module")
def built(request, tmp_path_factory):
    """The folder of the programs, built with the sanitizers that are given."""
    sanitizers = request.param
    folder = tmp_path_factory.mktemp("build")
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
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("built", SANITIZERS, indirect=True, scope="module")
def test_core(built):
    output = run(built / "core_test", timeout=100)
    assert "all core tests passed" in output
    output = run(built / "ring_test", timeout=100)
    assert "all ring tests passed" in output


@pytest.mark.parametrize(
    ("built", "runs"),
    [
        ("", 5_000),
        ("address,undefined", 5_000),
        pytest.param(
            "address,undefined",
            500_000,
            marks=[pytest.mark.slow, pytest.mark.timeout(1600)],
        ),
    ],
    indirect=["built"],
    scope="module",
)
def test_fuzz_policy(built, runs, tmp_path):
    """What the checks let through is safe, and the same on all engines."""
    run(
        *(built / "fuzz_policy", f"-runs={runs}", f"-seed={runs}"),
        timeout=1500,
        cwd=tmp_path,
    )
