"""MixMatch: sharpened guesses, mixed with everything."""

import cases
import numpy as np
import numpy_oracle as oracle
import pytest
from keras import ops

from keras_ssl.methods import MixMatch

BATCH = cases.batch(MixMatch, 0)
VIEWS, LABELS = BATCH


def test_the_objective_equals_the_oracle():
    made = cases.model("mixmatch", unlabeled_weight=3.0)
    oracle.at_progress(made, 0.008)  # half of the ramp
    x, one, two = (oracle.scaled(VIEWS[name]) for name in MixMatch.views)
    guesses = oracle.network_logits(made.network, one, two)
    q = oracle.sharpen(sum(map(oracle.softmax, guesses)) / 2, 0.5)
    y = oracle.one_hot(LABELS, cases.CLASSES)
    images, targets = np.concatenate([x, one, two]), np.concatenate([y, q, q])
    r = np.linspace(0.05, 0.95, len(images))
    r = np.maximum(r, 1 - r)
    assert r.min() >= 0.5
    mixed_images, mixed_targets = np.empty_like(images), np.empty_like(targets)
    for i in range(len(images)):
        other = len(images) - 1 - i
        mixed_images[i] = r[i] * images[i] + (1 - r[i]) * images[other]
        mixed_targets[i] = r[i] * targets[i] + (1 - r[i]) * targets[other]
    (logits,) = oracle.network_logits(made.network, mixed_images)
    n = len(x)
    distance = oracle.squared_distance(
        oracle.softmax(logits[n:]), mixed_targets[n:]
    )
    found, _ = oracle.evaluate(made, BATCH)
    assert found == {
        "supervised": pytest.approx(
            np.mean(oracle.cross_entropy(mixed_targets[:n], logits[:n])),
            rel=1e-4,
        ),
        "unlabeled": pytest.approx(3 * 0.5 * np.mean(distance), rel=1e-4),
    }


@pytest.mark.parametrize(
    ("alpha", "low", "high"), [(0.1, 0.91, 1.0), (50.0, 0.5, 0.6)]
)
def test_a_small_alpha_mixes_little_and_a_large_one_much(alpha, low, high):
    made = MixMatch(cases.plain_network(), alpha=alpha)
    r = oracle.value(made.ratios(400))
    assert low < np.maximum(r, 1 - r).mean() < high


def test_the_order_of_partners_is_a_permutation():
    made = MixMatch(cases.plain_network())
    order = ops.convert_to_numpy(made.shuffled(20))
    assert sorted(order.tolist()) == list(range(20))
    assert order.tolist() != list(range(20))


def test_the_guessing_pass_leaves_the_statistics_alone():
    made = oracle.at_progress(cases.model("mixmatch"), 0.5)
    before = oracle.statistics(made, lambda: None)
    moved = oracle.statistics(
        made, lambda: made.objective(oracle.tensors(BATCH))
    )
    names = [v.name for v in made.network.non_trainable_variables]
    changes = {
        name
        for name, one, other in zip(names, before, moved, strict=True)
        if not np.array_equal(one, other)
    }
    assert changes  # the mixed images set them, once:
    for name, one, other in zip(names, before, moved, strict=True):
        if name == "moving_mean":
            assert np.abs(other).max() <= 0.11 * np.abs(other / 0.1).max()
            assert (one == 0).all()


def test_the_published_numbers_are_the_defaults():
    made = MixMatch(cases.plain_network())
    assert (made.temperature, made.alpha) == (0.5, 0.75)
    assert made.unlabeled_weight == 75
    assert made.unlabeled_ratio == 1
