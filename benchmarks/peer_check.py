"""Whether the batches of a peer are the job: every image its own augmentation.

A fast loader that delivers the same picture twice, forgets the shuffle or
draws one op for a whole batch is not a peer. The thresholds are far from what
the job gives and from what a defect gives; the figures are kept in the results.
"""

import numpy as np

from peers.job import MEAN, RATIO, STD

SPREAD = 12.0  # gray levels; below 5 if a batch shares its ops and values


def check(peer, batches, images, batch_size):
    """Figures of some batches, and in "problems" what is wrong with them.

    Args:
        peer: a `peers.Peer`.
        batches: a list of `(labeled, weak, strong)`, as the peer delivers them.
        images: the store they were made of.
        batch_size: how many labeled images a batch should have.

    Returns:
        Figures of the check, rounded: parts of the images, gray levels.
    """
    problems = []
    counts = {
        "labeled": batch_size,
        "weak": RATIO * batch_size,
        "strong": RATIO * batch_size,
    }
    views = {}
    for place, (name, count) in enumerate(counts.items()):
        received = [batch[place] for batch in batches]
        expected = _expected(peer, count, images.shape[1:])
        for array in received:
            if (array.dtype.name, array.shape) != expected:
                problems.append(
                    f"{name}: expected {expected}, received "
                    f"{(array.dtype.name, array.shape)}"
                )
        if problems:
            return {"problems": problems}
        views[name] = np.concatenate([_as_bytes(peer, a) for a in received])
    weak, strong = views["weak"], views["strong"]
    stored = {image.tobytes() for image in images}
    brightness = strong.reshape(len(batches), counts["strong"], -1).mean(axis=2)
    difference = np.abs(weak.astype(np.int16) - strong)
    figures = {
        "distinct_weak": _distinct(weak),
        "distinct_strong": _distinct(strong),
        "stored_weak": _part(image.tobytes() in stored for image in weak),
        "stored_strong": _part(image.tobytes() in stored for image in strong),
        "flat_strong": _part(image.std() < 2 for image in strong),
        "weak_to_strong": difference.mean(),
        "spread": brightness.std(axis=1).mean(),
    }
    limits = {
        "distinct_weak": (0.98, 1),
        "distinct_strong": (0.98, 1),
        "stored_weak": (0, 0.05),
        "stored_strong": (0, 0.01),
        "flat_strong": (0, 0.05),
        "weak_to_strong": (15, 128),
        "spread": (SPREAD if peer.per_image else 0, 128),
    }
    for name, (low, high) in limits.items():
        if not low <= figures[name] <= high:
            problems.append(
                f"{name}: expected {low} to {high}, received "
                f"{figures[name]:.4g}"
            )
    rounded = {name: round(float(v), 4) for name, v in figures.items()}
    return {**rounded, "problems": problems}


def _expected(peer, count, shape):
    dtype, layout = peer.delivers.split()
    height, width, channels = shape
    if layout == "NCHW":
        return dtype, (count, channels, height, width)
    return dtype, (count, height, width, channels)


def _as_bytes(peer, array):
    """What a peer delivers as uint8, channels last."""
    dtype, layout = peer.delivers.split()
    if layout == "NCHW":
        array = array.transpose(0, 2, 3, 1)
    if dtype == "uint8":
        return np.ascontiguousarray(array)
    channels = array.shape[3]
    if peer.normalized:
        array = array * np.float32(STD[:channels]) + np.float32(MEAN[:channels])
    return np.clip(np.rint(array * 255), 0, 255).astype(np.uint8)


def _distinct(images):
    return len({image.tobytes() for image in images}) / len(images)


def _part(truths):
    truths = list(truths)
    return sum(truths) / len(truths)
