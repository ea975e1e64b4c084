"""A training step of `M1` on `CodeClassifier`, by hand in JAX."""

import jax
import jax.numpy as jnp

from native import training, vae


def make(model, **injected):
    """`(step, state)`; `injected` may hold `noise` and `uniform` of tests."""
    encoder = model.network.get_layer("encoder")
    trained = {
        "encoder": vae.tree(encoder),
        "classifier": vae.tree(model.network.get_layer("classifier")),
        "decoder": vae.tree(model.decoder),
    }
    size = model.unlabeled_size

    def loss(weights, fixed, batch, draws):
        encoder, decoder = weights["encoder"], weights["decoder"]
        x = draws.bits(vae.flat(batch["unlabeled"]))
        bound = vae.image_bound(encoder, decoder, x, draws)
        mean, _ = vae.alone(encoder, vae.flat(batch["labeled"]))
        code = jax.lax.stop_gradient(mean)
        logits = vae.alone(weights["classifier"], code)
        error = training.cross_entropy(batch["labels"], logits)
        return error - jnp.mean(bound) + vae.prior(weights, size)

    of_network = ["encoder", "classifier"]
    return vae.stepper(loss, trained, {}, of_network, model.ema_decay, injected)
