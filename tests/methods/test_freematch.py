"""FreeMatch: thresholds that follow the model, and fairness."""

import cases
import numpy as np
import numpy_oracle as oracle
import pytest

from keras_ssl import backend
from keras_ssl.methods import FixMatch, FreeMatch

BATCH = cases.batch(FreeMatch, 0)
VIEWS, LABELS = BATCH
C = cases.CLASSES


def views_of(made):
    return oracle.network_logits(
        made.network, VIEWS["labeled"], VIEWS["weak"], VIEWS["strong"]
    )


def sum_norm(x):
    return x / x.sum()


def test_the_first_step_is_the_average_of_the_initial_constants():
    made = cases.model("freematch", momentum=0.9)
    _, weak, _ = views_of(made)
    q = oracle.softmax(weak)
    with backend.scope():
        made.objective(oracle.tensors(BATCH))
        tau, p, h = (
            oracle.value(variable.value)
            for variable in (made.confidence, made.marginal, made.histogram)
        )
    assert tau == pytest.approx(0.9 / C + 0.1 * q.max(axis=1).mean())
    np.testing.assert_allclose(p, 0.9 / C + 0.1 * q.mean(axis=0), rtol=1e-5)
    shares = np.bincount(q.argmax(axis=1), minlength=C) / len(q)
    np.testing.assert_allclose(h, 0.9 / C + 0.1 * shares, rtol=1e-5)


def test_the_objective_equals_the_oracle():
    made = cases.model(
        "freematch", momentum=0.5, fairness_weight=2.0, unlabeled_weight=3.0
    )
    made.confidence.assign(0.9)
    made.marginal.assign([0.1, 0.2, 0.3, 0.4])
    made.histogram.assign([0.3, 0.2, 0.4, 0.1])
    labeled, weak, strong = views_of(made)
    q, s = oracle.softmax(weak), oracle.softmax(strong)
    guess = q.argmax(axis=1)
    tau = 0.5 * 0.9 + 0.5 * q.max(axis=1).mean()
    p = 0.5 * np.array([0.1, 0.2, 0.3, 0.4]) + 0.5 * q.mean(axis=0)
    shares = np.bincount(guess, minlength=C) / len(q)
    h = 0.5 * np.array([0.3, 0.2, 0.4, 0.1]) + 0.5 * shares
    mask = q.max(axis=1) >= tau * (p / p.max())[guess]
    assert 0 < mask.sum() < len(mask)
    mean = s[mask].mean(axis=0)
    strong_shares = np.bincount(s[mask].argmax(axis=1), minlength=C)
    strong_shares = strong_shares / mask.sum()
    ratio = np.where(
        strong_shares > 0, mean / np.maximum(strong_shares, 1e-9), 0
    )
    fairness = np.sum(sum_norm(p / h) * np.log(sum_norm(ratio) + 1e-12))
    found, monitors = oracle.evaluate(made, BATCH)
    assert found == {
        "supervised": pytest.approx(
            np.mean(oracle.cross_entropy(LABELS, labeled)), rel=1e-5
        ),
        "unlabeled": pytest.approx(
            3 * np.mean(mask * oracle.cross_entropy(guess, strong)), rel=1e-5
        ),
        "fairness": pytest.approx(2 * fairness, rel=1e-4),
    }
    assert monitors["mask_rate"] == pytest.approx(mask.mean())


def test_without_any_guess_there_is_no_fairness_and_no_nan():
    made = cases.model("freematch", momentum=1.0)
    made.confidence.assign(2.0)  # which no probability reaches
    made.marginal.assign([0.25] * C)
    found, monitors = oracle.evaluate(made, BATCH)
    assert monitors["mask_rate"] == 0
    assert (found["unlabeled"], found["fairness"]) == (0, 0)
    for gradient in oracle.term_gradients(made, BATCH, "fairness"):
        assert (gradient == 0).all()


def test_the_published_numbers_are_the_defaults():
    made = FreeMatch(cases.plain_network())
    assert (made.momentum, made.fairness_weight) == (0.999, 0.001)
    assert FreeMatch.views == FixMatch.views
    assert made.unlabeled_ratio == 7
