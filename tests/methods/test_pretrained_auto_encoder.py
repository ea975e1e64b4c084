"""The pretrained autoencoder: two stages, each with variables of its own."""

import cases
import keras
import numpy as np
import numpy_oracle as oracle
import pytest
from keras import ops

from keras_ssl.methods import PretrainedAutoEncoder

NAME = "pretrained_auto_encoder"


def values(variables):
    return [ops.convert_to_numpy(v).copy() for v in variables]


def changed(made, stage):
    """Which weights of network and decoder a step of the stage changes."""
    made.compile(total_steps=10)
    made._stage = stage
    variables = [
        *made.network.trainable_variables, *made.decoder.trainable_variables
    ]  # fmt: skip
    before = values(variables)
    logs = made.train_on_batch(*cases.batch(type(made), 0), return_dict=True)
    pairs = zip(before, values(variables), strict=True)
    return [not np.array_equal(old, new) for old, new in pairs], logs


def test_pretraining_changes_the_encoder_and_the_decoder_alone():
    found, logs = changed(cases.model(NAME), "pretraining")
    assert found == [True, True, False, False, True, True]
    assert logs["supervised"] == 0
    assert logs["reconstruction"] > 0


def test_fine_tuning_changes_the_network_alone():
    found, logs = changed(cases.model(NAME), "fine_tuning")
    assert found == [True, True, True, True, False, False]
    assert logs["reconstruction"] == 0
    assert logs["supervised"] > 0


@pytest.mark.parametrize(
    ("pretraining", "epochs"), [(0.5, 2), (0.25, 1), (0.7, 3), (0.01, 1)]
)
def test_fit_changes_the_stage_at_the_end_of_an_epoch(pretraining, epochs):
    made = cases.model(NAME, pretraining=pretraining)
    made.compile()
    history = made.fit(
        cases.Stream(type(made), steps_per_epoch=2), epochs=4, verbose=0
    ).history
    pretrained = [error > 0 for error in history["reconstruction"]]
    assert pretrained == [epoch < epochs for epoch in range(4)]
    assert [loss > 0 for loss in history["supervised"]] == [
        epoch >= epochs for epoch in range(4)
    ]
    assert made.stage == "fine_tuning"


def test_its_terms_are_those_of_the_joint_autoencoder():
    found, _ = oracle.evaluate(
        cases.model(NAME), cases.batch(PretrainedAutoEncoder, 0)
    )
    joint, _ = oracle.evaluate(
        cases.model("auto_encoder"), cases.batch(PretrainedAutoEncoder, 0)
    )
    # one pass or two is the same without normalization
    assert found == pytest.approx(joint, rel=1e-5)


def test_each_stage_has_a_schedule_of_its_own_length():
    made = cases.model(NAME, pretraining=0.3)
    made.compile(total_steps=1000)
    rates = {
        part: optimizer._learning_rate
        for part, optimizer in made.optimizer.parts.items()
    }
    assert float(rates["auto_encoder"](300)) == pytest.approx(0, abs=1e-9)
    assert float(rates["classifier"](300)) > 1e-4
    assert float(rates["classifier"](700)) == pytest.approx(0, abs=1e-9)
    assert isinstance(made.optimizer.parts["classifier"], keras.optimizers.Adam)


@pytest.mark.parametrize("pretraining", [0, 1, 1.5])
def test_a_stage_of_no_length_is_refused(pretraining):
    with pytest.raises(ValueError, match=f"0 < pretraining < 1.*{pretraining}"):
        cases.model(NAME, pretraining=pretraining)
