"""Optimizers: the recipe of the published benchmarks, step by step."""

import math

import keras
import numpy as np
import pytest
from keras import ops

from keras_ssl import optimizers

KERNEL = np.array([[1.0, -2.0, 3.0], [0.5, 0.25, -4.0]], "float32")
BIAS = np.array([1.0, -1.0, 2.0], "float32")


def steps_of(optimizer, start, gradients):
    """The value of one variable after each gradient."""
    variable = keras.Variable(start)
    optimizer.build([variable])
    found = []
    for gradient in gradients:
        optimizer.apply([ops.convert_to_tensor(gradient)], [variable])
        found.append(ops.convert_to_numpy(variable).copy())
    return found


def oracle(start, gradients, rates, l2, momentum=0.9, nesterov=True):
    """v <- m v - lr (g + l2 w);  w <- w + m v - lr (g + l2 w)."""
    w, v = start.astype(np.float64), 0.0
    found = []
    for gradient, rate in zip(gradients, rates, strict=True):
        step = rate * (gradient + l2 * w)
        v = momentum * v - step
        w = w + (momentum * v - step if nesterov else v)
        found.append(w)
    return found


def random_gradients(shape, count=3):
    rng = np.random.default_rng(0)
    return rng.normal(size=(count, *shape)).astype("float32")


@pytest.mark.parametrize("nesterov", [True, False])
def test_the_penalty_goes_through_the_momentum(nesterov):
    gradients = random_gradients(KERNEL.shape)
    found = steps_of(
        optimizers.SGD(0.1, l2=0.5, momentum=0.8, nesterov=nesterov),
        KERNEL,
        gradients,
    )
    expected = oracle(KERNEL, gradients, [0.1] * 3, 0.5, 0.8, nesterov)
    # three steps of float32 on numbers of order 1 to 4
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_without_gradient_a_kernel_shrinks_as_by_hand():
    # w = 1, l2 = 0.5, lr = 0.1, m = 0.9: g = 0.5, v = -0.05,
    # w = 1 + 0.9 * (-0.05) - 0.05 = 0.905
    one, still = np.ones((1, 1), "f4"), np.zeros((1, 1, 1), "f4")
    (found,) = steps_of(optimizers.SGD(0.1, l2=0.5), one, still)
    np.testing.assert_allclose(found, [[0.905]], rtol=1e-6)


def test_biases_and_normalization_are_not_decayed():
    still = np.zeros((3, *BIAS.shape), "float32")
    for found in steps_of(optimizers.SGD(0.1, l2=0.5), BIAS, still):
        np.testing.assert_array_equal(found, BIAS)
    gradients = random_gradients(BIAS.shape)
    np.testing.assert_allclose(
        steps_of(optimizers.SGD(0.1, l2=0.5), BIAS, gradients),
        oracle(BIAS, gradients, [0.1] * 3, l2=0.0),
        rtol=1e-5,
    )


def test_the_penalty_is_not_the_decoupled_decay_of_keras():
    still = np.zeros((3, *KERNEL.shape), "float32")
    ours = steps_of(optimizers.SGD(0.1, l2=0.5), KERNEL, still)[-1]
    decoupled = steps_of(
        keras.optimizers.SGD(0.1, 0.9, nesterov=True, weight_decay=0.5),
        KERNEL,
        still,
    )[-1]
    assert (np.abs(ours) < np.abs(decoupled)).all()


def test_a_schedule_sets_the_rate_of_each_step():
    gradients = random_gradients(KERNEL.shape)
    schedule = optimizers.SevenSixteenthsCosine(0.1, total_steps=3)
    rates = [0.1 * math.cos(7 * math.pi * k / 48) for k in range(3)]
    np.testing.assert_allclose(
        steps_of(optimizers.SGD(schedule, l2=0.5), KERNEL, gradients),
        oracle(KERNEL, gradients, rates, 0.5),
        rtol=1e-5,
        atol=1e-6,
    )


def test_the_defaults_are_the_papers():
    config = optimizers.SGD().get_config()
    assert config["learning_rate"] == pytest.approx(0.03)
    assert config["momentum"] == 0.9
    assert config["nesterov"] is True
    assert config["l2"] == 5e-4
    assert config["weight_decay"] is None
    assert not config["use_ema"]
    assert optimizers.SevenSixteenthsCosine().get_config() == {
        "initial": 0.03,
        "total_steps": 2**20,
    }


def test_the_configuration_makes_the_same_optimizer_again():
    made = optimizers.SGD(
        optimizers.SevenSixteenthsCosine(0.2, 50),
        l2=0.25,
        momentum=0.5,
        nesterov=False,
        clipnorm=2.0,
        name="mine",
    )
    config = keras.saving.serialize_keras_object(made)
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is optimizers.SGD
    assert again.get_config() == made.get_config()
    assert again.l2 == 0.25
    assert again.clipnorm == 2.0
    gradients = random_gradients(KERNEL.shape)
    np.testing.assert_array_equal(
        steps_of(made, KERNEL, gradients), steps_of(again, KERNEL, gradients)
    )


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (0, 0.03),
        (50, 0.03 * math.cos(7 * math.pi / 32)),
        (100, 0.03 * math.cos(7 * math.pi / 16)),
        (300, 0.03 * math.cos(7 * math.pi / 16)),
    ],
)
def test_the_cosine_at_the_start_half_way_at_the_end_and_beyond(step, expected):
    schedule = optimizers.SevenSixteenthsCosine(0.03, 100)
    assert float(schedule(step)) == pytest.approx(expected, rel=1e-6)


# What the GANs are trained with -----------------------------------------------


def test_epsilon_of_the_rooted_adam_is_under_the_root():
    gradients = random_gradients(KERNEL.shape, 5) * 1e-4  # about its size
    found = steps_of(
        optimizers.RootedAdam(0.1, beta_1=0.5, beta_2=0.9), KERNEL, gradients
    )
    w, m, v = KERNEL.astype(np.float64), 0.0, 0.0
    for t, (gradient, value) in enumerate(
        zip(gradients, found, strict=True), 1
    ):
        m = 0.5 * m + 0.5 * gradient
        v = 0.9 * v + 0.1 * gradient**2
        m_hat, v_hat = m / (1 - 0.5**t), v / (1 - 0.9**t)
        w = w - 0.1 * m_hat / np.sqrt(v_hat + 1e-8)
        np.testing.assert_allclose(value, w, rtol=0, atol=1e-5)


def test_with_large_gradients_the_rooted_adam_is_adam():
    gradients = random_gradients(KERNEL.shape, 5)
    found = steps_of(optimizers.RootedAdam(0.1), KERNEL, gradients)
    adam = keras.optimizers.Adam(0.1, epsilon=1e-12)
    np.testing.assert_allclose(
        found, steps_of(adam, KERNEL, gradients), rtol=1e-4, atol=1e-5
    )


def test_the_rooted_adam_survives_its_configuration():
    made = optimizers.RootedAdam(0.25, beta_1=0.5)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(made))
    assert type(again) is optimizers.RootedAdam
    assert again.get_config() == made.get_config()
    assert again.epsilon == 1e-8


@pytest.mark.parametrize("step", [0, 50, 100, 1000])
def test_a_constant_rate_never_falls_unless_told(step):
    assert float(
        optimizers.ConstantThenLinear(0.4, 100, constant=1.0)(step)
    ) == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("step", "expected"),
    [(0, 0.5), (30, 0.5), (40, 0.5), (70, 0.25), (100, 0.0), (120, 0.0)],
)
def test_the_constant_rate_falls_in_a_straight_line_to_0(step, expected):
    rate = optimizers.ConstantThenLinear(0.5, 100, constant=0.4)
    again = type(rate).from_config(rate.get_config())
    for one in (rate, again):
        assert float(one(step)) == pytest.approx(expected, abs=1e-7)


def test_a_descent_falls_to_a_tenth_after_each_of_its_steps():
    made = optimizers.falling_descent(0.5, [3, 7], momentum=0.9)
    rates = [float(made._learning_rate(step)) for step in (0, 3, 4, 7, 8, 99)]
    assert rates == pytest.approx([0.5, 0.5, 0.05, 0.05, 0.005, 0.005])
    again = keras.optimizers.deserialize(keras.optimizers.serialize(made))
    assert again.get_config() == made.get_config()
    assert made.momentum == 0.9
