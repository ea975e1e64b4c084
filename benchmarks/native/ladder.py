"""The ladder network's training step in plain JAX, to time keras_ssl's against.

Rasmus et al., NeurIPS 2015, for dense layers: the same arithmetic, sizes, Adam
and noise as `keras_ssl.methods.Ladder` on a `LadderMLP`, with arrays and
functions alone. It serves the Gamma model too, which has the cost of its top.
"""

from typing import Any

import jax
import jax.numpy as jnp

RATE, BETA_1, BETA_2, ADAM_EPSILON = 0.002, 0.9, 0.999, 1e-8
U_EPSILON = 1e-6


def make(model: Any) -> tuple[Any, Any]:
    """A step of the same training from the same weights.

    Args:
        model: a `keras_ssl.methods.Ladder` on a chain of dense layers. Its
            weights, costs and sigma are read, nothing of it is used later.

    Returns:
        `(step, state)`: `step(state, batch)` returns the next state and the
        loss before the step, compiled, the state donated. A batch is a dict of
        uint8 images "labeled" and "unlabeled" and of int32 "labels".
    """
    sigma, costs = model.sigma, tuple(model.factors)
    norms = [level.norm for level in model.levels]
    epsilon, momentum = norms[0].epsilon, norms[0].momentum
    weights = _weights(model)
    state = {
        "weights": weights,
        "first": jax.tree.map(jnp.zeros_like, weights),
        "second": jax.tree.map(jnp.zeros_like, weights),
        "moving": [
            (_copy(norm.moving_mean), _copy(norm.moving_variance))
            for norm in norms
        ],
        "count": jnp.zeros((), jnp.float32),
        "key": jax.random.key(0),
    }

    def standardize(x, moments):
        mean, variance = moments
        return (x - mean) * jax.lax.rsqrt(variance + epsilon)

    def moments(x):
        return x.mean(axis=0), x.var(axis=0)

    def activate(z, place, w):
        h = z * w["gamma"] + w["beta"] if "gamma" in w else z + w["beta"]
        return h if place == len(costs) - 2 else jax.nn.relu(h)

    def objective(weights, batch, key):
        labeled, x = (
            batch[name].reshape(len(batch[name]), -1) / jnp.float32(255.0)
            for name in ("labeled", "unlabeled")
        )
        n, m = len(labeled), len(x)
        keys = iter(jax.random.split(key, len(costs)))

        def corrupt(z):
            return z + sigma * jax.random.normal(next(keys), z.shape)

        # rows: noisy labeled, noisy unlabeled, clean unlabeled
        h = corrupt(jnp.concatenate([labeled, x]))
        noisy, targets, statistics = [h[n:]], [x], [None]
        h = jnp.concatenate([h, x])
        for place, w in enumerate(weights["up"]):
            pre = h @ w["kernel"]
            parts = pre[:n], pre[n : n + m], pre[n + m :]
            each = [moments(part) for part in parts]
            one, two, target = map(standardize, parts, each)
            z = corrupt(jnp.concatenate([one, two]))
            noisy.append(z[n:])
            targets.append(target)
            statistics.append(each[2])
            h = activate(jnp.concatenate([z, target]), place, w)
        log_p = jax.nn.log_softmax(h[: n + m])
        supervised = -jnp.mean(
            jnp.take_along_axis(log_p[:n], batch["labels"][:, None], axis=1)
        )
        above, denoising = jnp.exp(log_p[n:]), 0.0
        lowest = next(place for place, cost in enumerate(costs) if cost)
        for place in range(len(costs) - 1, lowest - 1, -1):
            w = weights["down"][place - lowest]
            if place < len(costs) - 1:
                above = above @ w["kernel"]
            mean, variance = moments(above)
            u = (above - mean) * jax.lax.rsqrt(variance + U_EPSILON)
            above = combine(noisy[place], u, w["a"])
            guess = above
            if place:
                guess = standardize(above, statistics[place])
            error = jnp.mean(jnp.square(guess - targets[place]))
            denoising += costs[place] * error
        return supervised + denoising

    def follow(weights, moving, batch):
        """Moving statistics a step closer to those of the clean labeled."""
        h = batch["labeled"].reshape(len(batch["labeled"]), -1)
        h, new = h / jnp.float32(255.0), []
        for place, w in enumerate(weights["up"]):
            pre = h @ w["kernel"]
            now = moments(pre)
            new.append(
                tuple(
                    momentum * old + (1.0 - momentum) * value
                    for old, value in zip(moving[place], now, strict=True)
                )
            )
            h = activate(standardize(pre, now), place, w)
        return new

    def step(state, batch):
        key, draw = jax.random.split(state["key"])
        loss, gradients = jax.value_and_grad(objective)(
            state["weights"], batch, draw
        )
        count = state["count"] + 1.0
        rate = RATE * jnp.sqrt(1.0 - BETA_2**count) / (1.0 - BETA_1**count)
        first = jax.tree.map(
            lambda m, g: m + (1.0 - BETA_1) * (g - m), state["first"], gradients
        )
        second = jax.tree.map(
            lambda v, g: v + (1.0 - BETA_2) * (g * g - v),
            state["second"],
            gradients,
        )
        weights = jax.tree.map(
            lambda w, m, v: w - rate * m / (jnp.sqrt(v) + ADAM_EPSILON),
            state["weights"],
            first,
            second,
        )
        moving = follow(state["weights"], state["moving"], batch)
        return {
            "weights": weights,
            "first": first,
            "second": second,
            "moving": moving,
            "count": count,
            "key": key,
        }, loss

    return jax.jit(step, donate_argnums=0), state


def combine(z, u, a):
    """z_hat of noisy z and the signal from above; a is `(10, units)`."""
    mu = a[0] * jax.nn.sigmoid(a[1] * u + a[2]) + a[3] * u + a[4]
    v = a[5] * jax.nn.sigmoid(a[6] * u + a[7]) + a[8] * u + a[9]
    return (z - mu) * v + mu


def _weights(model: Any) -> dict[str, list[dict[str, jax.Array]]]:
    """Copies: "up" from the images, "down" from the lowest cost, both up."""
    up = []
    for level in model.levels:
        kernel = level.maps[-1].kernel
        found = {"kernel": _copy(kernel), "beta": _copy(level.norm.beta)}
        if level.norm.scale:
            found["gamma"] = _copy(level.norm.gamma)
        up.append(found)
    layers = model.decoder.layers
    a = [_copy(layer.a) for layer in layers if hasattr(layer, "a")]
    kernels = [_copy(one.kernel) for one in layers if hasattr(one, "kernel")]
    down = [{"a": a[0]}]
    for row, kernel in zip(a[1:], kernels, strict=True):
        down.append({"a": row, "kernel": kernel})
    return {"up": up, "down": down[::-1]}


def _copy(variable: Any) -> jax.Array:
    return jnp.array(variable.value)  # which copies
