"""Which images to label next: those that a model would learn most from.

Three things are looked at, each of them plain NumPy:

    uncertainty    H(p) / log C, of the averaged weights' predictions p
    disagreement   JS(p, q) / log 2, with q of the weights themselves
    diversity      the distance of an image's features to those of the nearest
                   image that is labeled or asked for already

Sources: entropy and committees, here of two, in Settles, "Active Learning
Literature Survey" (2009), sections 3.1 and 3.2; the greedy k-center of Sener &
Savarese, "Active Learning for Convolutional Neural Networks: A Core-Set
Approach", arXiv 1708.00489, algorithm 1, here among the most valuable images
alone and with distances multiplied by the value.
"""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from keras_ssl.ssl_model import SSLModel

POOL = 10  # candidates for each image that is asked for
PORTION = 5000  # images held in memory at once
Floats = NDArray[np.float64]


@dataclasses.dataclass(frozen=True, eq=False)
class Ranking:
    """Images to label, the one to begin with first.

    Attributes:
        rows: int64 `(K,)`, which images.
        uncertainty: `(K,)`, 0 to 1.
        disagreement: `(K,)`, 0 to 1.
        guess: int64 `(K,)`, the most probable class.
        confidence: `(K,)`, its probability.
    """

    rows: NDArray[np.int64]
    uncertainty: Floats
    disagreement: Floats
    guess: NDArray[np.int64]
    confidence: Floats

    @property
    def value(self) -> Floats:
        """Uncertainty plus disagreement, `(K,)`, 0 to 2."""
        return self.uncertainty + self.disagreement


def rank(
    model: "SSLModel",
    images: NDArray[np.uint8],
    unlabeled: NDArray[np.int64],
    labeled: NDArray[np.int64],
    count: int,
) -> Ranking:
    """Chooses the images that are worth a label.

    Args:
        model: what has been trained so far.
        images: uint8 `(N, H, W, C)`, an array or a memory map.
        unlabeled: rows of `images` to choose from.
        labeled: rows of those that have a label.
        count: how many to choose; all there are if they are fewer.

    Returns:
        A `Ranking`.

    Raises:
        ValueError: there are no images, or `count` is below 1.
    """
    if count < 1 or not len(unlabeled):
        raise ValueError(
            "expected at least one image to choose from and a count of at "
            f"least 1; received {len(unlabeled)} images and count {count}"
        )
    p, q = predictions(model, images, unlabeled)
    unsure, torn = uncertainty(p), disagreement(p, q)
    candidates = most_valuable(unsure + torn, POOL * count)
    places = candidates[
        chosen(
            (unsure + torn)[candidates],
            features(model, images, unlabeled[candidates]),
            features(model, images, labeled),
            count,
        )
    ]
    return Ranking(
        unlabeled[places],
        unsure[places],
        torn[places],
        p.argmax(axis=1)[places],
        p.max(axis=1)[places],
    )


def most_valuable(value: Floats, count: int) -> NDArray[np.int64]:
    """Places of the largest values, the largest first.

    The same on every machine: of equal values the first one comes first.
    """
    return np.argsort(-value, kind="stable")[:count]


def uncertainty(p: Floats) -> Floats:
    """Entropy of predictions `(N, C)` as a part of the largest, 0 to 1."""
    return _entropy(p) / np.log(p.shape[1])


def disagreement(p: Floats, q: Floats) -> Floats:
    """Jensen-Shannon divergence of two predictions `(N, C)`, 0 to 1."""
    apart = _entropy((p + q) / 2) - (_entropy(p) + _entropy(q)) / 2
    return np.clip(apart / np.log(2), 0, 1)  # rounding may fall below 0


def _entropy(p: Floats) -> Floats:
    return -(p * np.log(np.maximum(p, 1e-30))).sum(axis=1)


def chosen(
    value: Floats, features: Floats, centers: Floats, count: int
) -> NDArray[np.int64]:
    """Greedy choice of valuable rows that are far from each other.

    The next row is always that with the largest value times distance to the
    nearest center; it then is a center itself, so of equal images one is
    chosen.

    Args:
        value: `(N,)`, at least 0.
        features: `(N, F)`; their directions count.
        centers: `(L, F)`, features of what is labeled already.
        count: how many; all there are if they are fewer.

    Returns:
        int64 rows, in the order of choice; where all are alike the most
        valuable come first.
    """
    z = _directions(features)
    closest = (z @ _directions(centers).T).max(axis=1, initial=-1.0)
    left = most_valuable(value, len(value))
    taken: list[int] = []
    while len(left) and len(taken) < count:
        distance = np.sqrt(np.maximum(2 - 2 * closest[left], 0))
        best = int(np.argmax(value[left] * distance))
        taken.append(int(left[best]))
        closest = np.maximum(closest, z @ z[left[best]])
        left = np.delete(left, best)
    return np.array(taken, np.int64)


def _directions(features: Floats) -> Floats:
    rows = np.asarray(features, np.float64)
    return rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-12)


def predictions(
    model: "SSLModel", images: NDArray[np.uint8], rows: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """What a model says of images.

    Args:
        model: an `SSLModel`.
        images: uint8 `(N, H, W, C)`.
        rows: `(K,)`, which of them.

    Returns:
        Probabilities `(K, C)` of the averaged weights and of the weights
        themselves.
    """
    import keras

    from keras_ssl.predictor import averaged_copy

    def probabilities(network: Any) -> Floats:
        softmax = keras.layers.Softmax(dtype="float32")
        return _outputs(model, lambda x: softmax(network(x)), images, rows)

    return probabilities(averaged_copy(model)), probabilities(model.network)


def features(
    model: "SSLModel", images: NDArray[np.uint8], rows: NDArray[np.int64]
) -> Floats:
    """What the averaged weights see in images, `(K, F)`.

    The features of `networks.features`; of a network whose layers are not
    known, its logits. Arguments as of `predictions`.
    """
    import keras

    from keras_ssl.networks.features import with_features
    from keras_ssl.predictor import averaged_copy

    network = averaged_copy(model)
    flat = keras.layers.Flatten(dtype="float32")
    if not getattr(network, "inputs", None):
        return _outputs(model, lambda x: flat(network(x)), images, rows)
    both = with_features(network)
    return _outputs(model, lambda x: flat(both(x)[1]), images, rows)


def _outputs(
    model: "SSLModel",
    call: Callable[[Any], Any],
    images: NDArray[np.uint8],
    rows: NDArray[np.int64],
) -> Floats:
    """A function of the network's floats, of images a portion at a time."""
    import keras

    from keras_ssl.predictor import scaled_bytes

    inputs, scaled = scaled_bytes(model)
    asked = keras.Model(inputs, call(scaled))
    found = [
        asked.predict(images[rows[k : k + PORTION]], batch_size=500, verbose=0)
        for k in range(0, len(rows), PORTION)
    ]
    return np.concatenate(found).astype(np.float64)
