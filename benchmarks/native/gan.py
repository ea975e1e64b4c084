"""The MLP GANs' networks and their turns, by hand in JAX, for the others here.

Nothing of Keras runs in a step: weights are a tree of arrays, read once from
the model that is compared.
"""

import functools

import jax
import jax.numpy as jnp
import keras
import numpy as np

from keras_ssl.networks.weight_norm import WeightNormDense

TINY = 1e-6


def array(variable):
    return jnp.asarray(np.array(keras.ops.convert_to_numpy(variable)))


def linear(layer, x):
    theta = layer["theta"]
    direction = jax.lax.rsqrt(jnp.sum(theta * theta, axis=0) + TINY)
    return x @ theta * (layer["scale"] * direction) + layer["bias"]


def weights(keras_model):
    """`(trained, frozen)` of the layers with weight normalization."""
    trained, frozen = [], []
    for layer in keras_model.layers:
        if isinstance(layer, WeightNormDense):
            values = {
                name: array(getattr(layer, name)) for name in ("theta", "bias")
            }
            (values if layer.train_scale else fixed(frozen))["scale"] = array(
                layer.scale
            )
            trained.append(values)
    return trained, frozen


def fixed(frozen):
    frozen.append({})
    return frozen[-1]


def discriminator(network):
    """`(function, trained, frozen)`; function(trained, frozen, x, key) gives
    logits and features.
    """
    trained, frozen = weights(network)
    spreads = [
        layer.stddev
        for layer in network.layers
        if isinstance(layer, keras.layers.GaussianNoise)
    ]

    def run(trained, frozen, x, key):
        x = x.reshape(len(x), -1)
        keys = jax.random.split(key, len(trained))
        for place, layer in enumerate(trained):
            features = x
            if spreads and spreads[place]:
                noise = jax.random.normal(keys[place], x.shape)
                x = x + spreads[place] * noise
            if place < len(frozen):
                layer = {**layer, **frozen[place]}
            x = linear(layer, x)
            if place < len(trained) - 1:
                x = jnp.maximum(x, 0.0)
        return x, features

    return run, trained, frozen


def softplus_layers(layers, x):
    """Dense, batch normalization by the batch without a scale, softplus."""
    for kernel, beta in layers:
        x = x @ kernel
        mean = jnp.mean(x, axis=0)
        variance = jnp.mean(jnp.square(x), axis=0) - jnp.square(mean)
        x = (x - mean) * jax.lax.rsqrt(variance + TINY) + beta
        x = jax.nn.softplus(x)
    return x


def stack(keras_model):
    """`(hidden, last)` of a generator or an encoder."""
    kernels = [
        array(layer.kernel)
        for layer in keras_model.layers
        if isinstance(layer, keras.layers.Dense)
    ]
    betas = [
        array(layer.beta)
        for layer in keras_model.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    ((last,), _) = weights(keras_model)
    return {"hidden": list(zip(kernels, betas, strict=True)), "last": last}


def generate(generator, z):
    x = softplus_layers(generator["hidden"], z)
    return jax.nn.sigmoid(linear(generator["last"], x))


def adam(value, gradient, m, v, t, rate, beta_1, beta_2, is_rooted):
    m = m + (1 - beta_1) * (gradient - m)
    v = v + (1 - beta_2) * (jnp.square(gradient) - v)
    m_hat, v_hat = m / (1 - beta_1**t), v / (1 - beta_2**t)
    root = jnp.sqrt(v_hat + 1e-8) if is_rooted else jnp.sqrt(v_hat) + 1e-8
    return value - rate * m_hat / root, m, v


def apply(tree, gradients, slots, t, *recipe):
    """One Adam step on a tree; returns the tree and its slots."""
    leaves, shape = jax.tree.flatten(tree)
    moved = [
        adam(*four, t, *recipe)
        for four in zip(
            leaves,
            jax.tree.leaves(gradients),
            *map(jax.tree.leaves, slots),
            strict=True,
        )
    ]
    new, m, v = (
        jax.tree.unflatten(shape, part) for part in zip(*moved, strict=True)
    )
    return new, (m, v)


def zeros(tree):
    return jax.tree.map(jnp.zeros_like, tree)


def cross_entropy(labels, logits):
    rows = jnp.take_along_axis(logits, labels[:, None], axis=1)[:, 0]
    return jnp.mean(jax.nn.logsumexp(logits, axis=1) - rows)


def entropy(logits):
    log_p = jax.nn.log_softmax(logits)
    return -jnp.sum(jnp.exp(log_p) * log_p, axis=1)


def make(model, unlabeled_loss, generator_loss, recipes, latent=None):
    """The step of a GAN in turns.

    Args:
        model: the `keras_ssl` model to compare with, its networks MLPs.
        unlabeled_loss: function of the logits of real and drawn images.
        generator_loss: function of `(players, discriminate, images, z, key)`,
            `players` being the trees that it is minimized over and
            `discriminate` a function of images and a key.
        recipes: of both Adams, `(rate(t), beta_1, beta_2, is_rooted)`.
        latent: function of a number to noise instead of the uniform one.

    Returns:
        `(step, state)`: `step(state, batch)` gives the next state and the
        discriminator's loss.
    """
    run, trained, frozen = discriminator(model.network)
    players = {"generator": stack(model.generator)}
    if getattr(model, "encoder", None) is not None:
        players["encoder"] = stack(model.encoder)
    size = model.generator.input_shape[-1]
    decay = model.ema_decay
    state = {
        "network": trained,
        "frozen": frozen,
        "average": jax.tree.map(jnp.copy, trained),
        "players": players,
        "network_slots": (zeros(trained), zeros(trained)),
        "players_slots": (zeros(players), zeros(players)),
        "key": jax.random.key(0),
        "t": jnp.zeros((), "float32"),
    }

    def draw(key, n):
        return latent(n) if latent else jax.random.uniform(key, (n, size))

    @functools.partial(jax.jit, donate_argnums=0)
    def step(state, batch):
        frozen, t = state["frozen"], state["t"] + 1
        key, *keys = jax.random.split(state["key"], 5)
        views = {
            name: batch[name].reshape(len(batch[name]), -1) / jnp.float32(255)
            for name in ("labeled", "unlabeled", "generator")
        }
        n_labeled, n = len(views["labeled"]), len(views["unlabeled"])
        drawn = generate(state["players"]["generator"], draw(keys[0], n))

        def network_loss(trained):
            x = jnp.concatenate([views["labeled"], views["unlabeled"], drawn])
            logits, _ = run(trained, frozen, x, keys[1])
            labeled, real, fake = jnp.split(logits, [n_labeled, n_labeled + n])
            return cross_entropy(batch["labels"], labeled) + unlabeled_loss(
                real, fake
            )

        loss, gradients = jax.value_and_grad(network_loss)(state["network"])
        rate, *rest = recipes["discriminator"]
        trained, network_slots = apply(
            state["network"], gradients, state["network_slots"], t,
            rate(t), *rest,
        )  # fmt: skip

        def players_loss(players):
            z = draw(keys[2], len(views["generator"]))
            return generator_loss(
                players,
                lambda x, key: run(trained, frozen, x, key),
                views["generator"],
                z,
                keys[3],
            )

        gradients = jax.grad(players_loss)(state["players"])
        rate, *rest = recipes["generator"]
        players, players_slots = apply(
            state["players"], gradients, state["players_slots"], t,
            rate(t), *rest,
        )  # fmt: skip
        keep = jnp.minimum(t / (9 + t), decay)
        average = jax.tree.map(
            lambda a, w: keep * a + (1 - keep) * w, state["average"], trained
        )
        return {
            "network": trained,
            "frozen": frozen,
            "average": average,
            "players": players,
            "network_slots": network_slots,
            "players_slots": players_slots,
            "key": key,
            "t": t,
        }, loss

    return step, state
