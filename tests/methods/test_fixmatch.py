"""FixMatch: weak guesses, strong predictions, one threshold."""

import cases
import numpy as np
import numpy_oracle as oracle
import pytest
from keras import ops

from keras_ssl.methods import FixMatch

BATCH = cases.batch(FixMatch, 0)
VIEWS, LABELS = BATCH


def guesses(weak, threshold):
    """Guess and mask of the oracle; some of the batch pass, not all."""
    p = oracle.softmax(weak)
    mask = p.max(axis=1) >= threshold
    assert 0 < mask.sum() < len(mask)
    return p.argmax(axis=1), mask


def test_the_objective_equals_the_oracle():
    made = cases.model("fixmatch", threshold=0.6, unlabeled_weight=3.0)
    terms, monitors = oracle.evaluate(made, BATCH)
    labeled, weak, strong = oracle.network_logits(
        made.network, VIEWS["labeled"], VIEWS["weak"], VIEWS["strong"]
    )
    guess, mask = guesses(weak, 0.6)
    unlabeled = np.mean(mask * oracle.cross_entropy(guess, strong))
    assert terms == {
        "supervised": pytest.approx(
            np.mean(oracle.cross_entropy(LABELS, labeled)), rel=1e-5
        ),
        "unlabeled": pytest.approx(3.0 * unlabeled, rel=1e-5),
    }
    assert monitors["mask_rate"] == pytest.approx(np.mean(mask))


def test_the_published_numbers_are_the_defaults():
    made = FixMatch(cases.plain_network())
    assert made.threshold == 0.95
    assert made.unlabeled_weight == 1.0
    assert made.unlabeled_ratio == 7
    assert made.ema_decay == 0.999
    assert FixMatch.views == {
        "labeled": ("labeled", "weak"),
        "weak": ("unlabeled", "weak"),
        "strong": ("unlabeled", "strong"),
    }


def test_the_full_weight_holds_from_the_first_step():
    made = cases.model("fixmatch")
    first, _ = oracle.evaluate(made, BATCH)  # no ramp: no length is needed
    later, _ = oracle.evaluate(oracle.at_progress(made, 0.9), BATCH)
    assert first == pytest.approx(later, rel=1e-6)
    assert first["unlabeled"] > 0.1


def test_as_many_masked_out_examples_halve_the_loss():
    made = cases.model("fixmatch", network=cases.plain_network(), threshold=0.6)
    (weak,) = oracle.network_logits(made.network, VIEWS["weak"])
    _, mask = guesses(weak, 0.6)
    used, unused = (
        np.resize(np.flatnonzero(rows), 6) for rows in (mask, ~mask)
    )
    alone, padded = (
        oracle.evaluate(
            made,
            (
                {
                    **VIEWS,
                    "weak": VIEWS["weak"][rows],
                    "strong": VIEWS["strong"][rows],
                },
                LABELS,
            ),
        )
        for rows in (used, np.concatenate([used, unused]))
    )
    assert alone[0]["unlabeled"] > 0.1
    assert padded[0]["unlabeled"] == pytest.approx(
        alone[0]["unlabeled"] / 2, rel=1e-5
    )
    assert alone[1]["mask_rate"] == 1.0
    assert padded[1]["mask_rate"] == 0.5


@pytest.mark.parametrize("threshold", [0.5, 0.95])
def test_a_confidence_at_the_threshold_passes(threshold):
    made = cases.model("fixmatch", threshold=threshold)
    at = np.float32(threshold)
    confidence = [np.nextafter(at, np.float32(0)), at, np.float32(1)]
    rest = np.zeros(3, "float32")
    q = np.stack([np.array(confidence), rest], axis=1)
    mask = made.mask({}, oracle.tensor(q))
    assert ops.convert_to_numpy(mask).tolist() == [0.0, 1.0, 1.0]


def test_the_gradient_is_that_of_a_fixed_label_on_the_strong_view():
    made = cases.model("fixmatch", threshold=0.6)
    tensors = oracle.tensors(BATCH)
    names = ("labeled", "weak", "strong")
    _, weak, _ = oracle.network_logits(
        made.network, *(VIEWS[name] for name in names)
    )
    guess, mask = guesses(weak, 0.6)

    def with_fixed_label():
        *_, strong = made.logits(*(tensors[name] for name in names))
        rows = ops.one_hot(oracle.tensor(guess), cases.CLASSES)
        loss = -ops.sum(rows * ops.log_softmax(strong), axis=1)
        return ops.mean(oracle.tensor(mask.astype("float32")) * loss)

    found = oracle.term_gradients(made, BATCH, "unlabeled")
    assert max(np.abs(gradient).max() for gradient in found) > 1e-2
    oracle.assert_same_gradients(
        found, oracle.gradients(made, with_fixed_label)
    )


def test_the_weak_view_of_a_network_without_batch_norm_gets_no_gradient():
    made = cases.model("fixmatch", network=cases.plain_network())
    made.threshold = 0.0  # every guess, so that a change of weak changes none
    (weak,) = oracle.network_logits(made.network, VIEWS["weak"])
    # other images with the same guesses: the class' weights, as an image
    guess = weak.argmax(axis=1)
    kernel = ops.convert_to_numpy(made.network.trainable_variables[0])
    clear = np.where(kernel.T[guess] > 0, 255, 0).astype("uint8")
    clear = clear.reshape(-1, *cases.SHAPE)
    (other,) = oracle.network_logits(made.network, clear)
    np.testing.assert_array_equal(other.argmax(axis=1), guess)
    for one, two in zip(
        oracle.term_gradients(made, BATCH, "unlabeled"),
        oracle.term_gradients(
            made, ({**VIEWS, "weak": clear}, LABELS), "unlabeled"
        ),
        strict=True,
    ):
        assert np.abs(one).max() > 1e-3
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-6)


def test_the_guess_comes_from_the_present_weights_not_from_their_average():
    made = cases.model("fixmatch")
    expected, _ = oracle.evaluate(made, BATCH)
    for average in made.averages:
        average.assign(np.zeros(average.shape))
    assert oracle.evaluate(made, BATCH)[0] == pytest.approx(expected, rel=1e-6)
