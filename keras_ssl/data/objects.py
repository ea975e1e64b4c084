"""Data sets from objects that hand over one example at a time.

PyTorch's `Dataset` and Hugging Face's `Dataset` are read once, example by
example, into arrays; neither package is imported.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_ssl import registry
from keras_ssl.data import image_files
from keras_ssl.data.arrays import from_arrays
from keras_ssl.data.dataset import Dataset
from keras_ssl.data.image_size import checked_image_size

Example = tuple[Any, Any]  # an image, and its label or None
Read = Callable[[Any], Iterator[Example]]


def from_torch(
    train: Any,
    unlabeled: Any = None,
    test: Any = None,
    *,
    class_names: Sequence[str] | None = None,
    image_size: tuple[int, int] | None = None,
    flip: bool = True,
    name: str = "torch",
) -> Dataset:
    """Makes a data set of `torch.utils.data.Dataset`s.

    An item is an image, or a tuple of an image and its label. An image is one
    of Pillow, or an array or tensor, uint8 or floats from 0 to 1, `(H, W)`,
    `(H, W, C)` or `(C, H, W)`. The transform of a data set is applied once, so
    it should neither augment nor normalize: the sampler and the model do.

    Args:
        train: anything with `len()` and `[i]`. A label is a whole number, -1 or
            `None` where unknown; or the name of a class, "" where unknown.
        unlabeled: further training images; labels are passed over. `None`:
            there are none.
        test: as `train`, all labels known, or `None`.
        class_names: by default `train.classes`, if it has such; else numbers.
        image_size: `(height, width)` that images are cut and resized to. Needed
            where they have several sizes.
        flip: Whether a mirrored image keeps its label. Default `True`.
        name: Name of the data set.

    Returns:
        A `Dataset`.

    Raises:
        ValueError: If something does not fit: what was expected, what was
            received and how to mend it.

    Example:

    >>> import keras_ssl, numpy as np
    >>> items = [(np.zeros((8, 8), np.uint8), i % 2) for i in range(4)]
    >>> keras_ssl.data.from_torch(items, name="own")
    <Dataset own: 4 train, no test, 8x8x1, 2 classes>
    """
    if class_names is None:
        class_names = getattr(train, "classes", None)

    def read(dataset: Any) -> Iterator[Example]:
        for place in range(_length(dataset)):
            item = dataset[place]
            pair = isinstance(item, tuple | list)
            yield (
                (item[0], item[1] if len(item) > 1 else None)
                if pair
                else (
                    item,
                    None,
                )
            )

    return _made(
        read, (train, unlabeled, test), class_names, image_size, flip, name
    )


def from_hugging_face(
    train: Any,
    unlabeled: Any = None,
    test: Any = None,
    *,
    image: str = "image",
    label: str = "label",
    image_size: tuple[int, int] | None = None,
    flip: bool = True,
    name: str = "hugging_face",
) -> Dataset:
    """Makes a data set of Hugging Face's `datasets.Dataset`s.

    Args:
        train: one part of a data set, such as `load_dataset(...)["train"]`,
            with a column of images and one of labels, -1 or `None` where
            unknown; images as for `from_torch`.
        unlabeled: further training images, or `None`.
        test: as `train`, all labels known, or `None`.
        image: name of the column of images.
        label: name of the column of labels. Class names are those of its
            `ClassLabel`, if it is one, or its texts.
        image_size: as for `from_torch`.
        flip: Whether a mirrored image keeps its label. Default `True`.
        name: Name of the data set.

    Returns:
        A `Dataset`.

    Raises:
        ValueError: If something does not fit: what was expected, what was
            received and how to mend it.

    Example:

        parts = datasets.load_dataset("ylecun/mnist")
        data = keras_ssl.data.from_hugging_face(
            parts["train"], test=parts["test"], flip=False
        )
    """
    for part in (train, unlabeled, test):
        if part is not None and not hasattr(part, "column_names"):
            raise ValueError(
                "expected a datasets.Dataset, with rows and columns; received "
                f"{type(part).__name__}"
            )
        if part is not None and isinstance(part.column_names, dict):
            raise ValueError(
                "expected one part of a data set; received all of them: pass "
                f"dataset[{next(iter(part.column_names), 'train')!r}]"
            )
    for part, columns in ((train, (image, label)), (unlabeled, (image,)),
                          (test, (image, label))):  # fmt: skip
        for column in columns:
            if part is not None and column not in part.column_names:
                raise ValueError(
                    registry.unknown("column", column, part.column_names)
                )
    features = getattr(train, "features", None) or {}

    def read(dataset: Any) -> Iterator[Example]:
        for place in range(_length(dataset)):
            row = dataset[place]
            yield row[image], row.get(label)

    return _made(
        read,
        (train, unlabeled, test),
        getattr(features.get(label), "names", None),
        image_size,
        flip,
        name,
    )


def _length(dataset: Any) -> int:
    try:
        return len(dataset)
    except TypeError:
        raise ValueError(
            "expected a data set with len() and items by their number; "
            f"received {type(dataset).__name__}, which has no length. Collect "
            "its items first: list(dataset)"
        ) from None


def _made(
    read: Read,
    parts: tuple[Any, Any, Any],
    class_names: Sequence[str] | None,
    image_size: tuple[int, int] | None,
    flip: bool,
    name: str,
) -> Dataset:
    size = checked_image_size(image_size)
    images, given = {}, {}
    for part, dataset in zip(
        ("train", "unlabeled", "test"), parts, strict=True
    ):
        if dataset is not None:
            found = [
                (_pixels(image, size, f"{part} image {place}"), label)
                for place, (image, label) in enumerate(read(dataset))
            ]
            images[part] = [pixels for pixels, _ in found]
            given[part] = [label for _, label in found]
    _same_channels(images)
    words = [x for x in given["train"] if isinstance(x, str) and x]
    if words:
        class_names = class_names or sorted(set(words))

    def labels(part: str) -> NDArray[Any]:
        return _numbers(given[part], class_names, part)

    arrays = {part: _stacked(found, part) for part, found in images.items()}
    return from_arrays(
        (arrays["train"], labels("train")),
        (arrays["test"], labels("test")) if "test" in arrays else None,
        unlabeled=arrays.get("unlabeled"),
        class_names=class_names,
        name=name,
        flip=flip,
    )


def _numbers(
    labels: list[Any], class_names: Sequence[str] | None, part: str
) -> NDArray[Any]:
    """Labels as numbers, -1 where they are `None` or ""."""
    numbers: list[Any] = []
    for label in labels:
        if label is None or label == "":
            numbers.append(-1)
        elif isinstance(label, str):
            if label not in (class_names or ()):
                raise ValueError(
                    f"{part}: "
                    + registry.unknown("class", label, class_names or ())
                )
            numbers.append(list(class_names or ()).index(label))
        else:
            numbers.append(np.asarray(label).item())
    return np.array(numbers)


def _pixels(
    image: Any, size: tuple[int, int] | None, what: str
) -> NDArray[np.uint8]:
    """An image as uint8 `(H, W, C)`."""
    if hasattr(image, "getexif"):  # Pillow's
        channels = 1 if image.mode in image_files.GRAY else 3
        return image_files.pixels(image, size, channels)
    found = np.asarray(image.numpy() if hasattr(image, "numpy") else image)
    if found.ndim == 2:
        found = found[..., None]
    last, first = found.shape[-1:], found.shape[:1]
    if found.ndim == 3 and last not in ((1,), (3,)) and first in ((1,), (3,)):
        found = found.transpose(1, 2, 0)
    if found.ndim != 3 or found.shape[-1] not in (1, 3):
        raise ValueError(
            f"{what}: expected (H, W), (H, W, C) or (C, H, W) with 1 or 3 "
            f"channels; received {found.shape or type(image).__name__}"
        )
    if found.dtype.kind == "f":
        if not (found.min() >= 0 and found.max() <= 1):
            raise ValueError(
                f"{what}: expected floats from 0 to 1; received "
                f"{found.min():.3g} to {found.max():.3g}. Leave out "
                "transforms that normalize: the model does it itself"
            )
        found = np.round(255 * found).astype(np.uint8)
    if found.dtype != np.uint8:
        raise ValueError(
            f"{what}: expected uint8, or floats from 0 to 1; received "
            f"{found.dtype}"
        )
    if size is None or found.shape[:2] == size:
        return found
    from PIL import Image

    channels = found.shape[-1]
    flat = np.ascontiguousarray(found[..., 0] if channels == 1 else found)
    return image_files.pixels(Image.fromarray(flat), size, channels)


def _same_channels(images: dict[str, list[NDArray[np.uint8]]]) -> None:
    """Makes gray images colored ones where others are."""
    channels = {x.shape[-1] for found in images.values() for x in found}
    if channels == {1, 3}:
        for found in images.values():
            found[:] = [np.broadcast_to(x, (*x.shape[:2], 3)) for x in found]


def _stacked(images: list[NDArray[np.uint8]], part: str) -> NDArray[np.uint8]:
    sizes = {image.shape[:2] for image in images}
    if len(sizes) > 1:
        shown = ", ".join(f"{h} x {w}" for h, w in sorted(sizes)[:3])
        raise ValueError(
            f"{part} images have several sizes, {shown}; pass "
            "image_size=(height, width)"
        )
    if not images:
        raise ValueError(f"{part}: expected at least one image; received none")
    return np.stack(images)
