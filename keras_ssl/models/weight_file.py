"""Keras' weight file made small, in a form that Keras itself reads."""

import pathlib
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from keras_ssl.writing import whole

LARGEST = float(np.finfo(np.float16).max)


def shrink(path: pathlib.Path, float16: bool = False, forget: int = 0) -> None:
    """Writes a weight file anew, with less in it.

    The optimizer is left out, and of equal arrays, such as weights and their
    average, one is stored; the others point to it.

    Args:
        path: a `.weights.h5` file of Keras.
        float16: whether matrices and kernels are stored in half the bytes.
            Vectors are not: they are few, and a moving variance may be out of
            range. Keras casts what it reads to the type of its variables.
        forget: how many of the model's own last variables are left out.
    """
    with (
        whole(path) as small,
        h5py.File(path) as source,
        h5py.File(small, "w") as target,
    ):
        own = source.get("vars")
        count = sum(name.isdigit() for name in own) if own is not None else 0
        left_out = {f"/vars/{count - 1 - i}" for i in range(forget)}
        _copy(source, target, float16, left_out | {"/optimizer"}, {})


def _copy(
    source: Any,
    target: Any,
    float16: bool,
    left_out: set[str],
    seen: dict[Any, Any],
) -> None:
    for name, value in source.attrs.items():
        target.attrs[name] = value
    for name, item in source.items():
        if item.name in left_out:
            continue
        if isinstance(item, h5py.Group):
            group = target.create_group(name)
            _copy(item, group, float16, left_out, seen)
            continue
        array = _halved(item[()]) if float16 else item[()]
        mark = (array.shape, array.dtype, array.tobytes())
        if mark not in seen:
            seen[mark] = target.create_dataset(name, data=array)
            for key, value in item.attrs.items():
                seen[mark].attrs[key] = value
        else:
            target[name] = seen[mark]  # another name of the same array


def _halved(array: NDArray[Any]) -> NDArray[Any]:
    """A matrix or kernel as float16, if its values allow it."""
    if array.dtype != np.float32 or array.ndim < 2:
        return array
    fits = array.size and np.abs(array).max() <= LARGEST
    return array.astype(np.float16) if fits else array
