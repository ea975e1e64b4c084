"""DARP: guesses as frequent as the labels of each class."""

import cases
import numpy as np
import numpy_oracle as oracle
import pytest

from keras_ssl.methods import DARP
from keras_ssl.refining import refine

BATCH = cases.batch(DARP, 0)
VIEWS, LABELS = BATCH


def test_the_objective_equals_the_oracle():
    made = cases.model("darp", unlabeled_weight=3.0, threshold=0.6)
    labeled, weak, strong = oracle.network_logits(
        made.network, *(VIEWS[name] for name in made.views)
    )
    index = VIEWS["index"]
    is_new = index % 5 == 0  # and has no refined guess
    assert 0 < is_new.sum() < len(index)
    refined = oracle.value(made.refined)[index]
    q = np.where(is_new[:, None], oracle.softmax(weak), refined)
    mask = q.max(axis=1) >= 0.6
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
    made.refined.assign(np.zeros((cases.POOL, cases.CLASSES)))
    made.refresh()  # nothing has been seen
    assert not oracle.value(made.refined).any()
    made.objective(oracle.tensors(BATCH))
    _, weak, _ = oracle.network_logits(
        made.network, *(VIEWS[name] for name in made.views)
    )
    p, index = oracle.softmax(weak), VIEWS["index"]
    kept = oracle.value(made.predictions)
    np.testing.assert_allclose(kept[index], p, atol=1e-5)
    assert not kept[np.setdiff1d(np.arange(cases.POOL), index)].any()
    made.refresh()
    frequent = shares or np.bincount(LABELS, minlength=cases.CLASSES)
    wanted = len(p) * np.array(frequent) / np.sum(frequent)
    order = np.sort(index)
    expected = np.zeros_like(kept)
    expected[order] = refine(kept[order], wanted)
    found = oracle.value(made.refined)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_in_the_beginning_nothing_is_refined():
    made = oracle.at_progress(cases.model("darp"), 0.39)
    before = oracle.value(made.refined)
    made.predictions.assign(np.full((cases.POOL, cases.CLASSES), 0.25))
    made.refresh()
    np.testing.assert_array_equal(oracle.value(made.refined), before)


def test_shares_that_do_not_fit_the_classes_are_a_clear_error():
    for shares in ([1.0, 2.0], [1.0, 1.0, 1.0, -1.0]):
        with pytest.raises(ValueError, match="shares of 4 classes"):
            cases.model("darp", shares=shares)
