"""OpenMatch: one detector for each class."""

import cases
import numpy as np
import numpy_oracle as oracle
import pytest

from keras_ssl.methods import OpenMatch

BATCH = cases.batch(OpenMatch, 0)
VIEWS, LABELS = BATCH


@pytest.mark.parametrize("progress", [0.01, 0.5])
def test_the_objective_equals_the_oracle(progress):
    made = oracle.at_progress(cases.model("open_match"), progress)
    images = [oracle.scaled(VIEWS[name]) for name in OpenMatch.views]
    labeled, weak, _, strong = oracle.network_logits(made.network, *images)
    found, one, other = (
        oracle.softmax(
            oracle.head(
                made.detectors, oracle.features(made.network, view)
            ).reshape(-1, cases.CLASSES, 2)
        )
        for view in images[:3]
    )
    detection = [
        -np.log(o[y, 0]) - np.log(np.delete(o[:, 1], y).min())
        for o, y in zip(found, LABELS, strict=True)
    ]
    unsure = [-(o * np.log(o)).sum(axis=2).mean() for o in (one, other)]
    distance = ((one - other) ** 2).sum(axis=(1, 2))
    q = oracle.softmax(weak)
    guess = q.argmax(axis=1)
    inlier = one[np.arange(len(one)), guess, 0] > 0.5
    assert 0 < inlier.sum() < len(inlier)
    mask = inlier & (q.max(axis=1) >= 0.5)
    assert mask.any()
    guessed = np.mean(mask * oracle.cross_entropy(guess, strong))
    terms, monitors = oracle.evaluate(made, BATCH)
    assert terms == {
        "supervised": pytest.approx(
            np.mean(oracle.cross_entropy(LABELS, labeled)), rel=1e-4
        ),
        "detection": pytest.approx(np.mean(detection), rel=1e-4),
        "entropy": pytest.approx(0.1 * np.mean(unsure), rel=1e-4),
        "agreement": pytest.approx(0.5 * np.mean(distance), rel=1e-4),
        "unlabeled": pytest.approx(guessed if progress > 0.1 else 0, rel=1e-4),
    }
    assert monitors["inliers"] == pytest.approx(inlier.mean())
