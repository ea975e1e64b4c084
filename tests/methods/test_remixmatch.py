"""ReMixMatch: aligned guesses, mixed; rotations are told."""

import cases
import numpy as np
import numpy_oracle as oracle
import pytest

from keras_ssl.methods import ReMixMatch

BATCH = cases.batch(ReMixMatch, 0)
VIEWS, LABELS = BATCH


def test_the_objective_equals_the_oracle():
    made = cases.model("remixmatch")
    oracle.at_progress(made, 0.008)  # half of the ramp
    images = [oracle.scaled(VIEWS[name]) for name in ReMixMatch.views]
    (weak,) = oracle.network_logits(made.network, images[1])
    p = oracle.softmax(weak)
    y = oracle.one_hot(LABELS, cases.CLASSES)
    predicted = (127 / cases.CLASSES + p.mean(axis=0)) / 128
    marginal = 0.999 / cases.CLASSES + 0.001 * y.mean(axis=0)
    q = p * marginal / predicted
    q = oracle.sharpen(q / q.sum(axis=1, keepdims=True), 0.5)
    x, targets = np.concatenate(images[:4]), np.concatenate([y, q, q, q])
    r = np.linspace(0.05, 0.95, len(x))
    r = np.maximum(r, 1 - r)
    share = r[:, None, None, None]
    x = share * x + (1 - share) * x[::-1]
    targets = r[:, None] * targets + (1 - r[:, None]) * targets[::-1]
    mixed, strong = oracle.network_logits(made.network, x, images[2])
    mixed, n = oracle.cross_entropy(targets, mixed), len(y)
    turned = oracle.head(made.turns, oracle.features(made.network, images[4]))
    found, _ = oracle.evaluate(made, BATCH)
    assert found == {
        "supervised": pytest.approx(np.mean(mixed[:n]), rel=1e-4),
        "unlabeled": pytest.approx(1.5 * 0.5 * np.mean(mixed[n:]), rel=1e-4),
        "strong": pytest.approx(
            0.5 * 0.5 * np.mean(oracle.cross_entropy(q, strong)), rel=1e-4
        ),
        "rotation": pytest.approx(
            0.5 * np.mean(oracle.cross_entropy(VIEWS["turns/rotated"], turned)),
            rel=1e-4,
        ),
    }
