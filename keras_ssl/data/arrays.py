"""Data sets from arrays, checked at the door.

Images are uint8 of shape `(N, height, width, channels)`; labels are int32 of
shape `(N,)`, -1 where unknown, the convention of scikit-learn's
`sklearn.semi_supervised`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from keras_ssl.data.dataset import Dataset


def from_arrays(
    train: tuple[ArrayLike, ArrayLike],
    test: tuple[ArrayLike, ArrayLike] | None = None,
    *,
    unlabeled: ArrayLike | None = None,
    num_classes: int | None = None,
    class_names: Sequence[str] | None = None,
    name: str = "arrays",
    flip: bool = True,
) -> Dataset:
    """Makes a data set of arrays.

    Arrays that are right already are not copied; memory maps stay memory
    maps. With `unlabeled`, training images and unlabeled images are joined
    into one new array.

    Args:
        train: Pair `(images, labels)`: images uint8 `(N, H, W, C)` with 1 or
            3 channels, or `(N, H, W)`; labels integer `(N,)` or `(N, 1)`
            from 0 to `num_classes - 1`, or -1 where unknown.
        test: The same for the test set, without -1, or `None`.
        unlabeled: Further training images without labels, or `None`. Where
            they shall have a share of their own in a batch, or are too many
            to copy, give them to `Split.batches` as `unlabeled_sources`.
        num_classes: By default `len(class_names)`, else the largest training
            label plus one.
        class_names: Sequence of strings. By default `"0"`, `"1"`, ...
        name: Name of the data set.
        flip: Whether a mirrored image keeps its label. Default `True`.

    Returns:
        A `Dataset`.

    Raises:
        ValueError: If something does not fit: what was expected, what was
            received and how to mend it.

    Example:

    >>> import keras_ssl, numpy as np
    >>> images = np.zeros((6, 32, 32, 3), np.uint8)
    >>> labels = np.array([0, 1, 0, 1, -1, -1])  # the last two: unknown
    >>> keras_ssl.data.from_arrays((images, labels))
    <Dataset arrays: 6 train, no test, 32x32x3, 2 classes>
    """
    images, labels = _checked_pair(train, "train")
    num_classes, class_names = _classes(num_classes, class_names, labels)
    labels = _checked_labels(labels, -1, num_classes, "train")
    if unlabeled is not None:
        unlabeled = checked_images(unlabeled, "unlabeled")
        check_same_shape(images, unlabeled, "unlabeled")
        images = np.concatenate([images, unlabeled])
        unknown = np.full(len(unlabeled), -1, np.int32)
        labels = np.concatenate([labels, unknown])
    if test is not None:
        test_images, test_labels = _checked_pair(test, "test")
        check_same_shape(images, test_images, "test")
        test_labels = _checked_labels(test_labels, 0, num_classes, "test")
        test = test_images, test_labels
    return Dataset(
        name, (images, labels), test, num_classes, class_names, bool(flip)
    )


def _classes(
    num_classes: int | None,
    class_names: Sequence[object] | None,
    labels: NDArray[Any],
) -> tuple[int, tuple[str, ...]]:
    if num_classes is None:
        num_classes = labels.max() + 1
        if class_names is not None:
            num_classes = len(class_names)
    num_classes = int(num_classes)
    if num_classes < 1:
        raise ValueError(
            "expected some known labels or num_classes=...; received train "
            "labels that are all below 0"
        )
    if class_names is None:
        class_names = range(num_classes)
    if len(class_names) != num_classes:
        raise ValueError(
            f"expected {num_classes} class_names; received {len(class_names)}"
        )
    return num_classes, tuple(map(str, class_names))


def _checked_pair(
    pair: tuple[ArrayLike, ArrayLike], part: str
) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise ValueError(
            f"{part} must be a pair (images, labels), as in from_arrays("
            f"(images, labels), test=...); received {type(pair).__name__}"
        )
    images = checked_images(pair[0], part)
    labels = np.asanyarray(pair[1])
    if labels.shape not in ((len(images),), (len(images), 1)):
        raise ValueError(
            f"{part} labels must have shape ({len(images)},), one per image; "
            f"received {labels.shape}. Turn one-hot labels into numbers with "
            "labels.argmax(axis=1), and rows of zeros into -1 with "
            "np.where(labels.any(axis=1), labels.argmax(axis=1), -1)"
        )
    if labels.dtype.kind not in "iu":
        raise ValueError(
            f"{part} labels must be integers; received {labels.dtype}. "
            + _how_to_mend(labels)
        )
    return images, labels.reshape(-1)


def _how_to_mend(labels: NDArray[Any]) -> str:
    """Says how labels that are no integers become some."""
    if labels.dtype.kind in "US":
        return (
            "Number them with class_names, labels = np.unique(labels, "
            "return_inverse=True), then set unknown ones to -1"
        )
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        return (
            "Mark unknown ones, not a number here, with -1: "
            "np.nan_to_num(labels, nan=-1).astype('int32')"
        )
    if labels.dtype.kind == "O":
        return "Use an array of integers, with -1 instead of None"
    return "Convert them with labels.astype('int32')"


def checked_images(given: ArrayLike, part: str) -> NDArray[np.uint8]:
    """Returns images as the sampler reads them, copied only if strided.

    Args:
        given: uint8 `(N, H, W, C)` with 1 or 3 channels, or `(N, H, W)`.
        part: What they are, for messages.

    Returns:
        uint8 `(N, H, W, C)`, C-contiguous; a memory map stays one.

    Raises:
        ValueError: What was expected, what was received and how to mend it.
    """
    images = np.asanyarray(given)
    if images.dtype != np.uint8:
        raise ValueError(
            f"{part} images must be uint8, 0 to 255; received {images.dtype}. "
            "From 0..1, convert them with (images * 255).round()"
            ".astype('uint8')"
        )
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise ValueError(
            f"{part} images must have shape (N, height, width) or (N, height, "
            f"width, channels) with 1 or 3 channels; received {images.shape}. "
            "Move channels last with images.transpose(0, 2, 3, 1)"
        )
    if 0 in images.shape:
        raise ValueError(
            f"{part} images are empty: expected at least one image of one "
            f"pixel; received shape {images.shape}"
        )
    if not images.flags.c_contiguous:
        images = np.ascontiguousarray(images)
    return images


def _checked_labels(
    labels: NDArray[Any], lowest: int, num_classes: int, part: str
) -> NDArray[np.int32]:
    """Returns labels as int32, once they are known to be in range."""
    least, most = labels.min(), labels.max()
    if least < lowest or most >= num_classes:
        unknown = ", or -1 where unknown" if lowest < 0 else ""
        if most >= num_classes:
            how = "Pass num_classes=... for more classes"
        elif least < -1:
            how = "Mark unknown labels with -1: labels[labels < 0] = -1"
        else:
            how = f"Leave images without a label out of {part}"
        raise ValueError(
            f"{part} labels must be from 0 to {num_classes - 1}{unknown}; "
            f"received {least} to {most}. {how}"
        )
    return labels.astype(np.int32, copy=False)


def check_same_shape(
    images: NDArray[np.uint8], others: NDArray[np.uint8], part: str
) -> None:
    """Raises a `ValueError` unless both have one height, width, channels.

    Args:
        images: Training images, uint8 `(N, H, W, C)`.
        others: Further images.
        part: What these are, for the message.
    """
    if others.shape[1:] != images.shape[1:]:
        raise ValueError(
            f"{part} images must have the shape of train images, "
            f"{images.shape[1:]}; received {others.shape[1:]}"
        )
