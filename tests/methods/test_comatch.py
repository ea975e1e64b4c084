"""CoMatch: a memory smooths the guesses, a graph pulls embeddings."""

import cases
import numpy as np
import numpy_oracle as oracle
import pytest

from keras_ssl.methods import CoMatch

BATCH = cases.batch(CoMatch, 0)
VIEWS, LABELS = BATCH
SEEN = np.random.default_rng(0)
Z = oracle.unit(SEEN.normal(size=(24, 64)))
Q = oracle.softmax(3 * SEEN.normal(size=(24, cases.CLASSES)))


def parts(made):
    images = [oracle.scaled(VIEWS[name]) for name in CoMatch.views]
    logits = oracle.network_logits(made.network, *images)
    z = [
        oracle.unit(
            oracle.head(made.projection, oracle.features(made.network, view))
        )
        for view in images
    ]
    p = oracle.softmax(logits[1])
    predicted = (31 / cases.CLASSES + p.mean(axis=0)) / 32
    aligned = p / cases.CLASSES / predicted
    return logits, z, aligned / aligned.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("full", [False, True])
def test_the_objective_equals_the_oracle(full):
    made = cases.model("comatch", graph_threshold=0.4, contrast_weight=2.0)
    if full:
        made.memory.z.assign(Z)
        made.memory.q.assign(Q)
    (labeled, _, strong, _), z, q = parts(made)
    if full:
        q = 0.9 * q + 0.1 * oracle.softmax(z[1] @ Z.T / 0.2) @ Q
    mask = q.max(axis=1) >= 0.5
    assert 0 < mask.sum() < len(mask)
    graph = q @ q.T
    graph[graph < 0.4] = 0
    np.fill_diagonal(graph, 1)
    assert 12 < (graph > 0).sum() < graph.size
    graph /= graph.sum(axis=1, keepdims=True)
    contrast = oracle.cross_entropy(graph, z[2] @ z[3].T / 0.2)
    found, monitors = oracle.evaluate(made, BATCH)
    assert found == {
        "supervised": pytest.approx(
            np.mean(oracle.cross_entropy(LABELS, labeled)), rel=1e-4
        ),
        "unlabeled": pytest.approx(
            np.mean(mask * oracle.cross_entropy(q, strong)), rel=1e-4
        ),
        "contrast": pytest.approx(2 * np.mean(contrast), rel=1e-4),
    }
    assert monitors["mask_rate"] == pytest.approx(mask.mean())


def test_the_memory_holds_what_was_seen_last():
    made = cases.model("comatch")
    _, z, aligned = parts(made)
    made.objective(oracle.tensors(BATCH))
    np.testing.assert_allclose(
        oracle.value(made.memory.z)[:18],
        np.concatenate([z[1], z[0]]),
        atol=1e-5,
    )
    y = oracle.one_hot(LABELS, cases.CLASSES)
    np.testing.assert_allclose(
        oracle.value(made.memory.q),
        np.concatenate([aligned, y, np.zeros((6, cases.CLASSES))]),
        atol=1e-5,
    )
    assert not made.memory.is_full()
