"""SequenceMatch: weak, medium and strong views that agree in pairs."""

import cases
import numpy as np
import numpy_oracle as oracle
import pytest

from keras_ssl.methods import SequenceMatch

BATCH = cases.batch(SequenceMatch, 0)
VIEWS, LABELS = BATCH


def test_the_objective_equals_the_oracle():
    made = cases.model("sequencematch", threshold=0.65, unlabeled_weight=3.0)
    made.remembered.assign(np.repeat([0, 1, 2, 3], 10))  # all at 0.65
    labeled, weak, medium, strong = oracle.network_logits(
        made.network, *(VIEWS[name] for name in SequenceMatch.views)
    )
    q = oracle.softmax(weak)
    mask = q.max(axis=1) >= 0.65
    assert 0 < mask.sum() < len(mask)
    sequence = (
        oracle.kl_divergence(weak / 0.5, medium)
        + oracle.kl_divergence(medium / 0.5, strong)
        + oracle.kl_divergence(weak / 0.5, strong)
    )
    guesses = oracle.cross_entropy(q.argmax(axis=1), strong)
    found, monitors = oracle.evaluate(made, BATCH)
    assert found == {
        "supervised": pytest.approx(
            np.mean(oracle.cross_entropy(LABELS, labeled)), rel=1e-5
        ),
        "unlabeled": pytest.approx(3 * np.mean(mask * guesses), rel=1e-4),
        "sequence": pytest.approx(3 * np.mean(mask * sequence), rel=1e-4),
    }
    assert monitors["mask_rate"] == pytest.approx(mask.mean())


def test_three_equal_views_have_no_divergence_at_temperature_1():
    made = cases.model("sequencematch", temperature=1.0)
    same = {name: VIEWS["weak"] for name in ("medium", "strong")}
    made.network = cases.plain_network()
    found, _ = oracle.evaluate(made, ({**VIEWS, **same}, LABELS))
    assert found["sequence"] == pytest.approx(0, abs=1e-6)
    assert found["unlabeled"] > 0
