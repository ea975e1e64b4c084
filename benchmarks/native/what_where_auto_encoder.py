"""A training step of `WhatWhereAutoEncoder`, by hand in JAX."""

import jax
import jax.numpy as jnp

from native import training


def corners(x):
    """Its 2x2 windows as four arrays, which a gradient takes apart fast."""
    height, width = (n - n % 2 for n in x.shape[1:3])
    return [
        x[:, row:height:2, column:width:2]
        for row in (0, 1)
        for column in (0, 1)
    ]


def pooled(x):
    one, two, three, four = corners(x)
    return jnp.maximum(jnp.maximum(jnp.maximum(one, two), three), four)


def place_of_maximum(x):
    """0 to 3, the first of equal ones."""
    return jnp.argmax(jnp.stack(corners(jax.lax.stop_gradient(x))), axis=0)


def unpooled(x, place, shape):
    """Each value at its place in a window of zeros, and zeros beyond."""
    rows = [
        jnp.stack([jnp.where(place == 2 * row + c, x, 0) for c in (0, 1)], 3)
        for row in (0, 1)
    ]
    n, height, width, channels = x.shape
    x = jnp.stack(rows, 2).reshape(n, 2 * height, 2 * width, channels)
    rest = [(0, shape[i] - x.shape[i]) for i in (1, 2)]
    return jnp.pad(x, ((0, 0), *rest, (0, 0)))


def squared_distance(x, y):
    return jnp.mean(jnp.sum(jnp.square(x - y), axis=(1, 2, 3)))


def make(model):
    """`(step, state)`, for a model on `WhatWhereCNN`."""
    total, decay = model.total_steps, model.ema_decay
    of_image, of_middle = model.reconstruction_weight, model.intermediate_weight
    layers = model.network.layers
    (rate,) = (x.rate for x in layers if type(x).__name__ == "Dropout")
    parameters = {
        "network": [
            training.weights(x) for x in layers if x.trainable_variables
        ],
        "decoder": [
            training.weights(x) for x in model.decoder.layers if x.variables
        ],
    }

    def encode(layers, x, key):
        """Logits; the maps before and after each pooling."""
        *convolutions, (kernel, bias) = layers
        before, after = [], []
        for layer in convolutions:
            before.append(jax.nn.relu(training.convolve(x, layer, 1)))
            x = pooled(before[-1])
            after.append(x)
        x = x.reshape(len(x), -1)
        if rate:
            kept = jax.random.bernoulli(key, 1 - rate, x.shape)
            x = jnp.where(kept, x / (1 - rate), 0)
        return x @ kernel + bias, before, after

    def decode(layers, before, x):
        """Images, and what the maps after each pooling but the last become."""
        hidden = []
        for i, (layer, maps) in enumerate(
            zip(layers, reversed(before), strict=True)
        ):
            x = unpooled(x, place_of_maximum(maps), maps.shape)
            x = training.transposed(x, layer, 1)
            is_last = i == len(layers) - 1
            x = jax.nn.sigmoid(x) if is_last else jax.nn.relu(x)
            hidden.append(x)
        return hidden[-1], hidden[-2::-1]

    def loss(parameters, batch, key):
        labeled, images = (
            batch[name].astype(jnp.float32) / 255
            for name in ("labeled", "unlabeled")
        )
        n = len(labeled)
        both = jnp.concatenate([labeled, images])
        logits, before, after = encode(parameters["network"], both, key)
        before, after = [x[n:] for x in before], [x[n:] for x in after]
        image, hidden = decode(parameters["decoder"], before, after[-1])
        middle = sum(
            squared_distance(x, y)
            for x, y in zip(after[:-1], hidden, strict=True)
        )
        return (
            training.cross_entropy(batch["labels"], logits[:n])
            + of_image * squared_distance(images, image)
            + of_middle * middle
        )

    def step(state, batch):
        count = state["step"]
        key, draw = jax.random.split(state["key"])
        value, gradients = jax.value_and_grad(loss)(
            state["parameters"], batch, draw
        )
        pace = training.cosine(1e-3, count, total)
        new, slots = training.adam(
            state["parameters"], state["slots"], gradients, pace, count
        )
        averages = training.averaged(
            state["averages"], new["network"], count, decay
        )
        return {
            "parameters": new, "slots": slots, "averages": averages,
            "key": key, "step": count + 1.0,
        }, value  # fmt: skip

    state = {
        "parameters": parameters,
        "slots": training.adam_slots(parameters),
        "averages": jax.tree.map(jnp.copy, parameters["network"]),
        "key": jax.random.key(model.seed),
        "step": jnp.zeros(()),
    }
    return jax.jit(step, donate_argnums=0), state
