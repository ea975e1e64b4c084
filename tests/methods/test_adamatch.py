"""AdaMatch: random logits between two passes, alignment, relative threshold."""

import cases
import numpy as np
import numpy_oracle as oracle
import pytest

from keras_ssl.methods import AdaMatch

BATCH = cases.batch(AdaMatch, 0)
VIEWS, LABELS = BATCH


def expected_terms(made, progress):
    names = ("labeled", "labeled_strong", "weak", "strong")
    *together, weak, strong = oracle.network_logits(
        made.network, *(VIEWS[name] for name in names)
    )
    alone = oracle.network_logits(
        made.network, VIEWS["labeled"], VIEWS["labeled_strong"]
    )
    z_weak, z_strong = (
        np.cos(13.0 * one) * one + (1 - np.cos(13.0 * one)) * other
        for one, other in zip(together, alone, strict=True)
    )
    p, q = oracle.softmax(z_weak), oracle.softmax(weak)
    q = q * p.mean(axis=0) / q.mean(axis=0)
    q /= q.sum(axis=1, keepdims=True)
    mask = q.max(axis=1) >= made.threshold * p.max(axis=1).mean()
    weight = 0.5 - 0.5 * np.cos(min(np.pi, 2 * np.pi * progress))
    loss = oracle.cross_entropy(q.argmax(axis=1), strong)
    supervised = sum(
        np.mean(oracle.cross_entropy(LABELS, z)) for z in (z_weak, z_strong)
    )
    return mask, {
        "supervised": pytest.approx(supervised, rel=1e-4),
        "unlabeled": pytest.approx(weight * np.mean(mask * loss), rel=1e-4),
    }


@pytest.mark.parametrize("progress", [0.1, 0.25, 0.5, 0.8])
def test_the_objective_equals_the_oracle(progress):
    made = cases.model("adamatch", threshold=0.9)
    oracle.at_progress(made, progress)
    mask, expected = expected_terms(made, progress)
    assert 0 < mask.sum() < len(mask)
    found, monitors = oracle.evaluate(made, BATCH)
    assert found == expected
    assert monitors["mask_rate"] == pytest.approx(mask.mean())


def test_the_unlabeled_weight_is_0_at_the_start_and_1_from_half_way_on():
    made = cases.model("adamatch", threshold=0.0)
    at = {
        part: oracle.evaluate(oracle.at_progress(made, part), BATCH)[0]
        for part in (0.0, 0.25, 0.5, 1.0)
    }
    values = {part: terms["unlabeled"] for part, terms in at.items()}
    assert values[0.0] == 0
    assert values[0.25] == pytest.approx(values[0.5] / 2, rel=1e-5)
    assert values[1.0] == pytest.approx(values[0.5], rel=1e-6)


def test_the_pass_without_unlabeled_images_leaves_the_statistics_alone():
    made = oracle.at_progress(cases.model("adamatch"), 0.5)
    tensors = oracle.tensors(BATCH)

    def one_pass():
        made.logits(*(tensors[name] for name in AdaMatch.views))

    found = oracle.statistics(made, lambda: made.objective(tensors))
    expected = oracle.statistics(made, one_pass)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_the_random_place_is_drawn_for_each_logit():
    made = AdaMatch(cases.plain_network())
    r = oracle.value(made.noise(oracle.tensor(np.zeros((50, 4), "float32"))))
    assert r.shape == (50, 4)
    assert 0 <= r.min() < 0.1
    assert 0.9 < r.max() <= 1
    assert made.threshold == 0.9
