"""Label propagation: guesses that stand for an epoch, weighted."""

import cases
import numpy as np
import numpy_oracle as oracle
import pytest

from keras_ssl.methods import LabelPropagation
from keras_ssl.propagation import balance, propagate

BATCH = cases.batch(LabelPropagation, 0)
VIEWS, LABELS = BATCH


def test_the_objective_equals_the_oracle():
    made = cases.model("label_propagation")
    made.rates.assign([0.5, 1.0, 1.5, 3.0])
    rates = oracle.value(made.rates)
    labeled, weak = oracle.network_logits(
        made.network, VIEWS["labeled"], VIEWS["weak"]
    )
    guess = VIEWS["index"] % cases.CLASSES
    weight = np.linspace(0.2, 1.0, cases.POOL)[VIEWS["index"]] * rates[guess]
    found, _ = oracle.evaluate(made, BATCH)
    assert found == {
        "supervised": pytest.approx(
            np.mean(rates[LABELS] * oracle.cross_entropy(LABELS, labeled)),
            rel=1e-5,
        ),
        "unlabeled": pytest.approx(
            np.mean(weight * oracle.cross_entropy(guess, weak)), rel=1e-5
        ),
    }


def test_features_are_remembered_and_guesses_made_from_them():
    made = cases.model("label_propagation")
    made.objective(oracle.tensors(BATCH))
    known, z = (
        oracle.unit(oracle.features(made.network, oracle.scaled(VIEWS[name])))
        for name in made.views
    )
    index = VIEWS["index"]
    np.testing.assert_allclose(oracle.value(made.z)[index], z, atol=1e-5)
    np.testing.assert_allclose(
        oracle.value(made.labeled.z)[:6], known, atol=1e-5
    )
    made.refresh()
    labels = np.concatenate([LABELS, np.full(len(z), -1)])
    order = np.argsort(index)
    guess, weight = propagate(
        np.concatenate([known, z[order]]), labels, cases.CLASSES, neighbors=5
    )
    expected = np.zeros(cases.POOL)
    expected[index[order]] = weight[6:]
    np.testing.assert_allclose(oracle.value(made.weight), expected, atol=1e-4)
    assert oracle.value(made.guess)[index[order]].tolist() == guess[6:].tolist()
    np.testing.assert_allclose(
        oracle.value(made.rates), balance(guess[6:], cases.CLASSES), rtol=1e-5
    )


def test_without_a_feature_the_guesses_stay():
    made = cases.model("label_propagation")
    before = oracle.value(made.weight)
    made.refresh()
    np.testing.assert_array_equal(oracle.value(made.weight), before)
    made.objective(oracle.tensors(BATCH))
    made.refresh()
    assert not np.array_equal(oracle.value(made.weight), before)
