"""DASO: guesses blended with the classes of similar features."""

import cases
import numpy as np
import numpy_oracle as oracle
import pytest
from keras import ops

from keras_ssl.embedding import PrototypeMemory
from keras_ssl.methods import DASO

BATCH = cases.batch(DASO, 0)
VIEWS, LABELS = BATCH
SHARES = np.array([0.4, 0.3, 0.2, 0.1])


def seen(made, *names):
    """Features of length 1 of some views."""
    return [
        oracle.unit(oracle.features(made.network, oracle.scaled(VIEWS[name])))
        for name in names
    ]


@pytest.mark.parametrize("progress", [0.0, 0.5])
def test_the_objective_equals_the_oracle(progress):
    made = cases.model("daso", ema_decay=0, alignment_weight=3.0)
    oracle.at_progress(made, progress)
    made.shares.assign(SHARES)
    labeled, weak, strong = oracle.network_logits(
        made.network, *(VIEWS[name] for name in made.views)
    )
    known = oracle.features(made.network, oracle.scaled(VIEWS["labeled"]))
    assert set(LABELS) != set(range(cases.CLASSES))  # one has no features
    c = np.array(
        [
            known[k == LABELS].mean(axis=0) if k in LABELS else 0 * known[0]
            for k in range(cases.CLASSES)
        ]
    )
    c /= np.maximum(np.linalg.norm(c, axis=1, keepdims=True), 1e-6)
    near_weak, near_strong = (
        z @ c.T / 0.05 for z in seen(made, "weak", "strong")
    )
    p, s = oracle.softmax(weak), oracle.softmax(near_weak)
    powers = SHARES ** (1 / 1.5)
    v = (powers / powers.max())[p.argmax(axis=1)][:, None]
    q = (1 - v) * p + v * s if progress else p
    mask = q.max(axis=1) >= 0.5
    assert 0 < mask.sum() < len(mask) or progress
    found, monitors = oracle.evaluate(made, BATCH)
    loss = oracle.cross_entropy(q.argmax(axis=1), strong)
    alignment = np.mean(oracle.cross_entropy(s, near_strong))
    assert alignment > 0.1
    assert found == {
        "supervised": pytest.approx(
            np.mean(oracle.cross_entropy(LABELS, labeled)), rel=1e-5
        ),
        "unlabeled": pytest.approx(np.mean(mask * loss), rel=1e-4),
        "alignment": pytest.approx(
            3 * alignment if progress else 0.0, rel=1e-3
        ),
    }
    assert monitors["mask_rate"] == pytest.approx(mask.mean())


def test_prototypes_come_from_the_averaged_weights():
    made = oracle.at_progress(cases.model("daso"), 0.5)
    expected = made.network.get_weights()
    made.network.set_weights([0.5 * w for w in expected])
    made.objective(oracle.tensors(BATCH))
    remembered = oracle.value(made.memory.z)
    made.network.set_weights(expected)
    z = oracle.features(made.network, oracle.scaled(VIEWS["labeled"]))
    place = made.memory_size * LABELS[0]
    np.testing.assert_allclose(remembered[place], z[0], atol=1e-4)


def test_shares_are_renewed_at_the_end_of_each_period():
    made = oracle.at_progress(cases.model("daso", period=3), 0.0)
    q = np.eye(cases.CLASSES)[[0, 0, 0, 1]]
    even = np.full(cases.CLASSES, 0.25)
    expected = [even, even, [0.75, 0.25, 0, 0]]
    for step, shares in enumerate(expected):
        made.step.assign(step)
        made.count(oracle.tensor(q))
        np.testing.assert_allclose(oracle.value(made.shares), shares)
    np.testing.assert_array_equal(oracle.value(made.guessed), 0)
    made.step.assign(3)
    made.count(oracle.tensor(q))
    np.testing.assert_array_equal(oracle.value(made.guessed), [3, 1, 0, 0])


def test_a_class_remembers_its_last_features_and_no_others():
    made = cases.model("daso")
    memory = PrototypeMemory(made, 3, 2, 1)
    batches = [
        ([[1.0], [2.0], [10.0]], [0, 0, 1]),
        ([[4.0]], [0]),
        ([[20.0], [30.0], [40.0], [7.0]], [1, 1, 1, 0]),
    ]
    past = {0: [], 1: [], 2: []}
    for z, labels in batches:
        means = memory.push(
            oracle.tensor(np.array(z, "float32")),
            oracle.tensor(np.array(labels, "int32")),
        )
        for (value,), label in zip(z, labels, strict=True):
            past[label].append(value)
        expected = [
            [np.mean(values[-2:]) if values else 0.0]
            for values in past.values()
        ]
        np.testing.assert_allclose(ops.convert_to_numpy(means), expected)
