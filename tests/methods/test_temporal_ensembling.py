"""Temporal ensembling: each example's own past as its target."""

import cases
import keras
import numpy as np
import numpy_oracle as oracle
import pytest

from keras_ssl import backend
from keras_ssl.methods import TemporalEnsembling

BATCH = cases.batch(TemporalEnsembling, 0)
VIEWS, LABELS = BATCH
INDEX = VIEWS["index"]


def remembering(momentum=0.6, visits=None, progress=1.0):
    made = cases.model(
        "temporal_ensembling", momentum=momentum, unlabeled_weight=3.0
    )
    rng = np.random.default_rng(0)
    visits = rng.integers(0, 4, cases.POOL) if visits is None else visits
    past = rng.dirichlet(np.ones(cases.CLASSES), cases.POOL)
    past *= (1 - momentum**visits)[:, None]  # as averages that began at 0 are
    made.past.assign(past)
    made.visits.assign(visits)
    return oracle.at_progress(made, progress), past, visits


def test_the_objective_and_the_memory_equal_the_oracle():
    made, past, visits = remembering()
    labeled, weak = oracle.network_logits(
        made.network, VIEWS["labeled"], VIEWS["weak"]
    )
    p = oracle.softmax(weak)
    loss = np.zeros(len(INDEX))
    after, count = past.copy(), visits.copy()
    for row, i in enumerate(INDEX):
        if visits[i]:
            z = past[i] / (1 - 0.6 ** visits[i])
            assert z.sum() == pytest.approx(1)
            loss[row] = oracle.squared_distance(p[row], z)
        after[i] = 0.6 * past[i] + 0.4 * p[row]
        count[i] += 1
    assert 0 < (visits[INDEX] > 0).sum() < len(INDEX)
    with backend.scope():
        terms = made.objective(oracle.tensors(BATCH))
        found = {name: oracle.value(value) for name, value in terms.items()}
        found_past = oracle.value(made.past.value)
        found_visits = oracle.value(made.visits.value)
    assert found == {
        "supervised": pytest.approx(
            np.mean(oracle.cross_entropy(LABELS, labeled)), rel=1e-5
        ),
        "unlabeled": pytest.approx(3 * np.mean(loss), rel=1e-4),
    }
    np.testing.assert_allclose(found_past, after, atol=1e-6)
    assert found_visits.tolist() == count.tolist()


def test_the_first_visit_counts_as_zero():
    made, _, _ = remembering(visits=np.zeros(cases.POOL, int))
    assert oracle.evaluate(made, BATCH)[0]["unlabeled"] == 0


def test_without_momentum_it_is_the_last_prediction():
    made, past, _ = remembering(0.0, visits=np.ones(cases.POOL, int))
    _, weak = oracle.network_logits(
        made.network, VIEWS["labeled"], VIEWS["weak"]
    )
    distance = oracle.squared_distance(oracle.softmax(weak), past[INDEX])
    found, _ = oracle.evaluate(made, BATCH)
    assert found["unlabeled"] == pytest.approx(3 * distance.mean(), rel=1e-4)


def test_the_weight_rises_as_a_sigmoid():
    made, _, _ = remembering(progress=1.0)
    full = oracle.evaluate(made, BATCH)[0]["unlabeled"]
    oracle.at_progress(made, 0.135)  # half of the ramp
    part = oracle.evaluate(made, BATCH)[0]["unlabeled"]
    assert part == pytest.approx(full * np.exp(-5 / 4), rel=1e-4)


def test_the_memory_is_saved_and_bound_to_its_pool(tmp_path):
    made, past, visits = remembering()
    made.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(oracle.value(again.past), past, atol=1e-6)
    assert oracle.value(again.visits).tolist() == visits.tolist()
    with pytest.raises(ValueError, match="has learned from 40 unlabeled"):
        again.build_state(41)
