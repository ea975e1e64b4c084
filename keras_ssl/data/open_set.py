"""Open sets: unlabeled images of classes that no label names.

What a model learns are the known classes, numbered from 0; images of all others
keep their place in the training set, without a label.
"""

import dataclasses
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from keras_ssl.data.dataset import Dataset


def restricted(dataset: "Dataset", classes: Sequence[int | str]) -> "Dataset":
    """Returns a data set that knows only some of its classes.

    Args:
        dataset: A `Dataset`.
        classes: Numbers or names of the classes to keep, in their new order.

    Returns:
        A `Dataset` of the same training images, not copied. Labels are the
        position of their class in `classes`, -1 for other classes. The test
        set holds the images of the kept classes alone, copied, and is `None`
        if there are none. `classes` maps the new numbers to the old ones.

    Raises:
        ValueError: For an unknown class, the same one twice, or none.

    Example:

    >>> import keras_ssl
    >>> from keras_ssl.data.open_set import restricted
    >>> few = restricted(keras_ssl.data.load("digits"), ["8", "3"])
    >>> few
    <Dataset digits: 1297 train, 97 test, 8x8x1, 2 classes>
    >>> few.class_names, few.classes
    (('8', '3'), (8, 3))
    """
    kept = class_numbers(dataset, classes, "classes")
    new_number = np.full(dataset.num_classes + 1, -1, np.int32)
    new_number[kept] = np.arange(len(kept))  # the last one stays: -1 to -1
    images, labels = dataset.train
    test = None
    if dataset.test is not None:
        rows = np.flatnonzero(np.isin(dataset.test[1], kept))
        if len(rows):
            test = dataset.test[0][rows], new_number[dataset.test[1][rows]]
    before = dataset.classes or tuple(range(dataset.num_classes))
    return dataclasses.replace(
        dataset,
        train=(images, new_number[labels]),
        test=test,
        num_classes=len(kept),
        class_names=tuple(dataset.class_names[number] for number in kept),
        classes=tuple(before[number] for number in kept),
    )


def class_numbers(
    dataset: "Dataset", classes: Sequence[int | str], argument: str
) -> list[int]:
    """Returns the numbers of classes given by number or name.

    Args:
        dataset: A `Dataset`.
        classes: Numbers or names.
        argument: What they are, for messages.

    Returns:
        List of ints, in the order given.

    Raises:
        ValueError: For an unknown class, the same one twice, or none.
    """
    if isinstance(classes, str):
        classes = [classes]
    numbers = [_number(dataset, one, argument) for one in classes]
    if not numbers or len(set(numbers)) < len(numbers):
        raise ValueError(
            f"{argument} must be distinct classes, at least one; received "
            f"{list(classes)}"
        )
    return numbers


def _number(dataset: "Dataset", one: int | str, argument: str) -> int:
    if isinstance(one, str):
        found = one in dataset.class_names
        number = dataset.class_names.index(one) if found else -1
    else:
        number = operator.index(one)
    if not 0 <= number < dataset.num_classes:
        raise ValueError(
            f"{argument} must be numbers from 0 to {dataset.num_classes - 1} "
            f"or names among {', '.join(dataset.class_names)}; received "
            f"{one!r}"
        )
    return number
