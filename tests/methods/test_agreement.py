"""The same method, weights and batches on the three backends."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from keras_ssl import backend, methods

# all methods are compiled in one fixture: minutes on a slow machine
pytestmark = [pytest.mark.once, pytest.mark.timeout(1200)]
PROCESS = pathlib.Path(__file__).with_name("agreement_process.py")


@pytest.fixture(scope="module")
def results():
    """Losses of every method, by backend; each runs in its own process."""
    if len(backend.installed()) < 2:
        pytest.skip("only one backend is installed: nothing to compare")
    found = {}
    for name in backend.installed():
        done = subprocess.run(
            [sys.executable, PROCESS],
            env={**os.environ, "KERAS_BACKEND": name},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        found[name] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("method", methods.names())
def test_first_step_agrees_to_1e_5_and_ten_steps_to_1e_3(results, method):
    reference, weights = next(iter(results.values()))[method]
    assert all(np.isfinite(reference))
    assert reference[0] != reference[-1]
    for result in results.values():
        losses, other_weights = result[method]
        assert losses[0] == pytest.approx(reference[0], rel=1e-5)
        assert losses == pytest.approx(reference, rel=1e-3)
        assert other_weights == pytest.approx(weights, rel=1e-3)
