"""The algebra that methods share: stateless functions of arrays.

Every function takes logits, casts them to float32 (PyTorch and TensorFlow would
otherwise compute the loss in the low precision of a mixed policy) and returns
one value per example, shape `(batch,)`; a method takes the mean, so that what
is averaged over what stands in the method.
"""

from typing import Any

from keras import ops


def log_probabilities(logits: Any) -> Any:
    """Log-softmax in float32: `(batch, classes)` to `(batch, classes)`."""
    return ops.log_softmax(ops.cast(logits, "float32"), axis=-1)


def probabilities(logits: Any) -> Any:
    """Softmax in float32: `(batch, classes)` to `(batch, classes)`."""
    return ops.softmax(ops.cast(logits, "float32"), axis=-1)


def cross_entropy(target: Any, logits: Any) -> Any:
    """H(target, softmax(logits)) of each example.

    Args:
        target: class numbers, integers of shape `(batch,)`, or probabilities of
            shape `(batch, classes)`. No gradient is stopped here.
        logits: `(batch, classes)`.

    Returns:
        float32 `(batch,)`.

    Example:

    >>> losses = cross_entropy([0, 1], [[0.0, 0.0], [0.0, 0.0]])
    >>> [round(float(loss), 4) for loss in losses]  # log 2, log 2
    [0.6931, 0.6931]
    """
    target = ops.convert_to_tensor(target)
    log_p = log_probabilities(logits)
    if len(target.shape) == 1:
        target = ops.one_hot(target, log_p.shape[-1], dtype="float32")
    return -ops.sum(target * log_p, axis=-1)


def log_sum_exp(logits: Any) -> Any:
    """log sum_c exp(l_c) of each example, float32 `(batch,)`.

    The logit of "real" against a further class whose logit is always 0.
    """
    return ops.logsumexp(ops.cast(logits, "float32"), axis=-1)


def entropy(logits: Any) -> Any:
    """H(softmax(logits)) of each example; gradient flows through both factors.

    Grandvalet & Bengio, NeurIPS 2004. float32 `(batch,)`.
    """
    log_p = log_probabilities(logits)
    return -ops.sum(ops.exp(log_p) * log_p, axis=-1)


def entropy_of_mean(logits: Any) -> Any:
    """H of the mean over examples of softmax(logits), a scalar.

    log classes where the classes are equally frequent.
    """
    mean = ops.mean(probabilities(logits), axis=0)
    return -ops.sum(mean * ops.log(mean + 1e-12))


def kl_divergence(target_logits: Any, logits: Any) -> Any:
    """KL(softmax(target_logits) || softmax(logits)) of each example.

    Args:
        target_logits: `(batch, classes)`; the caller stops its gradient.
        logits: `(batch, classes)`.

    Returns:
        float32 `(batch,)`, 0 where the two agree.
    """
    log_q, log_p = log_probabilities(target_logits), log_probabilities(logits)
    return ops.sum(ops.exp(log_q) * (log_q - log_p), axis=-1)


def squared_difference(p: Any, q: Any) -> Any:
    """Mean over classes of (p - q)^2 of two probability tables.

    Args:
        p, q: `(batch, classes)`.

    Returns:
        `(batch,)`.
    """
    return ops.mean(ops.square(p - q), axis=-1)


def pseudo_label(logits: Any) -> tuple[Any, Any]:
    """The predicted class and its probability; no gradient flows into either.

    Args:
        logits: `(batch, classes)`.

    Returns:
        `(guess, confidence)`: int32 `(batch,)` and float32 `(batch,)`.
    """
    p = ops.stop_gradient(probabilities(logits))
    return ops.cast(ops.argmax(p, axis=-1), "int32"), ops.max(p, axis=-1)


def sharpen(p: Any, temperature: float) -> Any:
    """p^(1/T), normalized: 1 leaves it, towards 0 it becomes one-hot.

    MixMatch (Berthelot et al., NeurIPS 2019), equation 7. On logarithms, so
    that a small temperature underflows nothing.

    Args:
        p: probabilities `(batch, classes)`.
        temperature: T, above 0.

    Returns:
        float32 `(batch, classes)`, rows that sum to 1.

    Example:

    >>> [round(float(x), 4) for x in sharpen([[0.8, 0.2]], 0.5)[0]]
    [0.9412, 0.0588]
    """
    p = ops.cast(p, "float32")
    return ops.softmax(ops.log(ops.maximum(p, 1e-30)) / temperature, axis=-1)


def align(p: Any, target: Any, marginal: Any) -> Any:
    """Distribution alignment: p * target / marginal, normalized.

    Moves predictions whose mean is `marginal` towards those whose mean is
    `target`. ReMixMatch (Berthelot et al., ICLR 2020), section 3.1.

    Args:
        p: probabilities `(batch, classes)`.
        target: `(classes,)`, how often each class shall be predicted.
        marginal: `(classes,)`, how often each has been.

    Returns:
        float32 `(batch, classes)`, rows that sum to 1; `p` itself where the
        two agree.
    """
    moved = ops.cast(p, "float32") * (target / ops.maximum(marginal, 1e-6))
    return moved / ops.sum(moved, axis=-1, keepdims=True)
