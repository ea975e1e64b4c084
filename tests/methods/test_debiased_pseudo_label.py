"""Debiased pseudo-labels: logits adjusted by what was predicted."""

import cases
import numpy as np
import numpy_oracle as oracle
import pytest

from keras_ssl.methods import DebiasedPseudoLabel

BATCH = cases.batch(DebiasedPseudoLabel, 0)
VIEWS, LABELS = BATCH
PREDICTED = np.array([0.05, 0.1, 0.15, 0.7])


def test_the_objective_equals_the_oracle():
    made = cases.model("debiased_pseudo_label", momentum=0.9, strength=1.0)
    made.predicted.assign(PREDICTED)
    labeled, weak, strong = oracle.network_logits(
        made.network, *(VIEWS[name] for name in made.views)
    )
    bias = np.log(PREDICTED)
    q = oracle.softmax(weak - bias)
    made.threshold = float(np.median(q.max(axis=1)))
    guess, mask = q.argmax(axis=1), q.max(axis=1) >= made.threshold
    assert 0 < mask.sum() < len(mask)
    assert (guess != weak.argmax(axis=1)).any()
    found, monitors = oracle.evaluate(made, BATCH)
    loss = oracle.cross_entropy(guess, strong + bias)
    assert found == {
        "supervised": pytest.approx(
            np.mean(oracle.cross_entropy(LABELS, labeled)), rel=1e-5
        ),
        "unlabeled": pytest.approx(np.mean(mask * loss), rel=1e-4),
    }
    assert monitors["mask_rate"] == pytest.approx(mask.mean())
    made.objective(oracle.tensors(BATCH))
    new = 0.9 * PREDICTED + 0.1 * oracle.softmax(weak).mean(axis=0)
    np.testing.assert_allclose(oracle.value(made.predicted), new, rtol=1e-4)


def test_evenly_predicted_classes_change_nothing():
    made = cases.model("debiased_pseudo_label")
    plain = cases.model("fixmatch")
    found, _ = oracle.evaluate(made, BATCH)
    expected, _ = oracle.evaluate(plain, BATCH)
    assert found == pytest.approx(expected, rel=1e-5)
