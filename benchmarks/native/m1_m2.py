"""The two training steps of `M1M2` on `CodeClassifier`, by hand in JAX.

Which of them `make` returns is the present stage of the model.
"""

import math

import jax
import jax.numpy as jnp

from native import training, vae


def first_stage(model, injected):
    trained = {
        "encoder": vae.tree(model.network.get_layer("encoder")),
        "decoder": vae.tree(model.image_decoder),
    }
    size = model.unlabeled_size

    def loss(weights, fixed, batch, draws):
        x = draws.bits(vae.flat(batch["unlabeled"]))
        bound = vae.image_bound(
            weights["encoder"], weights["decoder"], x, draws
        )
        return vae.prior(weights, size) - jnp.mean(bound)

    return vae.stepper(
        loss, trained, {}, ["encoder"], model.ema_decay, injected
    )


def second_stage(model, injected):
    trained = {
        "classifier": vae.tree(model.network.get_layer("classifier")),
        "encoder": vae.tree(model.encoder),
        "decoder": vae.tree(model.decoder),
    }
    fixed = {"encoder": vae.tree(model.network.get_layer("encoder"))}
    size, terms = model.unlabeled_size, model.weights_of_terms()
    classes = model.classes
    active = jnp.asarray(model.active())

    def likelihood(x, p):
        return vae.log_gaussian(x, *(part * active for part in p))

    def known(weights, x, labels, draws):
        q = vae.with_its_class(weights["encoder"], x, labels)
        p = vae.with_its_class(weights["decoder"], draws.sample(*q), labels)
        return likelihood(x, p) - vae.kl(*q) - math.log(classes)

    def each(weights, x, draws):
        n, shape = len(x), (len(x), classes)
        q = vae.with_every_class(weights["encoder"], x, n)
        p = vae.with_every_class(weights["decoder"], draws.sample(*q), n)
        p = [part.reshape(*shape, -1) for part in p]
        rest = vae.kl(*q).reshape(shape) + math.log(classes)
        return likelihood(x[:, None], p) - rest

    def loss(weights, fixed, batch, draws):
        n, labels = len(batch["labels"]), batch["labels"]
        images = jnp.concatenate([batch["labeled"], batch["unlabeled"]])
        q = vae.alone(fixed["encoder"], vae.flat(images))
        x = jax.lax.stop_gradient(draws.sample(*q) * active)
        logits = vae.alone(weights["classifier"], x)
        value = vae.marginal(
            terms,
            training.cross_entropy(labels, logits[:n]),
            known(weights, x[:n], labels, draws),
            logits[n:],
            each(weights, x[n:], draws),
        )
        return value + vae.prior(weights, size)

    return vae.stepper(
        loss, trained, fixed, ["classifier"], model.ema_decay, injected
    )


def make(model, **injected):
    """`(step, state)`; `injected` may hold `noise` and `uniform` of tests."""
    make_stage = first_stage if model.stage == "m1" else second_stage
    return make_stage(model, injected)
