"""The ladder's step in plain JAX computes what keras_ssl's does."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_ssl import methods, networks

if keras.backend.backend() != "jax":
    pytest.skip("a step in plain JAX, for JAX", allow_module_level=True)

from native import ladder as native  # noqa: E402  (imports JAX)


def batch(step):
    rng = np.random.default_rng(step)
    images = rng.integers(0, 256, (2, 8, 6, 6, 1)).astype("uint8")
    labels = rng.integers(0, 3, 8).astype("int32")
    return {"labeled": images[0], "unlabeled": images[1]}, labels


@pytest.mark.parametrize("name", ["ladder", "gamma_ladder"])
def test_without_noise_the_losses_of_three_steps_are_equal(name):
    keras.utils.set_random_seed(0)
    network = networks.LadderMLP(3, (6, 6, 1), hidden=(8, 5))
    model = methods.get(name)(network, sigma=0.0)
    step, state = native.make(model)
    model.compile(
        keras.optimizers.Adam(native.RATE, epsilon=native.ADAM_EPSILON)
    )
    for i in range(3):
        views, labels = batch(i)
        state, found = step(state, {**views, "labels": labels})
        expected = model.train_on_batch(views, labels, return_dict=True)
        # Adam turns the rounding of tiny gradients into steps
        tolerance = 1e-5 if i == 0 else 1e-3
        assert float(found) == pytest.approx(expected["loss"], rel=tolerance)
    for level, (mean, variance) in zip(
        model.levels, state["moving"], strict=True
    ):
        for found, variable in [
            (mean, level.norm.moving_mean),
            (variance, level.norm.moving_variance),
        ]:
            np.testing.assert_allclose(
                found, ops.convert_to_numpy(variable), rtol=1e-3, atol=1e-4
            )
