"""The variational autoencoders by hand in JAX take the same steps as ours."""

import cases
import keras
import pytest
from keras import ops

from keras_ssl import networks

if keras.backend.backend() != "jax":
    pytest.skip("these steps are written in JAX", allow_module_level=True)

from native import m1_m2, m2  # noqa: E402  (imports JAX)

NATIVE = {"m2": m2, "m1_m2": m1_m2}


def noise(values):
    return ops.cos(13.0 * values)


def uniform(values):
    return ops.square(ops.sin(29.0 * values))


@pytest.mark.parametrize(
    ("name", "stage"), [("m2", ""), ("m1_m2", "m1"), ("m1_m2", "m2")]
)
def test_the_first_losses_are_the_same(name, stage):
    network = networks.DenseClassifier(cases.CLASSES, cases.SHAPE, (7,))
    model = cases.model(name, network=network)
    model._stage = stage
    if stage == "m2":
        model.spread.assign([0.2, 0.05, 0.2, 0.2, 0.0])
    model.compile(total_steps=100)
    step, state = NATIVE[name].make(model, noise=noise, uniform=uniform)
    for i in range(4):
        views, labels = cases.batch(type(model), i)
        state, found = step(state, {**views, "labels": labels})
        model.reset_metrics()
        expected = model.train_on_batch(views, labels, return_dict=True)
        # Adam turns the rounding of tiny gradients into steps
        tolerance = 1e-5 if i == 0 else 2e-3
        assert float(found) == pytest.approx(expected["loss"], rel=tolerance)
