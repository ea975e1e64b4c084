"""Supervised: cross-entropy of the labeled examples, nothing else."""

import cases
import numpy as np
import numpy_oracle as oracle
import pytest

from keras_ssl.methods import Supervised


def test_the_objective_equals_the_oracle():
    made = cases.model("supervised")
    views, labels = batch = cases.batch(Supervised, 0)
    terms, monitors = oracle.evaluate(made, batch)
    (logits,) = oracle.network_logits(made.network, views["labeled"])
    expected = np.mean(oracle.cross_entropy(labels, logits))
    assert terms == {"supervised": pytest.approx(expected, rel=1e-5)}
    assert monitors == {}


def test_it_asks_for_labeled_examples_only():
    assert {stream for stream, _ in Supervised.views.values()} == {"labeled"}
    assert Supervised.terms == ("supervised",)
    assert set(cases.batch(Supervised, 0)[0]) == {"labeled", "index"}
