"""DeFixMatch: FixMatch without its bias."""

import cases
import numpy as np
import numpy_oracle as oracle
import pytest

from keras_ssl.methods import DeFixMatch

BATCH = cases.batch(DeFixMatch, 0)
VIEWS, LABELS = BATCH
NAMES = ("labeled", "labeled_strong", "weak", "strong")


def masked_loss(weak, strong, threshold):
    p = oracle.softmax(weak)
    mask = p.max(axis=1) >= threshold
    loss = oracle.cross_entropy(p.argmax(axis=1), strong)
    return mask, np.mean(mask * loss)


def test_the_objective_equals_the_oracle():
    made = cases.model("defixmatch", threshold=0.6, unlabeled_weight=3.0)
    labeled, labeled_strong, weak, strong = oracle.network_logits(
        made.network, *(VIEWS[name] for name in NAMES)
    )
    mask, unlabeled = masked_loss(weak, strong, 0.6)
    _, bias = masked_loss(labeled, labeled_strong, 0.6)
    assert 0 < mask.sum() < len(mask)
    supervised = sum(
        np.mean(oracle.cross_entropy(LABELS, logits)) / 2
        for logits in (labeled, labeled_strong)
    )
    found, monitors = oracle.evaluate(made, BATCH)
    assert found == {
        "supervised": pytest.approx(supervised, rel=1e-5),
        "unlabeled": pytest.approx(3 * unlabeled, rel=1e-4),
        "debiasing": pytest.approx(-3 * bias, rel=1e-4),
    }
    assert monitors["mask_rate"] == pytest.approx(mask.mean())


def test_where_both_pools_are_the_same_nothing_is_left_of_the_guesses():
    made = cases.model("defixmatch", network=cases.plain_network())
    views = {
        **VIEWS,
        "weak": VIEWS["labeled"],
        "strong": VIEWS["labeled_strong"],
    }
    found, _ = oracle.evaluate(made, (views, LABELS))
    assert found["unlabeled"] > 0.1
    assert found["unlabeled"] == pytest.approx(-found["debiasing"], rel=1e-6)


def test_the_default_weight():
    made = DeFixMatch(cases.plain_network())
    assert (made.unlabeled_weight, made.threshold) == (0.5, 0.95)
