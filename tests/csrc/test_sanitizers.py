"""Builds the C++ test program plain and with sanitizers, and runs it."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*command, timeout):
    done = subprocess.run(
        [str(part) for part in command],
        text=True,
        capture_output=True,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-8000:]
    return done.stdout


@pytest.mark.skipif(not shutil.which("cmake"), reason="needs CMake")
@pytest.mark.parametrize("sanitizers", ["", "address,undefined", "thread"])
def test_core(sanitizers, tmp_path):
    run(
        "cmake",
        *("-S", ROOT, "-B", tmp_path),
        "-DKERAS_SSL_CPP_TESTS=ON",
        f"-DKERAS_SSL_SANITIZE={sanitizers}",
        # optimized enough to be quick, with what a report needs
        f"-DCMAKE_BUILD_TYPE={'RelWithDebInfo' if sanitizers else 'Release'}",
        timeout=60,
    )
    run("cmake", "--build", tmp_path, "--parallel", "2", timeout=200)
    output = run(tmp_path / "core_test", timeout=100)
    assert "all core tests passed" in output
