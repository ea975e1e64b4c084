"""UDA: sharpened soft targets, and training signal annealing."""

import cases
import numpy as np
import numpy_oracle as oracle
import pytest

from keras_ssl.methods import UDA

BATCH = cases.batch(UDA, 0)
VIEWS, LABELS = BATCH
C = cases.CLASSES


def views_of(made):
    return oracle.network_logits(
        made.network, VIEWS["labeled"], VIEWS["weak"], VIEWS["strong"]
    )


def test_the_objective_equals_the_oracle():
    made = cases.model("uda", threshold=0.6, unlabeled_weight=3.0)
    labeled, weak, strong = views_of(made)
    q = oracle.softmax(weak)
    target = oracle.sharpen(q, 0.4)
    # the mask looks at q before it is sharpened
    mask = q.max(axis=1) > 0.6
    assert 0 < mask.sum() < (target.max(axis=1) > 0.6).sum()
    divergence = np.sum(
        target * (np.log(target) - oracle.log_softmax(strong)), 1
    )
    found, monitors = oracle.evaluate(made, BATCH)
    assert found == {
        "supervised": pytest.approx(
            np.mean(oracle.cross_entropy(LABELS, labeled)), rel=1e-5
        ),
        "unlabeled": pytest.approx(3 * np.mean(mask * divergence), rel=1e-4),
    }
    assert monitors["mask_rate"] == pytest.approx(mask.mean())


@pytest.mark.parametrize(
    ("annealing", "signal"),
    [
        ("linear", 0.5),
        ("log", 1 - np.exp(-2.5)),
        ("exp", np.exp(-2.5)),
    ],
)
def test_labeled_examples_count_until_the_model_is_sure(annealing, signal):
    made = cases.model("uda", annealing=annealing)
    oracle.at_progress(made, 0.5)
    ceiling = signal * (1 - 1 / C) + 1 / C
    loss = oracle.cross_entropy(LABELS, views_of(made)[0])
    counts = np.exp(-loss) <= ceiling
    expected = loss[counts].mean() if counts.any() else 0.0
    found, _ = oracle.evaluate(made, BATCH)
    assert found["supervised"] == pytest.approx(expected, rel=1e-5)


def test_at_the_start_of_annealing_only_the_worst_count():
    made = cases.model("uda", annealing="linear")
    oracle.at_progress(made, 0.0)
    loss = oracle.cross_entropy(LABELS, views_of(made)[0])
    counts = np.exp(-loss) <= 1 / C
    assert 0 < counts.sum() < len(counts)
    found, _ = oracle.evaluate(made, BATCH)
    assert found["supervised"] == pytest.approx(loss[counts].mean(), rel=1e-5)


def test_another_annealing_is_a_clear_error():
    with pytest.raises(ValueError, match="annealing must be one of"):
        UDA(cases.plain_network(), annealing="cosine")


def test_the_published_numbers_are_the_defaults():
    made = UDA(cases.plain_network())
    found = (made.threshold, made.temperature, made.unlabeled_weight)
    assert found == (0.8, 0.4, 1.0)
