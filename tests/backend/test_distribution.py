"""Several devices and several processes train the model that one does."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_ssl

NAME = keras.backend.backend()
on_jax = pytest.mark.skipif(NAME != "jax", reason="keras.distribution is JAX's")
STEPS = 50


def start(**job):
    script = pathlib.Path(__file__).with_name("distributed.py")
    return subprocess.Popen(
        [
            sys.executable,
            script,
            json.dumps({"steps": STEPS, **job}, default=str),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "KERAS_BACKEND": "jax"},
    )


def finished(process, code=0):
    """What it has printed, `None` where it was not to end well."""
    out, errors = process.communicate(timeout=280)
    assert process.returncode == code, errors
    return None if code else json.loads(out.splitlines()[-1])


@pytest.fixture(scope="module")
def alone():
    return finished(start())


def check(found, alone):
    np.testing.assert_allclose(found["losses"], alone["losses"], rtol=1e-5)
    # a bias before batch normalization is nothing but rounding
    np.testing.assert_allclose(
        found["weights"], alone["weights"], rtol=1e-4, atol=1e-6
    )


@on_jax
def test_four_devices_train_as_one(alone):
    check(finished(start(devices=4)), alone)
    assert alone["losses"][-1] < alone["losses"][0]


def in_two_processes(codes=(0, 0), **job):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes = [
        start(process=number, processes=2, port=port, **job)
        for number in range(2)
    ]
    try:
        first, second = map(finished, processes, codes)
    finally:  # without the other one, one waits for ever
        for process in processes:
            process.kill()
            process.communicate()
    assert first == second
    return first


@on_jax
@pytest.mark.slow  # the next one takes as many steps, in two parts
def test_two_processes_train_as_one(alone):
    check(in_two_processes(), alone)


def check_told_to_end(folder, alone, number, codes, steps_per_epoch):
    """One is told to; both finish the same step, and two new ones go on."""
    run = keras_ssl.RunFolder(folder)
    job = {"folder": folder, "steps_per_epoch": steps_per_epoch}
    in_two_processes(codes, signal=number, **job)
    reached = run.load_model().steps_taken()
    assert 10 < reached < STEPS
    finished_epochs = reached // steps_per_epoch
    assert len(run.history()) == finished_epochs
    after = in_two_processes(**job)
    assert run.load_model().steps_taken() == STEPS
    ends = range(steps_per_epoch, STEPS + 1, steps_per_epoch)
    assert [entry["step"] for entry in run.history()] == list(ends)
    # the epoch that was cut off reports its steps since then
    begins = [end - steps_per_epoch for end in ends]
    begins[finished_epochs] = reached
    wanted = [
        np.mean(alone["losses"][begin:end])
        for begin, end in zip(begins, ends, strict=True)
    ]
    losses = [entry["loss"] for entry in run.history()]
    check({**after, "losses": losses}, {**alone, "losses": wanted})


@on_jax
def test_told_to_end_two_processes_save_the_same_step(tmp_path, alone):
    codes = (143, 143)
    check_told_to_end(tmp_path / "run", alone, signal.SIGTERM, codes, 25)


@on_jax
@pytest.mark.slow  # as the one before, by Ctrl-C, which one of them has seen
def test_interrupted_too(tmp_path, alone):
    codes = (143, 130)
    check_told_to_end(tmp_path / "run", alone, signal.SIGINT, codes, 1)


@pytest.mark.skipif(NAME != "tensorflow", reason="a strategy of TensorFlow")
def test_replicas_of_tensorflow_are_refused():
    script = """
import tensorflow as tf
cpus = tf.config.list_physical_devices("CPU")
two = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpus[0], two)
import keras_ssl
split = keras_ssl.data.load("digits").split(labels_per_class=2, seed=0)
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    network = keras_ssl.networks.MLP(
        num_classes=10, input_shape=split.dataset.image_shape, hidden=(4,)
    )
    model = keras_ssl.methods.Supervised(network)
    model.compile()
model.fit(split.batches(model, batch_size=8, steps_per_epoch=2))
"""
    process = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True
    )
    assert process.returncode != 0
    assert "MirroredStrategy with 2 replicas" in process.stderr
    assert "docs/devices.md" in process.stderr
