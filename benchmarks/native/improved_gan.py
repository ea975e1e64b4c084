"""Improved GAN by hand in JAX: the same mathematics without Keras."""

import jax
import jax.numpy as jnp

from native import gan


def unlabeled_loss(real, drawn):
    real, drawn = (jax.nn.logsumexp(x, axis=1) for x in (real, drawn))
    return 0.5 * jnp.mean(jax.nn.softplus(-real)) + 0.5 * jnp.mean(
        jax.nn.softplus(drawn)
    )


def matching(discriminate, images, drawn, key):
    """The distance of the mean features, and the features of what is drawn."""
    keys = jax.random.split(key)
    _, real = discriminate(images, keys[0])
    _, features = discriminate(drawn, keys[1])
    gap = jnp.mean(real, axis=0) - jnp.mean(features, axis=0)
    return jnp.mean(jnp.square(gap)), features


def generator_loss(players, discriminate, images, z, key):
    drawn = gan.generate(players["generator"], z)
    return matching(discriminate, images, drawn, key)[0]


def make(model, latent=None):
    """`(step, state)` of the model's step; see `gan.make`."""
    recipe = (lambda t: 3e-3, 0.5, 0.999, True)
    recipes = {"discriminator": recipe, "generator": recipe}
    return gan.make(model, unlabeled_loss, generator_loss, recipes, latent)
