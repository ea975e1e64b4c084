"""Slow NumPy float64 oracles, and a method's objective as plain numbers."""

import keras
import numpy as np
from keras import ops

from keras_ssl import backend


def compiled(function):
    """The function as one program where that is quicker.

    JAX compiles each operation that runs by itself; all of them together cost
    less.
    """
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(function)
    return function


def log_softmax(logits):
    logits = np.asarray(logits, np.float64)
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def softmax(logits):
    return np.exp(log_softmax(logits))


def cross_entropy(target, logits):
    """Of each example; `target` is class numbers or probabilities."""
    log_p = log_softmax(logits)
    target = np.asarray(target)
    if target.ndim == 1:
        return np.array([-row[k] for row, k in zip(log_p, target, strict=True)])
    return np.array(
        [
            -sum(q * value for q, value in zip(t, row, strict=True))
            for t, row in zip(target, log_p, strict=True)
        ]
    )


def entropy(logits):
    return cross_entropy(softmax(logits), logits)


def kl_divergence(target_logits, logits):
    """KL(softmax(target_logits) || softmax(logits)) of each example."""
    return cross_entropy(softmax(target_logits), logits) - entropy(
        target_logits
    )


def sharpen(p, temperature):
    powers = np.asarray(p, np.float64) ** (1 / temperature)
    return powers / powers.sum(axis=-1, keepdims=True)


def one_hot(classes, count):
    return np.eye(count)[classes]


def squared_distance(p, q):
    """Of each example: the mean over classes."""
    return ((np.asarray(p) - np.asarray(q)) ** 2).mean(axis=-1)


def unit(x):
    """Rows of length 1."""
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def features(network, view):
    """What the last layer of a network without normalization sees."""
    images = ops.convert_to_tensor(np.asarray(view, "float32"))
    *_, last = network.layers
    before = keras.Model(network.inputs, last.input)
    return value(before(images))


def head(model, x):
    """A dense network with LeakyReLU of slope 0.1 on rows, in NumPy."""
    weights = [value(variable) for variable in model.trainable_variables]
    while len(weights) > 2:
        x = x @ weights.pop(0) + weights.pop(0)
        x = np.where(x > 0, x, 0.1 * x)
    return x @ weights[0] + weights[1]


def value(variable):
    """A variable or tensor as float64."""
    return np.asarray(ops.convert_to_numpy(variable), np.float64)


def scaled(images):
    """uint8 images as the network gets them."""
    return np.asarray(images, np.float64) / 127.5 - 1.0


def network_logits(network, *views):
    """Training-mode logits of several views from one joint pass, in NumPy.

    `views` are uint8 images, or floats that are scaled already. Updates of the
    moving statistics are dropped.
    """
    floats = [
        scaled(view) if np.asarray(view).dtype == np.uint8 else view
        for view in views
    ]
    images = ops.convert_to_tensor(np.concatenate(floats).astype("float32"))
    with backend.scope():
        logits = ops.convert_to_numpy(network(images, training=True))
    return np.split(logits, np.cumsum([len(view) for view in views])[:-1])


def tensor(values):
    return ops.convert_to_tensor(values)


def tensors(batch):
    """`(views, labels)` as the dict that `objective` takes."""
    views, labels = batch
    return {
        name: tensor(value)
        for name, value in {**views, "labels": labels}.items()
    }


def evaluate(model, *batches):
    """The objective of `(views, labels)`: its terms and what it monitors.

    Everything that it assigns is dropped. A list of both, if there are several
    batches, which must be of one shape.
    """

    def objective(batch):
        with backend.scope():
            terms = model.objective(batch)
            return terms, {
                name: model.trackers[name].result() for name in model.monitors
            }

    objective = compiled(objective)
    found = [
        tuple(
            {name: float(ops.convert_to_numpy(v)) for name, v in values.items()}
            for values in objective(tensors(batch))
        )
        for batch in batches
    ]
    return found if len(found) > 1 else found[0]


def gradients(model, function):
    """Gradients of a scalar `function()` by the network's weights, in NumPy.

    Zeros where a weight takes no part.
    """
    variables = model.network.trainable_variables

    def found():
        with backend.scope():
            return backend.value_and_grad(
                lambda: (function(), None), variables
            )[1]

    return [
        np.zeros(variable.shape)
        if gradient is None
        else ops.convert_to_numpy(gradient)
        for variable, gradient in zip(variables, compiled(found)(), strict=True)
    ]


def term_gradients(model, batch, *names):
    """Gradients of the sum of some terms of the objective."""

    def loss():
        terms = model.objective(tensors(batch))
        return sum(terms[name] for name in names)

    return gradients(model, loss)


def assert_same_gradients(found, expected, tolerance=2e-4):
    """Equal up to float32, of which batch normalization cancels some digits.

    `tolerance` is relative to the largest entry of each gradient.
    """
    for one, other in zip(found, expected, strict=True):
        scale = np.abs(other).max()
        np.testing.assert_allclose(
            one, other, rtol=0, atol=2e-6 + tolerance * scale
        )


def statistics(model, function):
    """Moving statistics of the network after `function()`, which is undone."""
    with backend.scope():
        function()
        return [
            ops.convert_to_numpy(variable.value)
            for variable in model.network.non_trainable_variables
        ]


def at_progress(model, part):
    """Puts a model at a part of its training; returns the model."""
    model.total_steps = 1000
    model.step.assign(round(1000 * part))
    for stage, end in reversed(model.stages().items()):
        if part < end:
            model._stage = stage
    return model
