"""SoftMatch: guesses weighted by a truncated Gaussian."""

import cases
import numpy as np
import numpy_oracle as oracle
import pytest
from keras import ops

from keras_ssl import backend
from keras_ssl.methods import SoftMatch

BATCH = cases.batch(SoftMatch, 0)
VIEWS, LABELS = BATCH
C = cases.CLASSES


def test_the_objective_equals_the_oracle():
    made = cases.model(
        "softmatch", momentum=0.75, deviations=1.5, unlabeled_weight=3.0
    )
    made.marginal.assign([0.1, 0.2, 0.3, 0.4])
    made.mean.assign(0.6)
    made.variance.assign(0.04)
    labeled, weak, strong = oracle.network_logits(
        made.network, VIEWS["labeled"], VIEWS["weak"], VIEWS["strong"]
    )
    q = oracle.softmax(weak)
    marginal = 0.75 * np.array([0.1, 0.2, 0.3, 0.4]) + 0.25 * q.mean(axis=0)
    aligned = q / C / marginal
    aligned /= aligned.sum(axis=1, keepdims=True)
    confidence = aligned.max(axis=1)
    mean = 0.75 * 0.6 + 0.25 * confidence.mean()
    variance = 0.75 * 0.04 + 0.25 * confidence.var(ddof=1)
    below = np.minimum(confidence - mean, 0)
    weight = np.exp(-(below**2) / (2 * variance / 1.5**2))
    assert (weight == 1).any()
    assert (weight < 0.9).any()
    found, monitors = oracle.evaluate(made, BATCH)
    guess = q.argmax(axis=1)
    assert found == {
        "supervised": pytest.approx(
            np.mean(oracle.cross_entropy(LABELS, labeled)), rel=1e-5
        ),
        "unlabeled": pytest.approx(
            3 * np.mean(weight * oracle.cross_entropy(guess, strong)), rel=1e-4
        ),
    }
    assert monitors["mask_rate"] == pytest.approx(weight.mean(), rel=1e-4)


def test_the_first_step_is_the_average_of_the_initial_constants():
    made = cases.model("softmatch", momentum=0.9)
    q = np.full((4, C), 0.1, "float32")
    q[np.arange(4), np.arange(4)] = 0.7  # balanced: alignment changes nothing
    with backend.scope():
        made.mask({}, oracle.tensor(q))
        mean = oracle.value(made.mean.value)
        variance = oracle.value(made.variance.value)
    assert mean == pytest.approx(0.9 / C + 0.1 * 0.7, rel=1e-5)
    assert variance == pytest.approx(0.9 * 1.0, abs=1e-6)


def test_the_weight_is_1_from_the_mean_on():
    made = cases.model("softmatch", momentum=1.0)
    made.mean.assign(0.7)
    made.variance.assign(0.01)
    q = np.array([[0.8, 0.1, 0.05, 0.05], [0.7, 0.1, 0.1, 0.1]], "float32")
    q = np.concatenate([q, [[0.6, 0.2, 0.1, 0.1]]]).astype("float32")
    weight = ops.convert_to_numpy(made.mask({}, oracle.tensor(q)))
    assert weight[0] == 1
    assert weight[1] == pytest.approx(1)
    assert weight[2] == pytest.approx(np.exp(-0.01 / (0.02 / 4)), rel=1e-4)


def test_the_published_numbers_are_the_defaults():
    made = SoftMatch(cases.plain_network())
    assert (made.momentum, made.deviations) == (0.999, 2.0)
