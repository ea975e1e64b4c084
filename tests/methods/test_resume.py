"""A run that was cut off ends with the bits of one that was not."""

import json
import pathlib
import subprocess
import sys

import cases
import keras
import pytest

from keras_ssl import methods

# all methods are compiled in one fixture: minutes on a slow machine
pytestmark = pytest.mark.timeout(1200)
PROCESS = pathlib.Path(__file__).with_name("resume_process.py")


class SaveAt(keras.callbacks.Callback):
    """Saves the model in the middle of an epoch, after its `count`-th step."""

    def __init__(self, count, path):
        super().__init__()
        self.left = count
        self.path = path

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            self.model.save(self.path)


def network():
    """What has a state of its own; no convolution, which compiles long."""
    images = keras.Input(cases.SHAPE)
    x = keras.layers.Flatten()(images)
    x = keras.layers.Dropout(0.5, seed=0)(x)
    x = keras.layers.Dense(6)(x)
    x = keras.layers.BatchNormalization(momentum=0.9)(x)
    x = keras.layers.Activation("leaky_relu")(x)
    return cases.known(
        keras.Model(images, keras.layers.Dense(cases.CLASSES)(x))
    )


@pytest.fixture(scope="module")
def digests(tmp_path_factory):
    """Hashes after 16 undisturbed steps, and after 10 of them, a save and the
    last 6 in a new process, for every method. The network has dropout, so
    random generators count too; step 10 is in the middle of an epoch of 8.
    """
    folder = tmp_path_factory.mktemp("resume")
    undisturbed = {}
    for name in methods.names():
        make = cases.NETWORKS.get(name, network)
        made = methods.get(name)(make())
        made.compile()
        made.fit(
            cases.Stream(type(made), steps_per_epoch=8),
            epochs=2,
            verbose=0,
            callbacks=[SaveAt(10, folder / f"{name}.keras")],
        )
        undisturbed[name] = [made.steps_taken(), cases.digest(made)]
    done = subprocess.run(
        [sys.executable, PROCESS, folder], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return undisturbed, json.loads(done.stdout)


@pytest.mark.parametrize("name", methods.names())
def test_save_and_a_new_process_change_no_bit(digests, name):
    undisturbed, resumed = digests
    assert undisturbed[name][0] == 16
    assert resumed[name] == undisturbed[name]
