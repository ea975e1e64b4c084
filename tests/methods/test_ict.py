"""Interpolation consistency training."""

import cases
import numpy as np
import numpy_oracle as oracle
import pytest

from keras_ssl import backend
from keras_ssl.methods import ICT

BATCH = cases.batch(ICT, 0)
VIEWS, LABELS = BATCH


def mixed(values, ratio):
    ratio = ratio.reshape(-1, *[1] * (values.ndim - 1))
    return ratio * values + (1 - ratio) * values[::-1]


def test_the_objective_equals_the_oracle():
    made = cases.model("ict", unlabeled_weight=3.0)
    rng = np.random.default_rng(0)
    for average in made.averages:  # a teacher that is not the student
        shape = tuple(average.shape)
        average.assign(oracle.value(average) + rng.normal(0, 0.1, shape))
    oracle.at_progress(made, 0.125)  # half of the ramp
    x, u = oracle.scaled(VIEWS["labeled"]), oracle.scaled(VIEWS["weak"])
    y = oracle.one_hot(LABELS, cases.CLASSES)
    with backend.scope(), made.averaged():
        (teacher,) = oracle.network_logits(made.network, u)
    q = oracle.softmax(teacher)
    r, s = np.linspace(0.05, 0.95, len(x)), np.linspace(0.05, 0.95, len(u))
    labeled, unlabeled = oracle.network_logits(
        made.network, mixed(x, r), mixed(u, s)
    )
    distance = oracle.squared_distance(oracle.softmax(unlabeled), mixed(q, s))
    found, _ = oracle.evaluate(made, BATCH)
    assert found == {
        "supervised": pytest.approx(
            np.mean(oracle.cross_entropy(mixed(y, r), labeled)), rel=1e-4
        ),
        "unlabeled": pytest.approx(
            3 * np.exp(-5 / 4) * np.mean(distance), rel=1e-4
        ),
    }


def test_ratios_are_drawn_from_the_beta_distribution():
    made = ICT(cases.plain_network(), alpha=0.1)
    r = oracle.value(made.ratios(4000))
    assert r.shape == (4000,)
    assert 0 <= r.min() <= r.max() <= 1
    assert r.mean() == pytest.approx(0.5, abs=0.03)
    # of Beta(a, a): 1 / (4 (2 a + 1))
    assert r.var() == pytest.approx(1 / 4.8, abs=0.01)


def test_without_an_average_there_is_no_teacher():
    with pytest.raises(ValueError, match="the average is the teacher"):
        ICT(cases.plain_network(), ema_decay=0)
