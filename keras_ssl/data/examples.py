"""Examples that come one at a time, gathered into arrays."""

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


def gathered(
    read: Read,
    parts: tuple[Any, Any, Any],
    class_names: Sequence[str] | None,
    image_size: tuple[int, int] | None,
    flip: bool,
    name: str,
) -> Dataset:
    """Makes a data set of three collections of examples.

    Args:
        read: from a collection to its examples, images as
            `objects.from_torch` lists them.
        parts: for training, unlabeled, for testing; the latter may be `None`.
        class_names: by default numbers; of labels that are texts, these.
        image_size: `(height, width)`, or `None`.
        flip: Whether a mirrored image keeps its label.
        name: Name of the data set.

    Returns:
        A `Dataset`.

    Raises:
        ValueError: If something does not fit.
    """
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
