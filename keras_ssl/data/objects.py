"""Data sets from objects that hand over one example at a time.

PyTorch's `Dataset` and Hugging Face's `Dataset` are read once, example by
example, into arrays; neither package is imported.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from keras_ssl import registry
from keras_ssl.data.dataset import Dataset
from keras_ssl.data.examples import Example, gathered


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

    return gathered(
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

    return gathered(
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
