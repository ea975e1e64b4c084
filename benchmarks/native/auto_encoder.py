"""A training step of `AutoEncoder` on `ConvEncoder`, by hand in JAX.

And one of the first stage of `PretrainedAutoEncoder`, which has no labels.
"""

import jax
import jax.numpy as jnp

from native import training


def encode(parameters, statistics, x, momentum):
    """Logits, code and the new moving statistics."""
    moved = []
    *layers, logits = parameters["network"]
    for layer, norm, stats in zip(
        layers, parameters["norms"], statistics, strict=True
    ):
        if x.ndim == 4 and layer[0].ndim == 2:
            x = x.reshape(len(x), -1)
        if x.ndim == 4:
            x = training.convolve(x, layer, 2)
        else:
            x = x @ layer[0] + layer[1]
        x, new = training.normalized(x, [*norm, *stats], momentum)
        moved.append(new)
        x = jax.nn.relu(x)
    return x @ logits[0] + logits[1], x, moved


def decode(layers, code, shape):
    """Images of a given shape; what the doubling made too many is cut off."""
    (kernel, bias), *convolutions = layers
    x = jax.nn.relu(code @ kernel + bias)
    scale = 2 ** len(convolutions)
    rows, columns = (-(-size // scale) for size in shape[:2])
    x = x.reshape(len(x), rows, columns, -1)
    *hidden, last = convolutions
    for layer in hidden:
        x = jax.nn.relu(training.transposed(x, layer, 2))
    x = jax.nn.sigmoid(training.transposed(x, last, 2))
    return x[:, : shape[0], : shape[1]]


def make(model, noise=None):
    """The step and its first state.

    Args:
        model: an `AutoEncoder` on `networks.ConvEncoder`, compiled with
            `total_steps`.
        noise: a function of a key and an array that gives the noise. `None`:
            normal numbers.

    Returns:
        `(step, state)`; `step(state, batch)` gives `(state, loss)`.
    """
    draw = noise or (lambda key, x: jax.random.normal(key, x.shape))
    weight, std, total = (
        model.unlabeled_weight, model.noise_std, model.total_steps
    )  # fmt: skip
    if has_labels := not model.stages():
        batch_of = ("labeled", "unlabeled")
    else:
        total, batch_of = model.pretraining * total, ("unlabeled",)
    shape, decay = model.network.input_shape[1:], model.ema_decay
    norms = training.norms_of(model.network)
    momentum = norms[0].momentum
    parameters = {
        "network": [
            training.weights(x) for x in model.network.layers
            if type(x).__name__ in ("Conv2D", "Dense")
        ],
        "norms": [training.weights(x)[:2] for x in norms],
        "decoder": [
            training.weights(x) for x in model.decoder.layers if x.variables
        ],
    }  # fmt: skip
    own = "network", "norms"

    def loss(parameters, statistics, batch, key):
        seen = [batch[name].astype(jnp.float32) / 255 for name in batch_of]
        images, n = seen[-1], len(seen[-1])
        both = jnp.concatenate(seen)
        both = both + std * draw(key, both)
        logits, codes, moved = encode(parameters, statistics, both, momentum)
        error = images - decode(parameters["decoder"], codes[-n:], shape)
        squares = jnp.sum(jnp.square(error), axis=(1, 2, 3))
        value = weight * 0.5 * jnp.mean(squares)
        if has_labels:
            value += training.cross_entropy(batch["labels"], logits[:-n])
        return value, moved

    def step(state, batch):
        count = state["step"]
        key, draws = jax.random.split(state["key"])
        (value, moved), gradients = jax.value_and_grad(loss, has_aux=True)(
            state["parameters"], state["statistics"], batch, draws
        )
        rate = training.cosine(1e-3, count, total)
        new, slots = training.adam(
            state["parameters"], state["slots"], gradients, rate, count
        )
        averages = training.averaged(
            state["averages"], {k: new[k] for k in own}, count, decay
        )
        return {
            "parameters": new, "statistics": moved, "slots": slots,
            "averages": averages, "key": key, "step": count + 1,
        }, value  # fmt: skip

    state = {
        "parameters": parameters,
        "statistics": [training.weights(x)[2:] for x in norms],
        "slots": training.adam_slots(parameters),
        "averages": jax.tree.map(jnp.copy, {k: parameters[k] for k in own}),
        "key": jax.random.key(model.seed),
        "step": jnp.float32(0),
    }
    return jax.jit(step, donate_argnums=0), state
