"""The backend's primitives on TensorFlow; meanings in the package docstring."""

import contextlib

import tensorflow as tf

from keras_ssl.backend.scope import scope


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
        return self.run_step(data)
