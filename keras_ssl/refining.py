"""Pseudo-labels corrected by how frequent each class is, for long-tailed data.

NumPy, outside of any training step. `refine` makes the classes as frequent as
they should be (Kim et al., NeurIPS 2020); `surest` chooses labels for the next
generation of self-training (Wei et al., CVPR 2021).
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

TINY = 1e-6  # as in the authors' code


def cleaned(
    p: NDArray[Any], wanted: NDArray[Any], part: float
) -> NDArray[np.float64]:
    """Predictions without the least probable guesses of each class.

    Of class k the `part * wanted[k]` largest of p_ik are kept, scaled by
    wanted[k] / their sum; then each row is divided by its sum.

    Args:
        p: probabilities `(examples, classes)`.
        wanted: number of examples of each class, `(classes,)`.
        part: alpha in the paper.
    """
    counts = np.clip((part * wanted).astype(int), 1, len(p))
    ordered = -np.sort(-p, axis=0)
    classes = np.arange(p.shape[1])
    sums = np.cumsum(ordered, axis=0)[counts - 1, classes]
    kept = p * (p >= ordered[counts - 1, classes])
    a = kept * (wanted + TINY) / (sums + TINY) + TINY
    return a / a.sum(axis=1, keepdims=True)


def refine(
    p: ArrayLike,
    wanted: ArrayLike,
    part: float = 2.0,
    iterations: int = 10,
) -> NDArray[np.float64]:
    """Solves for the predictions nearest to p whose columns sum as wanted.

    min_M sum_i w_i KL(M_i || A_i), w_i = 1 / H(A_i), where the rows of M sum to
    1 and its columns to `wanted`; A are the `cleaned` rows of p. By turns exact
    for the rows and, by Newton's method on the logarithm of a column's sum,
    for the dual variable of each column; last for the rows.

    Args:
        p: probabilities `(examples, classes)`.
        wanted: number of examples of each class, `(classes,)`, which sum to
            that of all.
        part: of `wanted` that is kept before, see `cleaned`.
        iterations: of rows and columns.

    Returns:
        M, `(examples, classes)`.
    """
    p, wanted = np.asarray(p, np.float64), np.asarray(wanted, np.float64)
    a = cleaned(p, wanted, part)
    log_a = np.log(a)
    entropy = -np.sum(a * log_a, axis=1, keepdims=True)
    log_wanted = np.log(np.maximum(wanted, TINY))
    dual = np.zeros(p.shape[1])
    for _ in range(iterations):
        log_m = log_a - dual * entropy
        log_x = -np.logaddexp.reduce(log_m, axis=1, keepdims=True)
        for _ in range(5):
            log_m = log_x + log_a - dual * entropy
            log_sum = np.logaddexp.reduce(log_m, axis=0)
            slope = np.sum(np.exp(log_m - log_sum) * entropy, axis=0)
            step = (log_sum - log_wanted) / np.maximum(slope, TINY)
            # where nobody is unsure there is nothing to move
            dual = dual + np.clip(step, -5.0, 5.0)
    log_m = log_a - dual * entropy
    return np.exp(log_m - np.logaddexp.reduce(log_m, axis=1, keepdims=True))


def surest(
    alpha: float,
    guess: NDArray[np.integer],
    confidence: NDArray[Any],
    counts: NDArray[Any],
) -> NDArray[np.int32]:
    """The surest guesses, of a rare class a greater part than of others.

    Of the guesses that name the k-th most frequent of C classes the part
    (N_(C+1-k) / N_1)^alpha, N_1 >= ... >= N_C. CReST (Wei et al., CVPR 2021),
    section 3.2.

    Args:
        alpha: exponent.
        guess: int `(examples,)`, -1 where there is none.
        confidence: `(examples,)`.
        counts: number of labels of each class, `(classes,)`.

    Returns:
        The guess where it is chosen, else -1.
    """
    order = np.argsort(-counts, kind="stable")
    part = np.empty(len(counts))
    part[order] = (counts[order[::-1]] / max(counts.max(), TINY)) ** alpha
    chosen = np.full(len(guess), -1, np.int32)
    for k, of_class in enumerate(part):
        found = np.flatnonzero(guess == k)
        found = found[np.argsort(-confidence[found], kind="stable")]
        # what is left of a whole number by rounding counts as whole
        chosen[found[: int(of_class * len(found) + TINY)]] = k
    return chosen
