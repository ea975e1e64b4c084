"""Drawing splits: which training images become labeled, unlabeled, held out.

Nothing is drawn with a random generator, whose stream might change from one
release to the next: the images of a class are ranked by the SHA-256 digest of
the text `"seed:index"`, with `index` the position in the training set. The
first ones in this ranking become the labeled images, the next ones, where a
protocol counts them, the unlabeled ones, and the last ones the validation
images. So more labels with the same seed contain the fewer ones, and the
validation set does not depend on the number of labels.

As in the reference implementations of MixMatch, FixMatch and their kin, the
labeled images are also part of the unlabeled ones.
"""

import hashlib
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, SupportsIndex

import numpy as np

from keras_ssl.data.open_set import class_numbers, restricted
from keras_ssl.data.split import Split
from keras_ssl.data.split_file import all_but

if TYPE_CHECKING:
    from keras_ssl.data.dataset import Dataset


def balanced(
    dataset: "Dataset",
    labels_per_class: int,
    seed: int = 0,
    validation_per_class: int = 0,
    classes: Sequence[int | str] | None = None,
    unlabeled_classes: Sequence[int | str] | None = None,
) -> Split:
    """Draws a class-balanced split; see `Dataset.split`.

    Args:
        dataset: A `Dataset`.
        labels_per_class: Labeled images of each class, at least 1.
        seed: Integer that decides which ones.
        validation_per_class: Images of each class held out, at least 0.
        classes: Numbers or names of the classes to learn; `None`: all.
        unlabeled_classes: Those that unlabeled images belong to; `None`: all,
            and images of unknown class.

    Returns:
        A `Split`.

    Raises:
        ValueError: If a class has too few labels, or for an unknown class.
    """
    all_labels = np.asarray(dataset.train[1])
    wanted = None
    if unlabeled_classes is not None:
        wanted = class_numbers(dataset, unlabeled_classes, "unlabeled_classes")
    if classes is not None:
        dataset = restricted(dataset, classes)
    asked = _whole("labels_per_class", labels_per_class, 1)
    held_out = _whole("validation_per_class", validation_per_class, 0)
    seed = _whole("seed", seed, None)
    none = [0] * dataset.num_classes
    labeled, _, validation = _cut(
        dataset, seed, [asked] * dataset.num_classes, none, held_out
    )
    unlabeled = all_but(dataset, validation)
    if wanted is not None:
        unlabeled = unlabeled[np.isin(all_labels[unlabeled], wanted)]
    return Split(
        dataset,
        np.array(labeled, np.int64),
        unlabeled,
        np.array(validation, np.int64),
        seed,
        asked,
    )


def given(
    dataset: "Dataset", seed: int = 0, validation_per_class: int = 0
) -> Split:
    """Takes every known label; see `Dataset.split_given`.

    Args:
        dataset: A `Dataset`.
        seed: Integer that decides which images are held out.
        validation_per_class: Images of each class held out, at least 0.

    Returns:
        A `Split`.

    Raises:
        ValueError: If a class has too few labels.
    """
    held_out = _whole("validation_per_class", validation_per_class, 0)
    seed = _whole("seed", seed, None)
    labels = np.asarray(dataset.train[1])
    counts = np.bincount(labels[labels >= 0], minlength=dataset.num_classes)
    labeled, _, validation = _cut(
        dataset,
        seed,
        np.maximum(counts - held_out, 1).tolist(),
        [0] * dataset.num_classes,
        held_out,
    )
    return Split(
        dataset,
        np.array(labeled, np.int64),
        all_but(dataset, validation),
        np.array(validation, np.int64),
        seed,
    )


def long_tailed(
    dataset: "Dataset",
    labeled_first: int,
    unlabeled_first: int | None,
    imbalance: float,
    unlabeled_imbalance: float | None = None,
    seed: int = 0,
    validation_per_class: int = 0,
) -> Split:
    """Draws a long-tailed split; see `Dataset.split_long_tailed`.

    Args:
        dataset: A `Dataset`.
        labeled_first: N_1, labeled images of the largest class.
        unlabeled_first: M_1, further unlabeled images of the largest class;
            `None`: every other training image is unlabeled.
        imbalance: Ratio of the largest to the smallest class.
        unlabeled_imbalance: The same for the unlabeled images.
        seed: Integer that decides which ones.
        validation_per_class: Images of each class held out, at least 0.

    Returns:
        A `Split`.

    Raises:
        ValueError: If a class has too few labels, or an argument is out of
            range.
    """
    held_out = _whole("validation_per_class", validation_per_class, 0)
    seed = _whole("seed", seed, None)
    labeled_first = _whole("labeled_first", labeled_first, 1)
    classes = dataset.num_classes
    counts = long_tailed_counts(labeled_first, classes, imbalance)
    if min(counts) < 1:
        raise ValueError(
            f"labeled_first={labeled_first} with imbalance={imbalance} leaves "
            "a class without labels; raise labeled_first or lower imbalance"
        )
    further = [0] * classes
    if unlabeled_first is not None:
        further = long_tailed_counts(
            _whole("unlabeled_first", unlabeled_first, 0),
            classes,
            imbalance if unlabeled_imbalance is None else unlabeled_imbalance,
        )
    elif unlabeled_imbalance is not None:
        raise ValueError(
            f"unlabeled_imbalance={unlabeled_imbalance} needs unlabeled_first, "
            "the unlabeled images of the largest class; received None, which "
            "takes all images"
        )
    labeled, more, validation = _cut(dataset, seed, counts, further, held_out)
    unlabeled = (
        all_but(dataset, validation)
        if unlabeled_first is None
        else np.sort(np.array(labeled + more, np.int64))
    )
    return Split(
        dataset,
        np.array(labeled, np.int64),
        unlabeled,
        np.array(validation, np.int64),
        seed,
    )


def long_tailed_counts(
    first: int, num_classes: int, imbalance: float
) -> list[int]:
    """Images of each class of a long-tailed set: exponentially fewer.

    Class k of C, counted from 1, has `first * imbalance ** (-(k-1) / (C-1))`
    images, cut to a whole number; rounded step by step as in DARP (Kim et al.,
    arXiv 2007.08844) and USB, so that their counts come out exactly.

    Args:
        first: Images of the largest class.
        num_classes: Number of classes, at least 1.
        imbalance: Largest class over smallest class, at least 1; a negative
            one reverses the order of the classes.

    Returns:
        List of `num_classes` ints.

    Raises:
        ValueError: For an imbalance between -1 and 1, or none at all.

    Example:

    >>> from keras_ssl.data.draw import long_tailed_counts
    >>> long_tailed_counts(1500, 10, 100)
    [1500, 899, 539, 323, 193, 116, 69, 41, 25, 15]
    """
    if not 1 <= abs(imbalance) < float("inf"):
        raise ValueError(
            "an imbalance is the size of the largest class over that of the "
            "smallest, at least 1, or at most -1 for the reversed order; "
            f"received {imbalance}"
        )
    if num_classes == 1:
        return [first]
    ratio = np.power(1 / abs(imbalance), 1 / (num_classes - 1))
    counts = [int(first * np.power(ratio, k)) for k in range(num_classes - 1)]
    counts.append(int(first / abs(imbalance)))
    return counts if imbalance > 0 else counts[::-1]


def _cut(
    dataset: "Dataset",
    seed: int,
    labeled: Sequence[int],
    further: Sequence[int],
    held_out: int,
) -> tuple[list[int], list[int], list[int]]:
    """Cuts each class's ranking: so many labeled, so many further ones after
    them, so many held out at its end.
    """
    labels = np.asarray(dataset.train[1])
    parts: tuple[list[int], list[int], list[int]] = [], [], []
    for number, class_name in enumerate(dataset.class_names):
        members = np.flatnonzero(labels == number).tolist()
        first, second = labeled[number], labeled[number] + further[number]
        if len(members) < second + held_out:
            raise ValueError(
                f"class {number} ({class_name!r}) has {len(members)} labels; "
                f"the split needs {second + held_out}: {first} labeled, "
                f"{further[number]} further unlabeled and {held_out} for "
                "validation. Ask for fewer"
            )
        members.sort(key=lambda index: _rank(seed, index))
        parts[0].extend(members[:first])
        parts[1].extend(members[first:second])
        parts[2].extend(members[len(members) - held_out :])
    return parts


def _rank(seed: int, index: int) -> bytes:
    return hashlib.sha256(f"{seed}:{index}".encode()).digest()


def _whole(name: str, value: SupportsIndex, least: int | None) -> int:
    """Returns `value` as an int that is at least `least`."""
    try:
        number: int | None = operator.index(value)
    except TypeError:
        number = None
    if number is None or (least is not None and number < least):
        bound = "" if least is None else f" of at least {least}"
        raise ValueError(
            f"{name} must be an integer{bound}; received {value!r}"
        )
    return number
