"""A training step of `M2` on `DenseClassifier`, by hand in JAX."""

import math

import jax.numpy as jnp

from native import training, vae


def classifier(network):
    return [
        {"kernel": vae.copied(x.kernel), "bias": vae.copied(x.bias)}
        for x in network.layers
        if hasattr(x, "kernel")
    ]


def classify(layers, x):
    *hidden, last = layers
    for layer in hidden:
        x = vae.softplus(vae.dense(layer, x))
    return vae.dense(last, x)


def make(model, **injected):
    """`(step, state)`; `injected` may hold `noise` and `uniform` of tests."""
    trained = {
        "network": classifier(model.network),
        "encoder": vae.tree(model.encoder),
        "decoder": vae.tree(model.decoder),
    }
    size, terms = model.unlabeled_size, model.weights_of_terms()
    log_classes = math.log(model.classes)

    def known(weights, x, labels, draws):
        q = vae.with_its_class(weights["encoder"], x, labels)
        z = draws.sample(*q)
        p = vae.with_its_class(weights["decoder"], z, labels)
        return vae.log_bernoulli(x, p) - vae.kl(*q) - log_classes

    def each(weights, x, draws):
        n, shape = len(x), (len(x), model.classes)
        q = vae.with_every_class(weights["encoder"], x, n)
        p = vae.with_every_class(weights["decoder"], draws.sample(*q), n)
        likelihood = vae.log_bernoulli(x[:, None], p.reshape(*shape, -1))
        return likelihood - vae.kl(*q).reshape(shape) - log_classes

    def loss(weights, fixed, batch, draws):
        n, labels = len(batch["labels"]), batch["labels"]
        images = jnp.concatenate([batch["labeled"], batch["unlabeled"]])
        x = draws.bits(vae.flat(images))
        logits = classify(weights["network"], x)
        value = vae.marginal(
            terms,
            training.cross_entropy(labels, logits[:n]),
            known(weights, x[:n], labels, draws),
            logits[n:],
            each(weights, x[n:], draws),
        )
        return value + vae.prior(weights, size)

    return vae.stepper(
        loss, trained, {}, ["network"], model.ema_decay, injected
    )
