"""Entropy minimization: sure predictions, by a weight that rises."""

import cases
import numpy as np
import numpy_oracle as oracle
import pytest

from keras_ssl.methods import EntropyMinimization

BATCH = cases.batch(EntropyMinimization, 0)
VIEWS, LABELS = BATCH


@pytest.mark.parametrize(("progress", "ramp"), [(0.1, 0.25), (0.6, 1.0)])
def test_the_objective_equals_the_oracle(progress, ramp):
    made = cases.model("entropy_minimization", unlabeled_weight=3.0)
    oracle.at_progress(made, progress)
    labeled, weak = oracle.network_logits(
        made.network, VIEWS["labeled"], VIEWS["weak"]
    )
    found, _ = oracle.evaluate(made, BATCH)
    assert found == {
        "supervised": pytest.approx(
            np.mean(oracle.cross_entropy(LABELS, labeled)), rel=1e-5
        ),
        "unlabeled": pytest.approx(
            3 * ramp * np.mean(oracle.entropy(weak)), rel=1e-5
        ),
    }


def test_descending_it_makes_the_predictions_surer():
    made = cases.model("entropy_minimization", network=cases.plain_network())
    oracle.at_progress(made, 1.0)
    before, _ = oracle.evaluate(made, BATCH)
    gradients = oracle.term_gradients(made, BATCH, "unlabeled")
    for variable, gradient in zip(
        made.network.trainable_variables, gradients, strict=True
    ):
        variable.assign(oracle.value(variable) - 0.1 * gradient)
    after, _ = oracle.evaluate(made, BATCH)
    assert after["unlabeled"] < before["unlabeled"]
