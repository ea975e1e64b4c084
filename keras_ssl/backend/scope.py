"""Reading variables as other values: the same on the three backends."""

import contextlib

import keras


@contextlib.contextmanager
def scope(overrides=()):
    """Reads the variables in `overrides` as other values; drops every update.

    With it a network runs with other weights (an averaged teacher) without
    being cloned, and a second pass leaves batch normalization's statistics
    alone.

    Args:
        overrides: iterable of `(variable, value)`.

    Yields:
        The `keras.StatelessScope`. Keras' own does not fall back on the one
        around it, so the outer scope's values are handed on here.
    """
    with keras.StatelessScope(list(overrides)) as inner:
        if inner.original_scope is not None:
            inner.state_mapping = {
                **inner.original_scope.state_mapping,
                **inner.state_mapping,
            }
        yield inner


def current_scope():
    """The innermost active `keras.StatelessScope`, or `None`."""
    with keras.StatelessScope() as probe:
        return probe.original_scope
