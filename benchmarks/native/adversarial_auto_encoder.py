"""A training step of `AdversarialAutoEncoder` on dense layers, in JAX."""

import jax
import jax.numpy as jnp

from native import training

# by step: first learning rate, momentum; what it changes
DESCENT = {
    "reconstruction": (0.01, 0.9),
    "discriminators": (0.1, 0.1),
    "adversarial": (0.1, 0.1),
    "supervised": (0.1, 0.9),
}
CHANGED = {
    "reconstruction": ("network", "style", "decoder"),
    "discriminators": ("critics",),
    "adversarial": ("network", "style"),
    "supervised": ("network",),
}


def make(model, noise=None, kept=None):
    """The step and its first state.

    Args:
        model: an `AdversarialAutoEncoder` on `networks.Discriminator`,
            compiled with `total_steps`.
        noise: a function of a key and an array that gives the noise. `None`:
            normal numbers.
        kept: likewise gives 1 for values that stay, 0 for dropped ones.
            `None`: by chance.

    Returns:
        `(step, state)`; `step(state, batch)` gives `(state, loss)`, the sum of
        all terms but the discriminators'.
    """
    draw = noise or (lambda key, x: jax.random.normal(key, x.shape))
    stay, total = 1.0 - model.masking, model.total_steps
    keep = kept or (lambda key, x: jax.random.bernoulli(key, stay, x.shape))
    decay, classes = model.ema_decay, model.sizes[0]

    def encode(p, images, key):
        """Logits and code of flat images."""
        *hidden, (kernel, bias) = p["network"]
        x = images * keep(key, images) / stay
        for hidden_kernel, hidden_bias in hidden:
            x = jax.nn.relu(x @ hidden_kernel + hidden_bias)
        logits, style = x @ kernel + bias, x @ p["style"][0] + p["style"][1]
        return logits, jnp.concatenate([jax.nn.softmax(logits), style], 1)

    def judge(p, codes, sign):
        """Mean of softplus(sign D), summed over class and style."""
        parts = codes[:, :classes], codes[:, classes:]
        return sum(
            jnp.mean(jax.nn.softplus(sign * training.dense_layers(layers, x)))
            for layers, x in zip(p["critics"], parts, strict=True)
        )

    def reconstruction(p, batch, keys):
        images = batch["unlabeled"]
        _, codes = encode(p, images, keys[0])
        rebuilt = jax.nn.sigmoid(training.dense_layers(p["decoder"], codes))
        squares = jnp.sum(jnp.square(images - rebuilt), axis=1)
        return 0.5 * jnp.mean(squares)

    def discriminators(p, batch, keys):
        _, codes = encode(p, batch["unlabeled"], keys[0])
        drawn = draw(keys[1], codes)
        picked = jnp.argmax(drawn[:, :classes], axis=1)
        prior = jnp.concatenate(
            [jax.nn.one_hot(picked, classes), drawn[:, classes:]], 1
        )
        return judge(p, prior, -1) + judge(p, codes, 1)

    def adversarial(p, batch, keys):
        _, codes = encode(p, batch["unlabeled"], keys[0])
        return judge(p, codes, -1)

    def supervised(p, batch, keys):
        logits, _ = encode(p, batch["labeled"], keys[0])
        return training.cross_entropy(batch["labels"], logits)

    losses = {
        "reconstruction": reconstruction,
        "discriminators": discriminators,
        "adversarial": adversarial,
        "supervised": supervised,
    }

    def step(state, batch):
        flat = {
            name: x.reshape(len(x), -1).astype(jnp.float32) / 255
            for name, x in batch.items()
            if name in ("labeled", "unlabeled")
        }
        batch = {**flat, "labels": batch["labels"]}
        count, p, slots = state["step"], state["parameters"], {}
        fallen = (count > min(30_000, 3 * total // 4)) + (count > 600_000)
        key, *draws = jax.random.split(state["key"], 5)
        value = 0.0
        for (name, loss), draws_of in zip(losses.items(), draws, strict=True):
            changed = {k: p[k] for k in CHANGED[name]}
            keys = jax.random.split(draws_of, 2)
            term, gradients = jax.value_and_grad(
                lambda c, loss=loss, p=p, keys=keys: loss(p | c, batch, keys)
            )(changed)
            rate, momentum = DESCENT[name]
            changed, slots[name] = training.descended(
                changed, state["slots"][name], gradients,
                rate * 0.1**fallen, momentum,
            )  # fmt: skip
            p = p | changed
            value += term * (name != "discriminators")
        averages = training.averaged(
            state["averages"], p["network"], count, decay
        )
        return {
            "parameters": p, "slots": slots, "averages": averages,
            "key": key, "step": count + 1,
        }, value  # fmt: skip

    critics = training.dense_weights(model.critics)
    parameters = {
        "network": training.dense_weights(model.network),
        "style": training.weights(model.encoder.get_layer("style")),
        "decoder": training.dense_weights(model.decoder),
        "critics": [critics[0::2], critics[1::2]],  # of classes, of styles
    }
    state = {
        "parameters": parameters,
        "slots": {
            name: jax.tree.map(
                jnp.zeros_like, {k: parameters[k] for k in changed}
            )
            for name, changed in CHANGED.items()
        },
        "averages": jax.tree.map(jnp.copy, parameters["network"]),
        "key": jax.random.key(model.seed),
        "step": jnp.float32(0),
    }
    return jax.jit(step, donate_argnums=0), state
