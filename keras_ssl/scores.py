"""How good predictions are: scikit-learn's scores, and their calibration."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

BINS = 15  # Guo et al.'s number


def score(logits: ArrayLike, labels: ArrayLike) -> dict[str, float]:
    """Scores of a classifier.

    Args:
        logits: `(examples, classes)`.
        labels: int `(examples,)`, from 0.

    Returns:
        "accuracy"; "balanced_accuracy", the mean over classes of the part that
        is recognized, and "macro_f1", the mean over classes of F1, which rare
        classes change as much as frequent ones (both over the classes that are
        among the labels); "loss", the mean cross entropy in nats; and
        "calibration_error".

    Raises:
        ValueError: there are no examples, or not as many labels as logits.

    Example:

    >>> found = score([[2.0, 0.0], [0.0, 1.0], [3.0, 0.0]], [0, 1, 1])
    >>> round(found["accuracy"], 2), found["balanced_accuracy"]
    (0.67, 0.75)
    """
    from sklearn import metrics

    logits, labels = np.asarray(logits, np.float64), np.asarray(labels)
    if len(logits) != len(labels) or not len(labels):
        raise ValueError(
            "expected logits (examples, classes) and as many labels, at least "
            f"one; received shapes {logits.shape} and {labels.shape}"
        )
    log_p = logits - logits.max(axis=1, keepdims=True)
    log_p -= np.log(np.exp(log_p).sum(axis=1, keepdims=True))
    guess = log_p.argmax(axis=1)
    present = np.unique(labels)
    recalled = metrics.recall_score(
        labels, guess, labels=present, average="macro", zero_division=0
    )
    f1 = metrics.f1_score(
        labels, guess, labels=present, average="macro", zero_division=0
    )
    return {
        "accuracy": float(np.mean(guess == labels)),
        "loss": float(-log_p[np.arange(len(labels)), labels].mean()),
        "balanced_accuracy": float(recalled),
        "macro_f1": float(f1),
        "calibration_error": calibration_error(np.exp(log_p), labels),
    }


def calibration_error(probabilities: NDArray[Any], labels: ArrayLike) -> float:
    """How far confidence is from accuracy: 0, at best, to 1.

    sum_b n_b / n |accuracy(b) - confidence(b)| over 15 bins b of equal width of
    the largest probability. Guo et al., "On Calibration of Modern Neural
    Networks", ICML 2017, equation 3.

    Args:
        probabilities: `(examples, classes)`.
        labels: int `(examples,)`.

    Example:

    >>> import numpy as np
    >>> calibration_error(np.array([[0.75, 0.25], [0.75, 0.25]]), [0, 1])
    0.25
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == np.asarray(labels)
    # the bin (i / 15, (i + 1) / 15]
    place = np.ceil(confidence * BINS).astype(int)
    gaps = np.bincount(place, right - confidence, minlength=BINS + 1)
    return float(np.abs(gaps).sum() / len(confidence))
