"""Shared by all tests: which of them need to run on one backend only."""

import os
import pathlib

import pytest

TESTS = pathlib.Path(__file__).parent
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# what a test compiles runs for a few steps: JAX compiles in half the time
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_backend_optimization_level=0 "
    "--xla_llvm_disable_expensive_passes=true",
)
# and a new process finds what the one before it has compiled
os.environ.setdefault(
    "JAX_COMPILATION_CACHE_DIR", str(TESTS.parent / "build" / "jax")
)
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.2")
# these never import Keras, or compare the backends themselves
ONCE = ("benchmarks", "csrc", "data", "test_architecture.py", "test_import.py")
ON_EACH = ("test_batches.py", "test_native_fixmatch.py")


def pytest_collection_modifyitems(items):
    for item in items:
        path = item.path.relative_to(TESTS)
        if path.parts[0] in ONCE and path.name not in ON_EACH:
            item.add_marker(pytest.mark.once)


@pytest.fixture
def digits():
    """The digits, split with two labels for each class."""
    import keras_ssl

    return keras_ssl.data.load("digits").split(labels_per_class=2, seed=0)
