"""What every hand-written step ends in: Adam, its schedule, the average.

Plain functions of pytrees in JAX, without Keras; the same arithmetic as
`keras.optimizers.Adam`, `CosineDecay` and `SSLModel`'s moving average.
"""

import jax
import jax.numpy as jnp

LAYOUT = ("NHWC", "HWIO", "NHWC")


def weights(layer):
    """A Keras layer's weights as arrays of their own."""
    return [jnp.array(v, copy=True) for v in layer.variables]


def norms_of(network):
    """Its batch normalizations, in order."""
    return [
        layer
        for layer in network.layers
        if type(layer).__name__ == "BatchNormalization"
    ]


def dense_weights(network):
    """`[kernel, bias]` of each dense layer of a functional Keras model."""
    return [
        weights(layer)
        for layer in network.layers
        if type(layer).__name__ == "Dense"
    ]


def dense_layers(layers, x):
    """ReLU layers and a last one without."""
    *hidden, (kernel, bias) = layers
    for hidden_kernel, hidden_bias in hidden:
        x = jax.nn.relu(x @ hidden_kernel + hidden_bias)
    return x @ kernel + bias


def convolve(x, layer, stride):
    kernel, bias = layer
    return bias + jax.lax.conv_general_dilated(
        x, kernel, (stride, stride), "SAME", dimension_numbers=LAYOUT
    )


def transposed(x, layer, stride):
    """The convolution that `convolve`'s gradient is, plus a bias."""
    kernel, bias = layer
    return bias + jax.lax.conv_transpose(
        x, kernel, (stride, stride), "SAME", dimension_numbers=LAYOUT,
        transpose_kernel=True,
    )  # fmt: skip


def cross_entropy(labels, logits):
    """Mean over the batch."""
    log_p = jax.nn.log_softmax(logits)
    return -jnp.mean(jnp.take_along_axis(log_p, labels[:, None], axis=1))


def normalized(x, layer, momentum):
    """Batch normalization by the batch; the new moving statistics too."""
    gamma, beta, mean, variance = layer
    axes = tuple(range(x.ndim - 1))
    now, spread = jnp.mean(x, axes), jnp.var(x, axes)
    y = (x - now) * (gamma * jax.lax.rsqrt(spread + 1e-3)) + beta
    keep = momentum, 1 - momentum
    return y, [
        keep[0] * mean + keep[1] * jax.lax.stop_gradient(now),
        keep[0] * variance + keep[1] * jax.lax.stop_gradient(spread),
    ]


def cosine(initial, step, total_steps):
    """Learning rate at a step from 0, along half a cosine to 0."""
    part = jnp.minimum(step, total_steps) / total_steps
    return initial * 0.5 * (1 + jnp.cos(jnp.pi * part))


def adam_slots(parameters):
    """Zeros for both moments."""
    zeros = jax.tree.map(jnp.zeros_like, parameters)
    return zeros, jax.tree.map(jnp.copy, zeros)


def adam(parameters, slots, gradients, rate, step, beta_1=0.9):
    """One step of Adam, the number `step` from 0; new parameters and slots."""
    first, second = slots
    first = jax.tree.map(
        lambda m, g: m + (g - m) * (1 - beta_1), first, gradients
    )
    second = jax.tree.map(
        lambda v, g: v + (g * g - v) * (1 - 0.999), second, gradients
    )
    count = step + 1.0
    scale = rate * jnp.sqrt(1 - 0.999**count) / (1 - beta_1**count)
    parameters = jax.tree.map(
        lambda p, m, v: p - scale * m / (jnp.sqrt(v) + 1e-7),
        parameters, first, second,
    )  # fmt: skip
    return parameters, (first, second)


def descended(parameters, velocities, gradients, rate, momentum):
    """A step of gradient descent; new parameters and velocities."""
    velocities = jax.tree.map(
        lambda v, g: momentum * v - rate * g, velocities, gradients
    )
    return jax.tree.map(jnp.add, parameters, velocities), velocities


def averaged(averages, parameters, step, decay):
    """The moving average after a step, young ones moving faster."""
    decay = jnp.minimum((1 + step) / (10 + step), decay)
    return jax.tree.map(
        lambda a, p: decay * a + (1 - decay) * p, averages, parameters
    )
