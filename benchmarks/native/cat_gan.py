"""CatGAN by hand in JAX: the same mathematics without Keras."""

import jax
import jax.numpy as jnp

from native import gan


def entropy_of_mean(logits):
    p = jnp.mean(jax.nn.softmax(logits), axis=0)
    return -jnp.sum(p * jnp.log(p + 1e-12))


def unlabeled_loss(real, drawn):
    sure = jnp.mean(gan.entropy(real)) - jnp.mean(gan.entropy(drawn))
    return sure - entropy_of_mean(real)


def generator_loss(players, discriminate, images, z, key):
    logits, _ = discriminate(gan.generate(players["generator"], z), key)
    return jnp.mean(gan.entropy(logits)) - entropy_of_mean(logits)


def make(model, latent=None):
    """`(step, state)` of the model's step; see `gan.make`."""
    recipe = (lambda t: 3e-3, 0.5, 0.999, True)
    recipes = {"discriminator": recipe, "generator": recipe}
    return gan.make(model, unlabeled_loss, generator_loss, recipes, latent)
