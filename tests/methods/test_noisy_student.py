"""Noisy Student: a teacher at rest."""

import cases
import numpy as np
import numpy_oracle as oracle
import pytest

from keras_ssl.methods import NoisyStudent

BATCH = cases.batch(NoisyStudent, 0)
VIEWS, LABELS = BATCH


def test_the_objective_equals_the_oracle():
    teacher = cases.plain_network()
    cases.set_weights(teacher.trainable_variables, seed=5)
    made = cases.model(
        "noisy_student", teacher=teacher, threshold=0.4, unlabeled_weight=3.0
    )
    (weak,) = oracle.network_logits(teacher, VIEWS["weak"])
    labeled, strong = oracle.network_logits(
        made.network, VIEWS["labeled"], VIEWS["strong"]
    )
    q = oracle.softmax(weak)
    mask = q.max(axis=1) >= 0.4
    assert 0 < mask.sum() < len(mask)
    found, monitors = oracle.evaluate(made, BATCH)
    assert found == {
        "supervised": pytest.approx(
            np.mean(oracle.cross_entropy(LABELS, labeled)), rel=1e-5
        ),
        "unlabeled": pytest.approx(
            3 * np.mean(mask * oracle.cross_entropy(q, strong)), rel=1e-5
        ),
    }
    assert monitors["mask_rate"] == pytest.approx(mask.mean())


def test_the_teacher_stands_still_and_is_else_a_copy_of_the_network():
    made = cases.model("noisy_student", network=cases.plain_network())
    before = [oracle.value(v) for v in made.teacher.variables]
    for one, other in zip(before, made.network.variables, strict=True):
        np.testing.assert_array_equal(one, oracle.value(other))
    made.compile(total_steps=10)
    made.train_on_batch(*BATCH)
    after = [oracle.value(v) for v in made.teacher.variables]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(made.trainable_variables) == 2
