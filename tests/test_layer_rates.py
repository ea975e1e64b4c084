"""Layers that learn slower than the next: `compile(layer_decay=...)`."""

import cases
import keras
import numpy as np
import pytest
from keras import ops

from keras_ssl import layer_rates, methods


def step(model, number=0):
    model.train_on_batch(*cases.batch(type(model), number))


@pytest.mark.once
def test_each_layer_learns_slower_than_the_next():
    network = cases.network()
    factors = layer_rates.factors(network, network.trainable_variables, 0.5)
    by_name = {
        variable.path: factor
        for variable, factor in zip(
            network.trainable_variables, factors, strict=True
        )
    }
    in_order = [0.25] * 4 + [0.5] * 4 + [1.0] * 2  # kernel, bias, gamma, beta
    assert list(by_name.values()) == in_order
    elsewhere = keras.Variable(1.0)
    assert layer_rates.factors(network, [elsewhere], 0.5) == [1.0]
    with pytest.raises(ValueError, match="above 0 and at most 1; received 2"):
        layer_rates.factors(network, [], 2)


@pytest.mark.parametrize("kind", ["SGD", "AdamW"])
def test_a_factor_is_a_learning_rate(kind):
    """Against optimizers that have the smaller rate themselves."""
    start = np.array([1.0, -2.0], "float32")
    gradients = [np.array(g, "float32") for g in ([0.3, 1.0], [-0.2, 0.5])]
    settings = {"weight_decay": 0.1}
    if kind == "SGD":
        settings["momentum"] = 0.9
    make = getattr(keras.optimizers, kind)
    variables = [keras.Variable(start), keras.Variable(start)]
    both = layer_rates.LayerWise(make(0.1, **settings), [0.25, 1.0])
    both.build(variables)
    alone = [keras.Variable(start), keras.Variable(start)]
    single = [make(0.025, **settings), make(0.1, **settings)]
    for gradient in gradients:
        tensor = ops.convert_to_tensor(gradient)
        both.apply([tensor, tensor], variables)
        for optimizer, variable in zip(single, alone, strict=True):
            optimizer.apply([tensor], [variable])
    for one, other in zip(variables, alone, strict=True):
        np.testing.assert_allclose(
            ops.convert_to_numpy(one), ops.convert_to_numpy(other), rtol=2e-5
        )


def test_slow_layers_are_saved_and_go_on(tmp_path):
    model = methods.Supervised(cases.plain_network())
    model.compile(total_steps=4, layer_decay=0.5, run_eagerly=True)
    step(model)
    model.save(tmp_path / "model.keras")
    step(model, 1)
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(again.optimizer, layer_rates.LayerWise)
    assert again.optimizer.factors == model.optimizer.factors
    step(again, 1)
    assert cases.digest(again) == cases.digest(model)


@pytest.mark.once
def test_a_method_of_several_optimizers_refuses_slow_layers():
    model = methods.Supervised(cases.network())
    model.parts = lambda: {"one": model.trainable_variables}
    with pytest.raises(ValueError, match="has an optimizer for each of one"):
        model._layer_wise("sgd", 0.5)
