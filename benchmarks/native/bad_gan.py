"""BadGAN by hand in JAX: the same mathematics without Keras."""

import jax.numpy as jnp

from native import gan, improved_gan


def pull_away(features):
    norms = jnp.linalg.norm(features, axis=1, keepdims=True)
    unit = features / jnp.maximum(norms, 1e-6)
    cosines = jnp.square(unit @ unit.T)
    n = len(features)
    return (jnp.sum(cosines) - jnp.trace(cosines)) / (n * (n - 1))


def surprise(encoder, images, z):
    hidden = gan.softplus_layers(encoder["hidden"], images)
    code = gan.linear(encoder["last"], hidden)
    mu, log_sigma = jnp.split(code, 2, axis=1)
    distance = 0.5 * jnp.square((z - mu) * jnp.exp(-log_sigma))
    return jnp.mean(jnp.sum(log_sigma + distance, axis=1))


def make(model, latent=None):
    """`(step, state)` of the model's step; see `gan.make`."""

    def generator_loss(players, discriminate, images, z, key):
        drawn = gan.generate(players["generator"], z)
        matching, features = improved_gan.matching(
            discriminate, images, drawn, key
        )
        return (
            matching
            + model.pull_away_weight * pull_away(features)
            + model.variational_weight * surprise(players["encoder"], drawn, z)
        )

    def rate(first):
        total = model.total_steps
        return lambda t: first * jnp.minimum(3.0 * (1.0 - (t - 1) / total), 1.0)

    return gan.make(
        model,
        improved_gan.unlabeled_loss,
        generator_loss,
        {
            "discriminator": (rate(3e-3), 0.5, 0.9999, False),
            "generator": (rate(1e-3), 0.0, 0.9999, False),
        },
        latent,
    )
