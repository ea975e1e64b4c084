"""First weights that are not drawn, because saved ones will follow at once.

Drawing them costs more than reading the saved ones: under JAX each shape is
compiled. Keras offers no way around it, so here is one.
"""

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

DRAWN = (
    keras.initializers.VarianceScaling,
    keras.initializers.RandomNormal,
    keras.initializers.RandomUniform,
    keras.initializers.TruncatedNormal,
    keras.initializers.Orthogonal,
)
_one_at_a_time = threading.RLock()


def _zeros_in(thread: int, draw: Callable[..., Any]) -> Callable[..., Any]:
    """The initializer, but with zeros for one thread."""

    @functools.wraps(draw)
    def call(self: Any, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        if threading.get_ident() != thread:
            return draw(self, shape, dtype=dtype, **kwargs)
        dtype = keras.backend.standardize_dtype(dtype)
        return np.zeros(shape, "float32" if dtype == "bfloat16" else dtype)

    return call


@contextlib.contextmanager
def skipped() -> Iterator[None]:
    """Within it, Keras' random initializers give zeros to this thread.

    Example:

    >>> from keras_ssl.models import initializers
    >>> with initializers.skipped():
    ...     model = keras_ssl.methods.FixMatch(network)
    """
    with _one_at_a_time:
        drawn = {cls: vars(cls)["__call__"] for cls in DRAWN}
        try:
            for cls, draw in drawn.items():
                quick = _zeros_in(threading.get_ident(), draw)
                setattr(cls, "__call__", quick)  # noqa: B010 (mypy's wish)
            yield
        finally:
            for cls, draw in drawn.items():
                setattr(cls, "__call__", draw)  # noqa: B010
