"""What the variational autoencoders share, by hand in JAX.

Nothing of Keras runs in a step: weights are trees of arrays, read once from the
model that is compared. Vectors are plain `(rows, size)`, and every class of an
image is a row of its own from the first product on that depends on it.
"""

import math

import jax
import jax.numpy as jnp
import keras

from native import training

RATE = 3e-4


def copied(variable):
    return jnp.array(variable.value, copy=True)


def tree(network):
    """The weights of a `keras_ssl.networks.vae` model without normalization."""
    given = len(network.inputs)
    dense = [x for x in network.layers if isinstance(x, keras.layers.Dense)]
    pairs = [
        {"kernel": copied(x.kernel), "bias": copied(x.bias)}
        for x in dense[given:]
    ]
    heads = len(network.outputs)
    return {
        "given": [copied(x.kernel) for x in dense[:given]],
        "bias": copied(dense[0].bias),
        "hidden": pairs[:-heads],
        "heads": pairs[-heads:],
    }


def softplus(x):
    # as ours: jax.nn.softplus has a slower gradient
    return jax.nn.relu(x) + jnp.log(1.0 + jnp.exp(-jnp.abs(x)))


def dense(layer, x):
    return x @ layer["kernel"] + layer["bias"]


def rest(weights, x):
    """From the sum of the first products to the heads."""
    x = softplus(x + weights["bias"])
    for layer in weights["hidden"]:
        x = softplus(dense(layer, x))
    if len(weights["heads"]) == 1:
        return dense(weights["heads"][0], x)
    # mean and log-variance in one product
    kernels, biases = (
        jnp.concatenate([head[name] for head in weights["heads"]], axis=-1)
        for name in ("kernel", "bias")
    )
    return jnp.split(x @ kernels + biases, 2, axis=-1)


def alone(weights, x):
    """Given one vector."""
    return rest(weights, x @ weights["given"][0])


def with_every_class(weights, x, rows):
    """Given x and each class; x has a row for an image, or for each pair.

    Rows of the result: all classes of the first image, of the second, ...
    """
    of_x, of_y = weights["given"]
    product = (x @ of_x).reshape(rows, -1, of_x.shape[-1]) + of_y
    return rest(weights, product.reshape(-1, of_x.shape[-1]))


def with_its_class(weights, x, labels):
    of_x, of_y = weights["given"]
    return rest(weights, x @ of_x + of_y[labels])


def kl(mean, log_variance):
    terms = jnp.square(mean) + jnp.exp(log_variance) - 1.0 - log_variance
    return 0.5 * jnp.sum(terms, axis=-1)


def log_bernoulli(x, logits):
    return jnp.sum(x * logits - softplus(logits), axis=-1)


def log_gaussian(x, mean, log_variance):
    squares = jnp.square(x - mean) * jnp.exp(-log_variance)
    terms = math.log(2.0 * math.pi) + log_variance + squares
    return -0.5 * jnp.sum(terms, axis=-1)


def flat(images):
    return images.reshape(len(images), -1).astype(jnp.float32) / 255.0


def prior(weights, size):
    squares = [jnp.sum(jnp.square(leaf)) for leaf in jax.tree.leaves(weights)]
    return sum(squares) / (2.0 * size)


def image_bound(encoder, decoder, x, draws):
    """Of log p of bits, one draw of the code for each image."""
    q = alone(encoder, x)
    p = alone(decoder, draws.sample(*q))
    return log_bernoulli(x, p) - kl(*q)


class Draws:
    """Noise of a step out of one key, or what a test puts in its place."""

    def __init__(self, key, injected=None):
        self.key = key
        self.injected = injected or {}

    def next(self):
        self.key, key = jax.random.split(self.key)
        return key

    def bits(self, x):
        if "uniform" in self.injected:
            chance = self.injected["uniform"](x)
        else:
            chance = jax.random.uniform(self.next(), x.shape)
        return (chance < x).astype(jnp.float32)

    def sample(self, mean, log_variance):
        if "noise" in self.injected:
            noise = jax.lax.stop_gradient(self.injected["noise"](mean))
        else:
            noise = jax.random.normal(self.next(), mean.shape)
        return mean + jnp.exp(0.5 * log_variance) * noise


def marginal(weights_of_terms, cross_entropy, known, logits, each):
    """The two terms of M2 and what extends it, out of bounds."""
    of_bound, of_error, of_guess = weights_of_terms
    log_q = jax.nn.log_softmax(logits)
    guessed = jnp.sum(jnp.exp(log_q) * (each - log_q), axis=-1)
    supervised = of_error * cross_entropy - of_bound * jnp.mean(known)
    return supervised - of_guess * jnp.mean(guessed)


def stepper(loss, trained, fixed, averaged, decay, injected):
    """`(step, state)` of Adam on `loss(trained, fixed, batch, draws)`.

    `averaged` names the parts of `trained` that have a moving average.
    """
    state = {
        "trained": trained,
        "slots": training.adam_slots(trained),
        "averages": jax.tree.map(
            jnp.copy, {name: trained[name] for name in averaged}
        ),
        "key": jax.random.key(0),
        "step": jnp.zeros(()),
    }

    def step(state, batch):
        key, use = jax.random.split(state["key"])
        value, gradients = jax.value_and_grad(loss)(
            state["trained"], fixed, batch, Draws(use, injected)
        )
        trained, slots = training.adam(
            state["trained"], state["slots"], gradients, RATE, state["step"]
        )
        averages = training.averaged(
            state["averages"],
            {name: trained[name] for name in averaged},
            state["step"],
            decay,
        )
        return {
            "trained": trained,
            "slots": slots,
            "averages": averages,
            "key": key,
            "step": state["step"] + 1.0,
        }, value

    return jax.jit(step, donate_argnums=0), state
