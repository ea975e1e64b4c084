"""The variational autoencoders by hand in JAX take the same steps as ours."""

import math

import cases
import keras
import numpy as np
import pytest
from keras import ops

from keras_ssl import methods, networks
from keras_ssl.networks.vae import Gaussian, Logits

if keras.backend.backend() != "jax":
    pytest.skip("these steps are written in JAX", allow_module_level=True)

from native import adgm, m1, m1_m2, m2, sdgm  # noqa: E402  (imports JAX)

NATIVE = {"m1": m1, "m2": m2, "m1_m2": m1_m2}


def noise(values):
    return ops.cos(13.0 * values)


def uniform(values):
    return ops.square(ops.sin(29.0 * values))


def assert_same_losses(model, step, state):
    """Of four steps by both; gives the last state of the one by hand."""
    for i in range(4):
        views, labels = cases.batch(type(model), i)
        state, found = step(state, {**views, "labels": labels})
        model.reset_metrics()
        expected = model.train_on_batch(views, labels, return_dict=True)
        # Adam turns the rounding of tiny gradients into steps
        tolerance = 1e-5 if i == 0 else 2e-3
        assert float(found) == pytest.approx(expected["loss"], rel=tolerance)
    return state


@pytest.mark.parametrize(
    ("name", "stage"),
    [("m1", ""), ("m2", ""), ("m1_m2", "m1"), ("m1_m2", "m2")],
)
def test_the_first_losses_are_the_same(name, stage):
    network = networks.DenseClassifier(cases.CLASSES, cases.SHAPE, (7,))
    model = cases.model(name, network=network)
    model._stage = stage
    if stage == "m2":
        model.spread.assign([0.2, 0.05, 0.2, 0.2, 0.0])
    model.compile(total_steps=100)
    step, state = NATIVE[name].make(model, noise=noise, uniform=uniform)
    assert_same_losses(model, step, state)


@pytest.mark.parametrize(("name", "hidden"), [("adgm", (7, 6)), ("sdgm", (7,))])
def test_those_with_an_auxiliary_variable_too(name, hidden):
    """Normalization's moving averages included."""

    def small(kind, *sizes_and_size):
        """As ADGM makes them, of fewer units."""
        *sizes, size = sizes_and_size
        return kind(tuple(sizes), size, hidden, "relu", momentum=0.99)

    keras.utils.set_random_seed(0)
    x, a, z, y = math.prod(cases.SHAPE), 5, 5, cases.CLASSES
    of_a = (z, y, x) if name == "adgm" else (z, y)
    of_x = (z, y) if name == "adgm" else (a, z, y)
    model = methods.get(name)(
        networks.AuxiliaryClassifier(y, cases.SHAPE, hidden, a),
        encoder=small(Gaussian, x, a, y, z),
        decoder=small(Logits, *of_x, x),
        auxiliary_decoder=small(Gaussian, *of_a, a),
        code_size=z,
        labeled_size=8,
        unlabeled_size=40,
    )
    model.noise, model.uniform = noise, uniform
    model.compile(total_steps=10)  # the third step has the next rate
    native = {"adgm": adgm, "sdgm": sdgm}[name]
    step, state = native.make(model, noise=noise, uniform=uniform)
    state = assert_same_losses(model, step, state)
    for part, network in adgm.networks_of(model).items():
        ours = adgm.statistics(network)
        for pair, other in zip(ours, state["moving"][part], strict=True):
            np.testing.assert_allclose(pair, other, rtol=2e-3, atol=1e-4)
