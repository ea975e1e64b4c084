"""The backend's primitives on JAX; meanings in the package docstring.

JAX differentiates and compiles pure functions. So the whole step runs inside
one `keras.StatelessScope`: reading a variable reads the scope, assigning one
writes there, and the scope's final values are what the step returns. Method
code notices nothing of it.
"""

import contextlib
import importlib.metadata
import itertools
import os

import jax
import keras
from jax.experimental import multihost_utils

from keras_ssl.backend.delivery import Delivery
from keras_ssl.backend.layer_calls import replace_calls
from keras_ssl.backend.scope import current_scope, scope

# what XLA of this version makes of some sums on a CPU crashes the process, in
# ReMixMatch's step for one (jax-ml/jax issues 39257 and 40412); it reads its
# flags when something is computed first
BROKEN_FUSION = "0.10.2"
FUSION_FLAG = "--xla_cpu_experimental_ynn_fusion_type"
if importlib.metadata.version("jaxlib") == BROKEN_FUSION:
    flags = os.environ.get("XLA_FLAGS", "")
    if FUSION_FLAG not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {FUSION_FLAG}=".strip()


def value_and_grad(function, variables):
    own = {id(variable) for variable in variables}

    def pure(values):
        with scope(zip(variables, values, strict=True)) as inner:
            before = dict(inner.state_mapping)
            scalar, extra = function()
            updates = {
                key: value
                for key, value in inner.state_mapping.items()
                if key not in own and value is not before.get(key)
            }
        return scalar, (extra, updates)

    (scalar, (extra, updates)), gradients = jax.value_and_grad(
        pure, has_aux=True
    )([variable.value for variable in variables])
    step = current_scope()
    if step is None:
        raise RuntimeError(
            "under JAX, value_and_grad works inside a training step only: "
            "expected an active keras.StatelessScope, found none"
        )
    step.state_mapping.update(updates)
    return (scalar, extra), gradients


def input_gradient(function, x):
    def pure(x):
        with scope():
            return function(x)

    return jax.lax.stop_gradient(jax.grad(pure)(jax.lax.stop_gradient(x)))


def apply_gradients(optimizer, gradients, variables):
    # the stateless form is the one that LossScaleOptimizer supports under JAX
    new_values, new_slots = optimizer.stateless_apply(
        [slot.value for slot in optimizer.variables],
        gradients,
        [variable.value for variable in variables],
    )
    for variable, value in zip(variables, new_values, strict=True):
        variable.assign(value)
    for slot, value in zip(optimizer.variables, new_slots, strict=True):
        slot.assign(value)


no_grad = contextlib.nullcontext


class TrainStep:
    def compile(self, *args, **kwargs):
        quicken(self)
        super().compile(*args, **kwargs)

    def train_step(self, state, data):
        groups = (
            self.trainable_variables,
            self.non_trainable_variables,
            self.optimizer.variables,
            self.metrics_variables,
        )
        values = [value for group in state for value in group]
        variables = [variable for group in groups for variable in group]
        with keras.StatelessScope(
            list(zip(variables, values, strict=True))
        ) as step:
            logs = self.run_step(data)
        return logs, tuple(
            [step.get_current_value(variable) for variable in group]
            for group in groups
        )

    def make_train_function(self, force=False):
        count = self.steps_per_execution
        is_made = self.train_function is not None and not force
        is_compiled = self.jit_compile and not self.run_eagerly
        is_alone = keras.distribution.distribution() is None
        is_loop = count > 1 and is_compiled and is_alone and loops_well()
        if is_loop and not is_made:
            self.train_function = several(self.train_step, count)
        else:  # Keras' own: single steps, in a loop of Python for several
            super().make_train_function(force)


def loops_well():
    """Whether a step is as fast in a loop of XLA as it is alone.

    Not on a CPU, where convolutions in a loop are others: FixMatch on the
    digits took 13 times as long, supervised training 4 times (jaxlib 0.10.2).
    """
    return jax.default_backend() != "cpu"


def several(step, count):
    """`count` training steps as one computation, in place of a loop outside.

    Args:
        step: a function of a state and a batch to logs and the next state.
        count: number of batches that each call takes, unless there are fewer.

    Returns:
        A function of a state and an iterator of batches to the logs of the
        last step and the state after it.
    """

    def one(state, batch):
        logs, state = step(state, batch)
        return state, logs

    def steps(state, batches):
        stacked = jax.tree.map(lambda *parts: jax.numpy.stack(parts), *batches)
        state, logs = jax.lax.scan(one, state, stacked)
        return jax.tree.map(lambda values: values[-1], logs), state

    steps = jax.jit(steps, donate_argnums=0)

    def run(state, iterator):
        batches = list(itertools.islice(iterator, count))
        if not batches:
            raise StopIteration
        return steps(state, batches)

    return run


def quicken(model):
    """Lets dense layers see vectors of several axes as rows of one matrix.

    The gradient by the kernel sums over all axes but the last, and for two or
    more JAX turns both factors over in memory.
    """
    replace_calls(model, {keras.layers.Dense: _multiply})


def _multiply(layer, inputs, training=None):
    rows = inputs.reshape(-1, inputs.shape[-1])
    outputs = keras.ops.matmul(rows, layer.kernel)
    outputs = outputs.reshape(*inputs.shape[:-1], -1)
    if layer.bias is not None:
        outputs = keras.ops.add(outputs, layer.bias)
    return outputs if layer.activation is None else layer.activation(outputs)


def feed(model, batches):
    if keras.distribution.distribution() is not None:
        return batches
    # the compiled step takes aligned arrays where they lie and is faster at it
    # than jax.device_put; for an accelerator Keras' loop sends them ahead
    return Delivery(batches)


def peak_memory():
    stats = jax.local_devices()[0].memory_stats() or {}  # of a CPU: None
    return stats.get("peak_bytes_in_use")


def keep_memory():
    """It does of itself."""


process_count = jax.process_count
process_index = jax.process_index
agreed_to_end = multihost_utils.reached_preemption_sync_point
