"""Dash: a threshold on the loss that falls."""

import cases
import numpy as np
import numpy_oracle as oracle
import pytest

from keras_ssl import backend
from keras_ssl.methods import Dash

BATCH = cases.batch(Dash, 0)
VIEWS, LABELS = BATCH
WHEN = {"warm_up": 0.1, "period": 0.05}


def at(progress, **arguments):
    made = cases.model("dash", **WHEN, **arguments)
    made.initial_loss.assign(2.0)
    return oracle.at_progress(made, progress)


@pytest.mark.parametrize(
    ("progress", "exponent"), [(0.16, 1), (0.21, 2), (0.41, 6)]
)
def test_the_objective_equals_the_oracle(progress, exponent):
    made = at(progress, unlabeled_weight=3.0)
    labeled, weak, strong = oracle.network_logits(
        made.network, VIEWS["labeled"], VIEWS["weak"], VIEWS["strong"]
    )
    q = oracle.softmax(weak)
    rho = 1.0001 * 1.27**-exponent * 2.0
    assert rho > made.floor
    mask = -np.log(q.max(axis=1)) <= rho
    target = oracle.sharpen(q, 0.5)
    loss = oracle.cross_entropy(target, strong)
    found, monitors = oracle.evaluate(made, BATCH)
    assert found == {
        "supervised": pytest.approx(
            np.mean(oracle.cross_entropy(LABELS, labeled)), rel=1e-5
        ),
        "unlabeled": pytest.approx(3 * np.mean(mask * loss), rel=1e-4),
    }
    assert monitors["mask_rate"] == pytest.approx(mask.mean())


def test_the_threshold_parts_the_batch_and_targets_are_hard_at_the_floor():
    made = at(1.0, floor=0.5)
    _, weak, strong = oracle.network_logits(
        made.network, VIEWS["labeled"], VIEWS["weak"], VIEWS["strong"]
    )
    q = oracle.softmax(weak)
    assert 1.0001 * 1.27**-18 * 2.0 < 0.5
    mask = -np.log(q.max(axis=1)) <= 0.5
    assert 0 < mask.sum() < len(mask)
    loss = oracle.cross_entropy(q.argmax(axis=1), strong)
    found, _ = oracle.evaluate(made, BATCH)
    assert found["unlabeled"] == pytest.approx(np.mean(mask * loss), rel=1e-4)


def test_in_the_warm_up_there_is_no_unlabeled_term_and_the_loss_is_noted():
    made = cases.model("dash", **WHEN)
    labeled, _, _ = oracle.network_logits(
        made.network, VIEWS["labeled"], VIEWS["weak"], VIEWS["strong"]
    )
    first = np.mean(oracle.cross_entropy(LABELS, labeled))
    oracle.at_progress(made, 0.0)
    with backend.scope():
        terms = made.objective(oracle.tensors(BATCH))
        assert oracle.value(terms["unlabeled"]) == 0
        noted = oracle.value(made.initial_loss.value)
    assert noted == pytest.approx(first, rel=1e-5)
    # later in it the average moves, and after it stands
    for progress, expected in [(0.05, 0.9 * 2 + 0.1 * first), (0.2, 2.0)]:
        made.initial_loss.assign(2.0)
        oracle.at_progress(made, progress)
        with backend.scope():
            made.objective(oracle.tensors(BATCH))
            noted = oracle.value(made.initial_loss.value)
        assert noted == pytest.approx(expected, rel=1e-5)
