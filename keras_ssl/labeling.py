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
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from keras_ssl.ssl_model import SSLModel

POOL = 10  # candidates for each image that is asked for
Floats = NDArray[np.float64]


@dataclasses.dataclass(frozen=True, eq=False)
class Ranking:
    """Images to label, the one to begin with first.

    Attributes:
        rows: int64 `(K,)`, which of the images.
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
    labeled: NDArray[np.uint8],
    count: int,
) -> Ranking:
    """Chooses the images that are worth a label.

    Args:
        model: what has been trained so far.
        images: uint8 `(N, H, W, C)`, without labels.
        labeled: uint8 `(L, H, W, C)`, those that have one.
        count: how many to choose; all there are if they are fewer.

    Returns:
        A `Ranking` of rows of `images`.

    Raises:
        ValueError: there are no images, or `count` is below 1.
    """
    if count < 1 or not len(images):
        raise ValueError(
            "expected at least one image to choose from and a count of at "
            f"least 1; received {len(images)} images and count {count}"
        )
    p, q, features = predictions(model, images)
    centers = predictions(model, labeled)[2]
    unsure, torn = uncertainty(p), disagreement(p, q)
    rows = chosen(unsure + torn, features, centers, count)
    return Ranking(
        rows,
        unsure[rows],
        torn[rows],
        p.argmax(axis=1)[rows],
        p.max(axis=1)[rows],
    )


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

    Among the `10 * count` most valuable rows the next one is always that with
    the largest value times distance to the nearest center; it then is a center
    itself, so of equal images one is chosen.

    Args:
        value: `(N,)`, at least 0.
        features: `(N, F)`; their directions count.
        centers: `(L, F)`, features of what is labeled already.
        count: how many; all there are if they are fewer.

    Returns:
        int64 rows, in the order of choice.
    """
    # stable, so that the same model asks the same on every machine
    candidates = np.argsort(-value, kind="stable")[: POOL * count]
    z, value = _directions(features[candidates]), value[candidates]
    closest = (z @ _directions(centers).T).max(axis=1, initial=-1.0)
    taken: list[int] = []
    left = np.ones(len(candidates), bool)
    while left.any() and len(taken) < count:
        distance = np.sqrt(np.maximum(2 - 2 * closest, 0))
        # where all are alike the most valuable is the first
        best = int(np.argmax(np.where(left, value * distance, -1.0)))
        taken.append(best)
        left[best] = False
        closest = np.maximum(closest, z @ z[best])
    return candidates[taken]


def _directions(features: Floats) -> Floats:
    rows = np.asarray(features, np.float64)
    return rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-12)


def predictions(
    model: "SSLModel", images: NDArray[np.uint8]
) -> tuple[Floats, Floats, Floats]:
    """What a model says of images.

    Args:
        model: an `SSLModel`.
        images: uint8 `(N, H, W, C)`.

    Returns:
        Probabilities `(N, C)` of the averaged weights and of the weights
        themselves, and the features `(N, F)` that the former see; where a
        network's layers are not known, its logits.
    """
    from keras_ssl.predictor import averaged_copy

    p, features = _says(model, averaged_copy(model), images)
    q, _ = _says(model, model.network, images)
    return p, q, features


def _says(
    model: "SSLModel", network: Any, images: NDArray[np.uint8]
) -> tuple[Floats, Floats]:
    import keras

    from keras_ssl.networks.features import with_features
    from keras_ssl.predictor import scaled_bytes

    inputs, scaled = scaled_bytes(model)
    if getattr(network, "inputs", None):
        logits, features = with_features(network)(scaled)
    else:
        logits = features = network(scaled)
    p = keras.layers.Softmax(dtype="float32")(logits)
    both = keras.Model(inputs, [p, keras.layers.Flatten()(features)])
    found = both.predict(images, batch_size=500, verbose=0)
    return tuple(np.asarray(x, np.float64) for x in found)  # type: ignore
