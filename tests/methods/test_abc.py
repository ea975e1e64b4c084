"""ABC: a classifier that sees the classes equally often."""

import cases
import numpy as np
import numpy_oracle as oracle
import pytest

from keras_ssl.methods import ABC

BATCH = cases.batch(ABC, 0)
VIEWS, LABELS = BATCH
COUNTS = np.array([20.0, 3.0, 8.0, 4.0])


def uniform(x):
    return np.sin(29.0 * x) ** 2  # as in the small cases


@pytest.mark.parametrize("progress", [0.0, 0.6])
def test_the_objective_equals_the_oracle(progress):
    made = oracle.at_progress(cases.model("abc"), progress)
    made.counts.assign(COUNTS)
    images = [oracle.scaled(VIEWS[name]) for name in ABC.views]
    labeled, weak, strong = oracle.network_logits(made.network, *images)
    o = [
        oracle.head(made.ordinary, oracle.features(made.network, view))
        for view in images
    ]
    counts = COUNTS + np.bincount(LABELS, minlength=4)
    rarity = counts.min() / counts
    keep = uniform(rarity[LABELS]) < rarity[LABELS]
    assert 0 < keep.sum() < len(keep)
    q = oracle.softmax(weak)
    confident = q.max(axis=1) >= 0.5
    share = 1 - progress * (1 - rarity[q.argmax(axis=1)])
    mask = confident & (uniform(share) < share)
    assert mask.any()
    if not progress:
        assert (mask == confident).all()
    ordinary = oracle.softmax(o[1])
    guess = ordinary.argmax(axis=1)
    sure = ordinary.max(axis=1) >= 0.5
    found, _ = oracle.evaluate(made, BATCH)
    assert found == {
        "supervised": pytest.approx(
            np.mean(keep * oracle.cross_entropy(LABELS, labeled)), rel=1e-4
        ),
        "unlabeled": pytest.approx(
            np.mean(mask * oracle.cross_entropy(q, strong)), rel=1e-4
        ),
        "ordinary": pytest.approx(
            np.mean(oracle.cross_entropy(LABELS, o[0]))
            + np.mean(sure * oracle.cross_entropy(guess, o[2])),
            rel=1e-4,
        ),
    }
