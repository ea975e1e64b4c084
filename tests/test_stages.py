"""Trainings in stages, and steps of several phases with an optimizer each."""

import cases
import keras
import numpy as np
import pytest
from keras import ops
from phases import Phases

from keras_ssl import optimizer_groups


def phases(**arguments):
    model = Phases(cases.plain_network(), **arguments)
    model.compile()
    return model


def trained(model, epochs, **arguments):
    stream = cases.Stream(Phases, steps_per_epoch=5)
    model.fit(stream, epochs=epochs, verbose=0, **arguments)
    return model


def weights(model):
    return [
        ops.convert_to_numpy(variable).copy()
        for variable in (*model.network.trainable_variables, model.other)
    ]


def test_each_stage_changes_its_own_variables_by_its_own_optimizer():
    model = phases()
    before = weights(model)
    model.compile(total_steps=20)
    trained(model, 2)
    kernel, bias, other = weights(model)
    assert model.stage == "biases"
    np.testing.assert_array_equal(kernel, before[0])
    assert np.abs(bias - before[1]).min() > 0
    np.testing.assert_array_equal(other, 0.0)
    trained(model, 4, resume=True)
    kernel, _, other = weights(model)
    assert model.stage == "all"
    assert np.abs(kernel - before[0]).max() > 0
    np.testing.assert_allclose(other, 10 * 0.5)  # ten steps with gradient -1
    counts = {
        name: int(ops.convert_to_numpy(part.iterations))
        for name, part in model.optimizer.parts.items()
    }
    assert counts == {"biases": 10, "all": 10, "other": 10}


def test_a_stage_ends_with_an_epoch_and_reports_what_it_does():
    class Recorder(keras.callbacks.Callback):
        seen = []

        def on_epoch_end(self, epoch, logs=None):
            self.seen.append((epoch, self.model.stage, "other_loss" in logs))

    model = phases(first=0.4)
    history = trained_history(model, 4, Recorder())
    # 0.4 of four epochs are rounded to two
    assert Recorder.seen == [
        (0, "biases", False),
        (1, "biases", False),
        (2, "all", True),
        (3, "all", True),
    ]
    assert history.epoch == [0, 1, 2, 3]
    assert len(history.history["loss"]) == 4


def trained_history(model, epochs, callback):
    stream = cases.Stream(Phases, steps_per_epoch=5)
    return model.fit(stream, epochs=epochs, verbose=0, callbacks=[callback])


def test_every_stage_has_an_epoch_at_least():
    model = trained(phases(first=0.01), 2)
    parts = model.optimizer.parts
    assert int(ops.convert_to_numpy(parts["biases"].iterations)) == 5


def test_saved_inside_a_stage_it_goes_on_as_if_nothing_had_happened(tmp_path):
    straight = phases()
    straight.compile(total_steps=20)
    broken = phases()
    broken.compile(total_steps=20)
    trained(straight, 4)
    trained(broken, 3)
    broken.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(again.optimizer, optimizer_groups.Optimizers)
    assert cases.digest(again) == cases.digest(broken)
    trained(again, 4, resume=True)
    assert again.stage == "all"
    assert cases.digest(again) == cases.digest(straight)


def test_stages_need_to_know_the_length_of_an_epoch():
    model = phases()
    batches = (cases.batch(Phases, step) for step in range(3))
    with pytest.raises(ValueError, match="is trained in stages"):
        model.fit(batches, verbose=0)


# Optimizers -------------------------------------------------------------------


def test_one_optimizer_is_copied_for_every_part():
    model = Phases(cases.plain_network())
    model.compile(keras.optimizers.Adam(0.125, beta_1=0.25))
    parts = model.optimizer.parts
    assert list(parts) == ["biases", "all", "other"]
    assert len({id(part) for part in parts.values()}) == 3
    for part in parts.values():
        config = part.get_config()
        assert (config["learning_rate"], config["beta_1"]) == (0.125, 0.25)


def test_a_dict_names_exactly_the_parts():
    model = Phases(cases.plain_network())
    model.compile({"biases": "sgd", "all": "adam", "other": "sgd"})
    assert isinstance(model.optimizer.parts["all"], keras.optimizers.Adam)
    with pytest.raises(ValueError, match="expected an optimizer for each of"):
        model.compile({"biases": "sgd", "all": "adam"})


def test_schedules_are_stretched_over_the_training_part_by_part():
    model = phases()
    model._set_total_steps(44)
    decay = model.optimizer.parts["biases"].get_config()["learning_rate"]
    assert decay["config"]["decay_steps"] == 44
    fixed = model.optimizer.parts["all"].get_config()["learning_rate"]
    assert fixed == pytest.approx(0.01)


def test_a_learning_rate_set_is_set_for_all():
    model = Phases(cases.plain_network())
    model.compile("sgd")
    model.optimizer.learning_rate = 0.25
    for part in model.optimizer.parts.values():
        assert float(part.learning_rate) == 0.25
    assert float(model.optimizer.learning_rate) == 0.25


def test_low_precision_scales_the_loss_of_every_part():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        found = optimizer_groups.for_parts("adam", ["one", "two"])
    finally:
        keras.config.set_dtype_policy(before)
    for part in found.parts.values():
        assert isinstance(part, keras.optimizers.LossScaleOptimizer)
        assert isinstance(part.inner_optimizer, keras.optimizers.Adam)
