"""DARP: guesses as frequent as the labels of each class."""

import cases
import numpy as np
import numpy_oracle as oracle
import pytest

from keras_ssl.methods import DARP
from keras_ssl.refining import refine

BATCH = cases.batch(DARP, 0)
VIEWS, LABELS = BATCH


@pytest.mark.parametrize("is_refined", [True, False])
def test_the_objective_equals_the_oracle(is_refined):
    made = cases.model("darp", unlabeled_weight=3.0, threshold=0.9)
    made.refined.assign(float(is_refined))
    labeled, weak, strong = oracle.network_logits(
        made.network, *(VIEWS[name] for name in made.views)
    )
    q = oracle.softmax(weak)
    cut, scale, dual = map(oracle.value, (made.cut, made.scale, made.dual))
    assert (q < cut).any()
    if is_refined:
        a = q * scale * (q >= cut) + 1e-6
        a /= a.sum(axis=1, keepdims=True)
        h = -np.sum(a * np.log(a), axis=1, keepdims=True)
        m = a * np.exp(-dual * h)
        q = m / m.sum(axis=1, keepdims=True)
    mask = q.max(axis=1) >= 0.9
    assert 0 < mask.sum() < len(mask)
    loss = oracle.cross_entropy(q.argmax(axis=1), strong)
    found, monitors = oracle.evaluate(made, BATCH)
    assert found == {
        "supervised": pytest.approx(
            np.mean(oracle.cross_entropy(LABELS, labeled)), rel=1e-5
        ),
        "unlabeled": pytest.approx(3 * np.mean(mask * loss), rel=1e-4),
    }
    assert monitors["mask_rate"] == pytest.approx(mask.mean())


@pytest.mark.parametrize("shares", [None, [1.0, 2.0, 3.0, 4.0]])
def test_what_was_predicted_is_refined_between_epochs(shares):
    made = oracle.at_progress(cases.model("darp", shares=shares), 0.5)
    made.refined.assign(0.0)
    made.refresh()  # nothing has been seen
    assert oracle.value(made.refined) == 0
    made.objective(oracle.tensors(BATCH))
    _, weak, _ = oracle.network_logits(
        made.network, *(VIEWS[name] for name in made.views)
    )
    p, index = oracle.softmax(weak), VIEWS["index"]
    kept = oracle.value(made.predictions)
    np.testing.assert_allclose(kept[index], p, atol=1e-5)
    assert not kept[np.setdiff1d(np.arange(cases.POOL), index)].any()
    made.refresh()
    assert oracle.value(made.refined) == 1
    frequent = shares or np.bincount(LABELS, minlength=cases.CLASSES)
    wanted = len(p) * np.array(frequent) / np.sum(frequent)
    order = np.argsort(index)
    for name, value in refine(kept[index][order], wanted)._asdict().items():
        found = oracle.value(getattr(made, name))
        np.testing.assert_allclose(found, value, rtol=1e-4)


def test_in_the_beginning_nothing_is_refined():
    made = oracle.at_progress(cases.model("darp"), 0.39)
    made.refined.assign(0.0)
    made.predictions.assign(np.full((cases.POOL, cases.CLASSES), 0.25))
    made.refresh()
    assert oracle.value(made.refined) == 0


def test_shares_that_do_not_fit_the_classes_are_a_clear_error():
    for shares in ([1.0, 2.0], [1.0, 1.0, 1.0, -1.0]):
        with pytest.raises(ValueError, match="shares of 4 classes"):
            cases.model("darp", shares=shares)
