"""The backend's primitives on TensorFlow; meanings in the package docstring."""

import contextlib

import tensorflow as tf

from keras_ssl.backend import alone
from keras_ssl.backend.delivery import Delivery
from keras_ssl.backend.scope import scope

# The pass that thins out control edges before a function runs loses some of
# those that let a variable be read before it is assigned: in TensorFlow 2.21 a
# loss that no gradient of the read weights depends on, such as M1's, was
# computed now and then from weights that the same step had changed already.
tf.config.optimizer.set_experimental_options({"dependency_optimization": False})


def value_and_grad(function, variables):
    values = [variable.value for variable in variables]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        for value in values:
            tape.watch(value)
        scalar, extra = function()
    return (scalar, extra), tape.gradient(scalar, values)


def input_gradient(function, x):
    x = tf.stop_gradient(x)
    with tf.GradientTape(watch_accessed_variables=False) as tape, scope():
        tape.watch(x)
        scalar = function(x)
    return tf.stop_gradient(tape.gradient(scalar, x))


def apply_gradients(optimizer, gradients, variables):
    optimizer.apply(gradients, variables)


no_grad = contextlib.nullcontext


class TrainStep:
    def train_step(self, data):
        _refuse_replicas(tf.distribute.get_strategy())
        return self.run_step(data)


def _refuse_replicas(strategy):
    if strategy.num_replicas_in_sync > 1:
        raise ValueError(
            f"{type(strategy).__name__} with {strategy.num_replicas_in_sync} "
            "replicas would train another model than one device does: each "
            "replica has batch statistics of its own, and gradients are added "
            "up, not averaged. For several devices use JAX with "
            "keras.distribution.DataParallel; see docs/devices.md"
        )


def feed(model, batches):
    _refuse_replicas(model.distribute_strategy)
    here = tf.distribute.get_strategy()
    if model.distribute_strategy is not here or tf.distribute.has_strategy():
        return batches
    has_accelerator = len(tf.config.list_logical_devices()) > 1
    return Delivery(batches, tf.constant if has_accelerator else _as_it_lies)


def _as_it_lies(array):
    """A tensor that shows an array of bytes, which it keeps; else a copy.

    NumPy lends writable memory only, and TensorFlow aborts over memory that is
    not aligned to 64 bytes; the sampler's is both.
    """
    is_fit = array.dtype == "uint8" and array.flags.carray
    if is_fit and array.__array_interface__["data"][0] % 64 == 0:
        return tf.experimental.dlpack.from_dlpack(array.__dlpack__())
    return tf.constant(array)


def peak_memory():
    if not tf.config.list_logical_devices("GPU"):
        return None
    return tf.config.experimental.get_memory_info("GPU:0")["peak"]


def keep_memory():
    """It does of itself."""


process_count = alone.process_count
process_index = alone.process_index
agreed_to_end = alone.agreed_to_end
