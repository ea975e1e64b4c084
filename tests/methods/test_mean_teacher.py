"""Mean Teacher: the average is the target, and takes no gradient."""

import cases
import numpy as np
import numpy_oracle as oracle
import pytest
from keras import ops

from keras_ssl import backend
from keras_ssl.methods import MeanTeacher

BATCH = cases.batch(MeanTeacher, 0)
VIEWS, LABELS = BATCH


@pytest.fixture(scope="module")
def made():
    """A model whose average is not its present weights, past the ramp."""
    made = cases.model("mean_teacher", unlabeled_weight=3.0)
    past = cases.network(seed=1)
    pairs = zip(made.averages, past.trainable_variables, strict=True)
    for average, variable in pairs:
        average.assign(ops.convert_to_numpy(variable))
    return oracle.at_progress(made, 0.5)


@pytest.fixture(scope="module")
def teacher():
    """Teacher probabilities from a network that has the averaged weights."""
    (logits,) = oracle.network_logits(cases.network(seed=1), VIEWS["teacher"])
    return oracle.softmax(logits)


def test_the_objective_equals_the_oracle(made, teacher):
    terms, _ = oracle.evaluate(made, BATCH)
    labeled, student = oracle.network_logits(
        made.network, VIEWS["labeled"], VIEWS["student"]
    )
    distance = np.mean((oracle.softmax(student) - teacher) ** 2)
    assert distance > 0.01
    assert terms == {
        "supervised": pytest.approx(
            np.mean(oracle.cross_entropy(LABELS, labeled)), rel=1e-5
        ),
        "unlabeled": pytest.approx(3.0 * distance, rel=1e-5),
    }


@pytest.mark.parametrize(
    ("progress", "weight"), [(0.0, 0.0), (0.2, 0.5), (0.4, 1.0), (0.9, 1.0)]
)
def test_the_weight_rises_over_the_first_40_percent(progress, weight):
    terms, _ = oracle.evaluate(
        oracle.at_progress(cases.model("mean_teacher"), progress), BATCH
    )
    full, _ = oracle.evaluate(
        oracle.at_progress(cases.model("mean_teacher", ramp=0.0), 0.5), BATCH
    )
    assert full["unlabeled"] > 0.01
    assert terms["unlabeled"] == pytest.approx(
        weight * full["unlabeled"], rel=1e-5
    )


def test_the_student_gets_a_gradient_and_the_teacher_none(made, teacher):
    target = oracle.tensor(teacher.astype("float32"))

    def to_constant_teacher():
        _, student = made.logits(
            oracle.tensor(VIEWS["labeled"]), oracle.tensor(VIEWS["student"])
        )
        return 3.0 * ops.mean(ops.square(ops.softmax(student) - target))

    found = oracle.term_gradients(made, BATCH, "unlabeled")
    assert max(np.abs(gradient).max() for gradient in found) > 1e-2
    # were the teacher differentiated, the two would not agree: under JAX and
    # TensorFlow its weights are the same variables, read as other values
    oracle.assert_same_gradients(
        found, oracle.gradients(made, to_constant_teacher)
    )


def test_the_teachers_pass_leaves_the_moving_statistics_alone(made):
    batch = oracle.tensors(BATCH)
    found = oracle.statistics(made, lambda: made.objective(batch))
    students = oracle.statistics(
        made, lambda: made.logits(batch["labeled"], batch["student"])
    )
    before = oracle.statistics(made, lambda: None)
    for one, expected, old in zip(found, students, before, strict=True):
        np.testing.assert_allclose(one, expected, rtol=1e-5, atol=1e-6)
        assert np.abs(one - old).max() > 1e-3


def test_the_teacher_uses_the_statistics_of_its_batch(made):
    expected, _ = oracle.evaluate(made, BATCH)
    with backend.scope():
        # what an inference pass would read
        for variable in made.network.non_trainable_variables:
            variable.assign(variable + 7.0)
        terms = made.objective(oracle.tensors(BATCH))
        found = float(
            ops.convert_to_numpy(ops.stop_gradient(terms["unlabeled"]))
        )
    assert found == pytest.approx(expected["unlabeled"], rel=1e-6)


@pytest.mark.parametrize(
    ("step", "expected"), [(0, 1 / 10), (8, 1 / 2), (100_000, 0.999)]
)
def test_a_young_teacher_forgets_faster(step, expected):
    made = cases.model("mean_teacher")
    made.step.assign(step)
    found = float(ops.convert_to_numpy(made.average_decay()))
    assert found == pytest.approx(expected, rel=1e-6)


def test_a_model_without_average_is_refused():
    with pytest.raises(ValueError, match="the average is the teacher"):
        MeanTeacher(cases.plain_network(), ema_decay=0)
