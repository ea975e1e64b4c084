"""ReFixMatch: FixMatch that also learns from unsure guesses."""

import cases
import numpy as np
import numpy_oracle as oracle
import pytest

from keras_ssl.methods import FixMatch, ReFixMatch

BATCH = cases.batch(ReFixMatch, 0)
VIEWS, LABELS = BATCH


def test_the_further_term_equals_the_oracle_and_the_rest_is_fixmatch():
    arguments = {"threshold": 0.6, "unlabeled_weight": 3.0}
    made = cases.model("refixmatch", **arguments)
    _, weak, strong = oracle.network_logits(
        made.network, VIEWS["labeled"], VIEWS["weak"], VIEWS["strong"]
    )
    unsure = oracle.softmax(weak).max(axis=1) < 0.6
    assert 0 < unsure.sum() < len(unsure)
    # probabilities go through no second softmax
    divergence = oracle.kl_divergence(np.asarray(weak) / 0.5, strong)
    found, _ = oracle.evaluate(made, BATCH)
    expected, _ = oracle.evaluate(cases.model("fixmatch", **arguments), BATCH)
    assert found.pop("unsure") == pytest.approx(
        3 * np.mean(unsure * divergence), rel=1e-4
    )
    assert found == pytest.approx(expected, rel=1e-6)
    assert ReFixMatch.views == FixMatch.views
