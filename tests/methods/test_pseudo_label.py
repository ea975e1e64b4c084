"""Pseudo-label: the confident guess of a pass is the target of that pass."""

import cases
import numpy as np
import numpy_oracle as oracle
import pytest
from keras import ops

from keras_ssl.methods import PseudoLabel

BATCH = cases.batch(PseudoLabel, 0)


def guesses(weak, threshold):
    """Guess and mask of the oracle; some of the batch pass, not all."""
    p = oracle.softmax(weak)
    mask = p.max(axis=1) >= threshold
    assert 0 < mask.sum() < len(mask)
    return p.argmax(axis=1), mask


def test_the_objective_equals_the_oracle():
    made = cases.model("pseudo_label", threshold=0.6, unlabeled_weight=3.0)
    terms, monitors = oracle.evaluate(oracle.at_progress(made, 0.1), BATCH)
    views, labels = BATCH
    labeled, weak = oracle.network_logits(
        made.network, views["labeled"], views["weak"]
    )
    guess, mask = guesses(weak, 0.6)
    unlabeled = np.mean(mask * oracle.cross_entropy(guess, weak))
    assert terms == {
        "supervised": pytest.approx(
            np.mean(oracle.cross_entropy(labels, labeled)), rel=1e-5
        ),
        # a quarter of the ramp over the first 40 %
        "unlabeled": pytest.approx(0.25 * 3.0 * unlabeled, rel=1e-5),
    }
    assert monitors["mask_rate"] == pytest.approx(np.mean(mask))


@pytest.mark.parametrize(
    ("progress", "weight"),
    [(0.0, 0.0), (0.2, 0.5), (0.4, 1.0), (0.7, 1.0), (1.0, 1.0)],
)
def test_the_weight_rises_over_the_first_40_percent(progress, weight):
    made = cases.model("pseudo_label")
    full, _ = oracle.evaluate(
        oracle.at_progress(cases.model("pseudo_label", ramp=0.0), 0.5), BATCH
    )
    found, _ = oracle.evaluate(oracle.at_progress(made, progress), BATCH)
    assert full["unlabeled"] > 0.01
    assert found["unlabeled"] == pytest.approx(
        weight * full["unlabeled"], rel=1e-5
    )
    assert found["supervised"] == full["supervised"]


def test_masked_out_examples_count_as_zero_in_the_mean():
    made = cases.model("pseudo_label", network=cases.plain_network())
    made.threshold = 0.6
    oracle.at_progress(made, 1.0)
    views, labels = BATCH
    (weak,) = oracle.network_logits(made.network, views["weak"])
    _, mask = guesses(weak, 0.6)
    used, unused = (
        np.resize(np.flatnonzero(rows), 6) for rows in (mask, ~mask)
    )
    alone, padded = (
        oracle.evaluate(made, ({**views, "weak": views["weak"][rows]}, labels))
        for rows in (used, np.concatenate([used, unused]))
    )
    assert alone[0]["unlabeled"] > 0.01
    assert padded[0]["unlabeled"] == pytest.approx(
        alone[0]["unlabeled"] / 2, rel=1e-5
    )
    assert (alone[1]["mask_rate"], padded[1]["mask_rate"]) == (1.0, 0.5)


def test_the_gradient_is_that_of_a_fixed_label():
    made = oracle.at_progress(cases.model("pseudo_label", threshold=0.6), 1.0)
    views, _ = BATCH
    _, weak = oracle.network_logits(
        made.network, views["labeled"], views["weak"]
    )
    guess, mask = guesses(weak, 0.6)

    def with_fixed_label():
        _, weak = made.logits(
            *map(oracle.tensor, (views["labeled"], views["weak"]))
        )
        rows = ops.one_hot(oracle.tensor(guess), cases.CLASSES)
        loss = -ops.sum(rows * ops.log_softmax(weak), axis=1)
        return ops.mean(oracle.tensor(mask.astype("float32")) * loss)

    oracle.assert_same_gradients(
        oracle.term_gradients(made, BATCH, "unlabeled"),
        oracle.gradients(made, with_fixed_label),
    )
