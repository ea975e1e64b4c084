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
        "adversarial_auto_encoder": adversarial_auto_encoder,
    }[name]
    made = methods.get(name)(
        network(num_classes=cases.CLASSES, input_shape=cases.SHAPE), **arguments
    )
    made.noise = lambda x: jnp.cos(13.0 * x)
    made.compile(total_steps=10)
    step, state = native.make(made, noise=lambda key, x: jnp.cos(13.0 * x))
    found, expected = [], []
    for i in range(5):
        ours, theirs = batch_of(type(made), i)
        state, loss = step(state, theirs)
        found.append(float(loss))
        expected.append(made.train_on_batch(*ours, return_dict=True)["loss"])
        made.reset_metrics()
    assert found[0] == pytest.approx(expected[0], rel=1e-5)
    # Adam, schedule and statistics too
    assert found == pytest.approx(expected, rel=1e-3)
    assert np.ptp(found) > 0.1
    assert float(state["step"]) == 5
