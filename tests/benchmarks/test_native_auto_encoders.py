"""The hand-written steps take the same first steps as the methods."""

import cases
import keras
import numpy as np
import pytest

from keras_ssl import methods, networks

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "jax", reason="they are written in JAX"
)


def batch_of(cls, step):
    views, labels = cases.batch(cls, step)
    return (views, labels), {**views, "labels": labels}


@pytest.mark.parametrize(
    ("name", "network", "arguments"),
    [
        ("auto_encoder", networks.ConvEncoder, {}),
        ("pretrained_auto_encoder", networks.ConvEncoder, {}),
        (
            "adversarial_auto_encoder",
            networks.Discriminator,
            {"width": 16, "style_size": 3},
        ),
    ],
)
def test_losses_equal_those_of_the_method(name, network, arguments):
    import jax.numpy as jnp

    from native import adversarial_auto_encoder, auto_encoder

    native = {
        "auto_encoder": auto_encoder,
        "pretrained_auto_encoder": auto_encoder,
        "adversarial_auto_encoder": adversarial_auto_encoder,
    }[name]
    made = methods.get(name)(
        network(num_classes=cases.CLASSES, input_shape=cases.SHAPE), **arguments
    )
    made.noise = lambda x: jnp.cos(13.0 * x)
    chance = {"noise": lambda key, x: jnp.cos(13.0 * x)}
    if made.masking:
        made.kept = lambda x: 1.0 * (jnp.sin(29.0 * x) < 0.6)
        chance["kept"] = lambda key, x: 1.0 * (jnp.sin(29.0 * x) < 0.6)
    made.compile(total_steps=4)  # and a rate that falls on the way
    step, state = native.make(made, **chance)
    found, expected = [], []
    for i in range(5):
        ours, theirs = batch_of(type(made), i)
        state, loss = step(state, theirs)
        found.append(float(loss))
        expected.append(made.train_on_batch(*ours, return_dict=True)["loss"])
        made.reset_metrics()
    assert found[0] == pytest.approx(expected[0], rel=1e-5)
    # optimizers, schedules and statistics too
    assert found == pytest.approx(expected, rel=1e-3)
    assert np.ptp(found) > 0.1
    assert float(state["step"]) == 5


@pytest.mark.parametrize("shape", [(8, 8, 1), (7, 6, 2)])
def test_what_where_too(shape):
    """Also where a row belongs to no window."""
    from native import what_where_auto_encoder as native

    keras.utils.set_random_seed(0)
    made = methods.get("what_where_auto_encoder")(
        networks.WhatWhereCNN(3, shape, (4, 5), dropout=0.0)
    )
    made.compile(total_steps=10)
    step, state = native.make(made)
    rng = np.random.default_rng(0)
    for i in range(4):
        views = {
            name: rng.integers(0, 256, (count, *shape)).astype("uint8")
            for name, count in (("labeled", 4), ("unlabeled", 6))
        }
        labels = rng.integers(0, 3, 4).astype("int32")
        state, loss = step(state, {**views, "labels": labels})
        made.reset_metrics()
        expected = made.train_on_batch(views, labels, return_dict=True)
        tolerance = 1e-5 if i == 0 else 1e-3
        assert float(loss) == pytest.approx(expected["loss"], rel=tolerance)
