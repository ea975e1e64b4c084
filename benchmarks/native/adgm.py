"""A training step of `ADGM` or `SDGM` on `AuxiliaryClassifier`, by hand in JAX.

As in `vae`, every class of an image is a row of its own from the first product
on that depends on it.
"""

import math

import jax
import jax.numpy as jnp

from native import training, vae


def tree(network):
    """As `vae.tree`, with the scales and centers of batch normalization."""
    norms = [training.weights(norm)[:2] for norm in training.norms_of(network)]
    return {**vae.tree(network), "norms": norms}


def statistics(network):
    return [training.weights(norm)[2:] for norm in training.norms_of(network)]


def apply(weights, moving, momentum, *given):
    """The heads, and the new moving statistics.

    Vectors are `(images or 1, classes or 1, size)`, as ours.
    """
    products = [
        x @ kernel for x, kernel in zip(given, weights["given"], strict=True)
    ]
    x = sum(products[1:], products[0] + weights["bias"])
    rows = x.shape[:2]
    x = x.reshape(-1, x.shape[-1])
    moved = []
    for place, (norm, old) in enumerate(
        zip(weights["norms"], moving, strict=True)
    ):
        if place:
            x = vae.dense(weights["hidden"][place - 1], x)
        x, new = training.normalized(x, [*norm, *old], momentum)
        x = jax.nn.relu(x)
        moved.append(new)
    heads = [vae.dense(head, x).reshape(*rows, -1) for head in weights["heads"]]
    return heads[0] if len(heads) == 1 else heads, moved


def networks_of(model):
    """Name -> Keras network; the first two are the classifier's."""
    return {
        "auxiliary": model.network.get_layer("auxiliary"),
        "classifier": model.network.get_layer("classifier"),
        "encoder": model.encoder,
        "decoder": model.decoder,
        "auxiliary_decoder": model.auxiliary_decoder,
    }


def loss_of(model):
    """`loss(weights, moving, batch, draws) -> value, moving`."""
    size, terms = model.unlabeled_size, model.weights_of_terms()
    classes, log_classes = model.classes, math.log(model.classes)
    given_of_x, given_of_a = model.given_of_x, model.given_of_a
    momentum = {
        name: training.norms_of(network)[0].momentum
        for name, network in networks_of(model).items()
    }

    def loss(weights, moving, batch, draws):
        moving = dict(moving)

        def run(name, *given):
            out, moving[name] = apply(
                weights[name], moving[name], momentum[name], *given
            )
            return out

        def bound(y, x, a, *q_of_a):
            q_of_z = run("encoder", x, a, y)
            known = {"x": x, "a": a, "y": y, "z": draws.sample(*q_of_z)}
            p_of_a = run("auxiliary_decoder", *(known[k] for k in given_of_a))
            p_of_x = run("decoder", *(known[k] for k in given_of_x))
            return (
                vae.log_bernoulli(x, p_of_x)
                + vae.log_gaussian(a, *p_of_a)
                - vae.log_gaussian(a, *q_of_a)
                - vae.kl(*q_of_z)
                - log_classes
            )

        n, labels = len(batch["labels"]), batch["labels"]
        images = jnp.concatenate([batch["labeled"], batch["unlabeled"]])
        x = draws.bits(vae.flat(images))[:, None]
        q_of_a = run("auxiliary", x)
        a = draws.sample(*q_of_a)
        logits = run("classifier", a, x)[:, 0]
        seen = x, a, *q_of_a
        y = jax.nn.one_hot(labels, classes)[:, None]
        known = bound(y, *(part[:n] for part in seen))
        each = bound(jnp.eye(classes)[None], *(part[n:] for part in seen))
        error = training.cross_entropy(labels, logits[:n])
        value = vae.marginal(terms, error, known, logits[n:], each)
        return value + vae.prior(weights, size), moving

    return loss


def clipped(gradients, most):
    """Scaled so that their common norm is `most`, where it is larger."""
    squares = [jnp.sum(jnp.square(leaf)) for leaf in jax.tree.leaves(gradients)]
    scale = most / jnp.maximum(jnp.sqrt(sum(squares)), most)
    return jax.tree.map(lambda leaf: leaf * scale, gradients)


def make(model, **injected):
    """`(step, state)`; `injected` may hold `noise` and `uniform` of tests."""
    loss, decay = loss_of(model), model.ema_decay
    fifth = max(model.total_steps // 5, 1)
    networks = networks_of(model)
    weights = {name: tree(network) for name, network in networks.items()}

    def of_classifier(weights):
        return {name: weights[name] for name in ("auxiliary", "classifier")}

    def step(state, batch):
        count = state["step"]
        key, use = jax.random.split(state["key"])
        (value, moving), gradients = jax.value_and_grad(loss, has_aux=True)(
            state["weights"], state["moving"], batch, vae.Draws(use, injected)
        )
        rate = model.learning_rate * 0.75 ** jnp.floor(count / fifth)
        weights, slots = training.adam(
            state["weights"], state["slots"], clipped(gradients, 5.0), rate,
            count,
        )  # fmt: skip
        averages = training.averaged(
            state["averages"], of_classifier(weights), count, decay
        )
        return {
            "weights": weights, "moving": moving, "slots": slots,
            "averages": averages, "key": key, "step": count + 1.0,
        }, value  # fmt: skip

    state = {
        "weights": weights,
        "moving": {n: statistics(network) for n, network in networks.items()},
        "slots": training.adam_slots(weights),
        "averages": jax.tree.map(jnp.copy, of_classifier(weights)),
        "key": jax.random.key(0),
        "step": jnp.zeros(()),
    }
    return jax.jit(step, donate_argnums=0), state
