"""SimMatch: what a weak view resembles, a strong view shall resemble."""

import cases
import numpy as np
import numpy_oracle as oracle
import pytest

from keras_ssl.methods import SimMatch

BATCH = cases.batch(SimMatch, 0)
VIEWS, LABELS = BATCH
SEEN = np.random.default_rng(0)
Z = oracle.unit(SEEN.normal(size=(12, 128)))
Y = SEEN.integers(0, cases.CLASSES, 12)


@pytest.mark.parametrize("full", [False, True])
def test_the_objective_equals_the_oracle(full):
    made = cases.model("simmatch", smoothing=0.7)
    if full:
        made.memory.z.assign(Z)
        made.memory.q.assign(oracle.one_hot(Y, cases.CLASSES))
    images = [oracle.scaled(VIEWS[name]) for name in SimMatch.views]
    labeled, weak, strong = oracle.network_logits(made.network, *images)
    z = [
        oracle.unit(
            oracle.head(made.projection, oracle.features(made.network, view))
        )
        for view in images
    ]
    q = oracle.softmax(weak)
    q = q / ((31 / cases.CLASSES + q.mean(axis=0)) / 32)
    q /= q.sum(axis=1, keepdims=True)
    instance = 0.0
    if full:
        s = oracle.softmax(z[1] @ Z.T / 0.1)
        near = np.array([[r[c == Y].sum() for c in range(4)] for r in s])
        target = np.array([r * p[Y] for r, p in zip(s, q, strict=True)])
        target /= target.sum(axis=1, keepdims=True)
        instance = oracle.cross_entropy(target, z[2] @ Z.T / 0.1)
        q = 0.7 * q + 0.3 * near
    mask = q.max(axis=1) >= 0.5
    assert 0 < mask.sum() < len(mask)
    found, _ = oracle.evaluate(made, BATCH)
    assert found == {
        "supervised": pytest.approx(
            np.mean(oracle.cross_entropy(LABELS, labeled)), rel=1e-4
        ),
        "unlabeled": pytest.approx(
            np.mean(mask * oracle.cross_entropy(q, strong)), rel=1e-4
        ),
        "instance": pytest.approx(np.mean(instance), rel=1e-4),
    }
