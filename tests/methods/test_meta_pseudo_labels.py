"""Meta Pseudo Labels: the teacher hears how its student does."""

import cases
import keras
import numpy as np
import numpy_oracle as oracle
import pytest

from keras_ssl.methods import MetaPseudoLabels

BATCH = cases.batch(MetaPseudoLabels, 0)
VIEWS, LABELS = BATCH


def softmax_gradient(h, logits, x):
    """Of the mean cross-entropy by the kernel and bias of a dense layer."""
    error = (oracle.softmax(logits) - oracle.one_hot(h, cases.CLASSES)) / len(h)
    return x.reshape(len(x), -1).T @ error, error.sum(axis=0)


def test_one_step_equals_the_oracle():
    """The student and its teacher are one dense layer each."""
    network, teacher = cases.plain_network(), cases.plain_network()
    made = cases.model(
        "meta_pseudo_labels", network=network, teacher=teacher, ramp=0.016
    )
    cases.set_weights(teacher.trainable_variables, seed=3, scale=2.0)
    made.compile(keras.optimizers.SGD(0.1), total_steps=1000)
    oracle.at_progress(made, 0.008)  # half of the ramp
    x, weak, strong = (oracle.scaled(VIEWS[n]) for n in made.views)
    t_x, t_weak, t_strong = oracle.network_logits(teacher, x, weak, strong)
    h = t_strong.argmax(axis=1)
    s_x, s_strong = oracle.network_logits(network, x, strong)
    kernel, bias = (oracle.value(v) for v in network.trainable_variables)
    by_kernel, by_bias = softmax_gradient(h, s_strong, strong)
    before = np.mean(oracle.cross_entropy(LABELS, s_x))
    kernel, bias = kernel - 0.1 * by_kernel, bias - 0.1 * by_bias
    s_x = x.reshape(len(x), -1) @ kernel + bias
    feedback = np.mean(oracle.cross_entropy(LABELS, s_x)) - before
    assert abs(feedback) > 1e-3
    q = oracle.softmax(t_weak / 0.7)
    mask = q.max(axis=1) >= made.threshold
    assert mask.any()
    logs = made.train_on_batch(*BATCH, return_dict=True)
    expected = {
        "student": oracle.cross_entropy(h, s_strong),
        "supervised": oracle.cross_entropy(LABELS, t_x),
        "unlabeled": 4 * mask * oracle.cross_entropy(q, t_strong),
        "feedback": feedback * oracle.cross_entropy(h, t_strong),
    }
    for name, values in expected.items():
        assert logs[name] == pytest.approx(np.mean(values), rel=2e-3), name
    found = [oracle.value(v) for v in network.trainable_variables]
    np.testing.assert_allclose(found[0], kernel, atol=1e-5)
    np.testing.assert_allclose(found[1], bias, atol=1e-5)


def test_a_teacher_is_made_with_weights_of_its_own():
    made = cases.model("meta_pseudo_labels", network=cases.plain_network())
    student, teacher = (
        [oracle.value(v) for v in n.trainable_variables]
        for n in (made.network, made.teacher)
    )
    assert [v.shape for v in student] == [v.shape for v in teacher]
    assert np.abs(student[0] - teacher[0]).max() > 0.1
