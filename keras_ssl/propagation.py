"""Label propagation on a graph of features, outside of any training step.

Zhou et al., NeurIPS 2003 (diffusion); Iscen et al., CVPR 2019, equations 5 to
12. NumPy arrays in and out; scikit-learn finds neighbors, SciPy solves.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def affinity(z: NDArray[Any], neighbors: int, gamma: float) -> Any:
    """D^(-1/2) W D^(-1/2) of a nearest-neighbor graph, a sparse matrix.

    W = A + A^T, A_ij = max(0, z_i . z_j)^gamma where j is one of the nearest
    `neighbors` of i and not i, else 0; D is the diagonal of W's row sums.

    Args:
        z: rows of length 1, `(examples, values)`.
        neighbors: how many an example has; all where there are fewer.
        gamma: exponent.
    """
    from scipy import sparse
    from sklearn.neighbors import NearestNeighbors

    count = len(z)
    nearest = NearestNeighbors(n_neighbors=min(neighbors + 1, count)).fit(z)
    a = nearest.kneighbors_graph(z, mode="connectivity").tocoo()
    rows, columns = a.row[a.row != a.col], a.col[a.row != a.col]
    similarity = np.maximum(np.sum(z[rows] * z[columns], axis=1), 0) ** gamma
    a = sparse.coo_matrix((similarity, (rows, columns)), (count, count)).tocsr()
    w = a + a.T
    degree = np.asarray(w.sum(axis=1)).ravel()
    root = sparse.diags(1 / np.sqrt(np.where(degree > 0, degree, 1.0)))
    return root @ w @ root


def propagate(
    z: ArrayLike,
    labels: ArrayLike,
    classes: int,
    neighbors: int = 50,
    gamma: float = 3.0,
    alpha: float = 0.99,
    iterations: int = 20,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Spreads labels over a graph of examples.

    Solves (I - alpha S) F = Y with conjugate gradients, S the `affinity` and Y
    one-hot rows of the known labels; p_i are the rows of max(F, 0), divided by
    their sums, and w_i = 1 - H(p_i) / log C.

    Args:
        z: features, `(examples, values)`; their length does not matter.
        labels: int `(examples,)`, -1 where unknown.
        classes: C.
        neighbors, gamma: see `affinity`.
        alpha: how far labels spread, 0 to below 1.
        iterations: of conjugate gradients.

    Returns:
        The guessed class of each example, int32, and its weight w, float32
        from 0 to 1; 0 where no label has come.
    """
    from scipy import sparse
    from scipy.sparse.linalg import cg

    z, labels = np.asarray(z, np.float64), np.asarray(labels)
    length = np.linalg.norm(z, axis=1, keepdims=True)
    s = affinity(z / np.maximum(length, 1e-12), neighbors, gamma)
    system = sparse.identity(len(z)) - alpha * s
    spread = np.empty((len(z), classes))
    for c in range(classes):
        known = (labels == c).astype(np.float64)
        spread[:, c], _ = cg(system, known, rtol=1e-6, maxiter=iterations)
    spread = np.maximum(spread, 0)
    total = spread.sum(axis=1, keepdims=True)
    p = np.where(total > 0, spread / np.maximum(total, 1e-12), 1 / classes)
    entropy = -np.sum(p * np.log(np.maximum(p, 1e-12)), axis=1)
    weight = np.clip(1 - entropy / np.log(classes), 0, 1)
    return p.argmax(axis=1).astype(np.int32), weight.astype(np.float32)


def balance(guess: NDArray[np.integer], classes: int) -> NDArray[np.float64]:
    """1 / share of each class, a mean of 1 over the guesses.

    Args:
        guess: int `(examples,)`.
        classes: their number.

    Returns:
        `(classes,)`; 1 for a class that is in no guess.
    """
    counts = np.bincount(guess, minlength=classes)
    rates = len(guess) / np.count_nonzero(counts) / np.maximum(counts, 1)
    return np.where(counts > 0, rates, 1.0)
