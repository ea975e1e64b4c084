"""FlexMatch: FixMatch with a threshold for each class."""

import cases
import keras
import numpy as np
import numpy_oracle as oracle
import pytest
from keras import ops

from keras_ssl import backend
from keras_ssl.methods import FixMatch, FlexMatch

BATCH = cases.batch(FlexMatch, 0)
VIEWS, LABELS = BATCH
TAU = 0.6


def remembering(*classes, **arguments):
    """A model that remembers these classes, one of each unlabeled example."""
    made = cases.model("flexmatch", threshold=TAU, **arguments)
    made.remembered.assign(np.array(classes, "int32"))
    return made


def thresholds(made):
    with backend.scope():
        return ops.convert_to_numpy(made.thresholds(cases.CLASSES))


def sure(*pairs):
    """Probabilities of guesses, one for each (class, confidence)."""
    q = np.zeros((len(pairs), cases.CLASSES), "float32")
    for row, (guess, confidence) in zip(q, pairs, strict=True):
        row[:] = (1 - confidence) / (cases.CLASSES - 1)
        row[guess] = confidence
    return oracle.tensor(q)


def remembered(made):
    return ops.convert_to_numpy(made.remembered).tolist()


def test_at_first_no_example_has_a_class_and_every_threshold_is_0():
    made = cases.model("flexmatch")
    assert remembered(made) == [-1] * cases.POOL
    np.testing.assert_array_equal(thresholds(made), np.zeros(cases.CLASSES))
    _, monitors = oracle.evaluate(made, BATCH)
    assert monitors["mask_rate"] == 1.0  # so every guess is used


def test_after_balanced_counts_every_threshold_is_tau():
    made = remembering(*[0, 1, 2, 3] * 10)
    np.testing.assert_allclose(thresholds(made), [TAU] * 4, rtol=1e-6)


@pytest.mark.parametrize(
    ("counts", "beta"),
    [
        # the most frequent class sets the measure ...
        ((20, 10, 5, 0), (1, 1 / 2, 1 / 4, 0)),
        # ... unless more examples have none yet
        ((5, 2, 3, 0), (5 / 30, 2 / 30, 3 / 30, 0)),
        ((15, 0, 10, 0), (1, 0, 2 / 3, 0)),
        ((0, 0, 0, 40), (0, 0, 0, 1)),
    ],
)
def test_a_threshold_is_tau_times_the_convex_map_of_the_class_share(
    counts, beta
):
    known = np.repeat(np.arange(4), counts)
    unseen = [-1] * (cases.POOL - len(known))
    made = remembering(*known, *unseen)
    expected = [TAU * b / (2 - b) for b in beta]
    np.testing.assert_allclose(thresholds(made), expected, rtol=1e-6)


def test_the_convex_map_by_hand():
    made = remembering(*[0] * 20, *[1] * 10, *[2] * 5, *[-1] * 5)
    np.testing.assert_allclose(
        thresholds(made), [0.6, 0.6 / 3, 0.6 / 7, 0.0], rtol=1e-6
    )


def test_the_objective_equals_the_oracle():
    before = np.repeat([-1, 0, 1, 3], [2, 16, 8, 14])
    before = np.random.default_rng(0).permutation(before)
    made = remembering(*before, unlabeled_weight=3.0)
    made.threshold = tau = 0.65
    labeled, weak, strong = oracle.network_logits(
        made.network, VIEWS["labeled"], VIEWS["weak"], VIEWS["strong"]
    )
    q = oracle.softmax(weak)
    guess, confidence = q.argmax(axis=1), q.max(axis=1)
    sigma = [np.sum(before == c) for c in range(cases.CLASSES)]
    beta = np.array(sigma) / max(*sigma, np.sum(before == -1))
    mask = confidence >= (tau * beta / (2 - beta))[guess]
    # a case that tells the flexible thresholds from the fixed one
    assert mask.tolist() != (confidence >= tau).tolist()
    assert 0 < mask.sum() < len(mask)
    after = before.copy()
    for i, c, p in zip(VIEWS["index"], guess, confidence, strict=True):
        if p >= tau:
            after[i] = c
    assert after.tolist() != before.tolist()

    with backend.scope():
        terms = made.objective(oracle.tensors(BATCH))
        state = ops.convert_to_numpy(made.remembered.value)
        rate = float(made.trackers["mask_rate"].result())
    unlabeled = np.mean(mask * oracle.cross_entropy(guess, strong))
    found = {k: float(ops.stop_gradient(v)) for k, v in terms.items()}
    assert found == {
        "supervised": pytest.approx(
            np.mean(oracle.cross_entropy(LABELS, labeled)), rel=1e-5
        ),
        "unlabeled": pytest.approx(3.0 * unlabeled, rel=1e-5),
    }
    assert rate == pytest.approx(np.mean(mask))
    assert state.tolist() == after.tolist()


def test_the_counts_use_the_fixed_threshold_and_come_before_the_update():
    made = remembering(*[-1] * cases.POOL)
    index = np.array([3, 7, 11], "int32")
    with backend.scope():
        mask = made.mask(
            {"index": oracle.tensor(index)},
            sure((2, 0.59), (1, 0.6), (1, 0.99)),
        )
        state = ops.convert_to_numpy(made.remembered.value)
        later = ops.convert_to_numpy(made.thresholds(cases.CLASSES))
    # all pass: nothing was known when this batch came
    assert ops.convert_to_numpy(mask).tolist() == [1.0, 1.0, 1.0]
    # but only the confident two are remembered
    assert {i: c for i, c in enumerate(state.tolist()) if c >= 0} == {
        7: 1,
        11: 1,
    }
    b = 2 / 38
    np.testing.assert_allclose(later, [0, 0.6 * b / (2 - b), 0, 0], rtol=1e-6)


def test_an_unsure_guess_does_not_erase_what_is_remembered():
    made = remembering(*[3] * cases.POOL)
    with backend.scope():
        made.mask(
            {"index": oracle.tensor(np.array([5], "int32"))},
            sure((0, 0.3)),
        )
        state = ops.convert_to_numpy(made.remembered.value)
    assert state.tolist() == [3] * cases.POOL


def test_with_equal_counts_it_is_fixmatch():
    flex = remembering(*[0, 1, 2, 3] * 10)
    fix = cases.model("fixmatch", threshold=TAU)
    found, monitors = oracle.evaluate(flex, BATCH)
    expected, expected_monitors = oracle.evaluate(fix, BATCH)
    assert found == pytest.approx(expected, rel=1e-6)
    assert monitors["mask_rate"] == expected_monitors["mask_rate"] < 1
    assert FlexMatch.views == FixMatch.views


def test_the_state_has_one_entry_per_unlabeled_example_and_is_saved(tmp_path):
    classes = np.random.default_rng(0).integers(-1, 4, cases.POOL)
    made = remembering(*classes)
    assert made.remembered.shape == (cases.POOL,)
    assert keras.backend.standardize_dtype(made.remembered.dtype) == "int32"
    made.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.unlabeled_size == cases.POOL
    assert remembered(again) == classes.tolist()
    np.testing.assert_array_equal(thresholds(again), thresholds(made))


def test_another_number_of_unlabeled_examples_is_refused():
    made = remembering(*[1] * cases.POOL)
    made.build_state(cases.POOL)  # the same is fine, and changes nothing
    assert remembered(made) == [1] * cases.POOL
    with pytest.raises(ValueError, match="learned from 40 .*received 41"):
        made.build_state(41)
