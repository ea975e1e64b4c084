"""SoftMatch: Chen et al., ICLR 2023 (arXiv 2301.10921)."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ssl.losses import align
from keras_ssl.methods.fixmatch import FixMatch
from keras_ssl.running import average


class SoftMatch(FixMatch):
    """No threshold: an unsure guess counts less, by a truncated Gaussian.

    With q = p(weak(u)), its uniform alignment q~, and m the momentum of all
    that is remembered, which is updated with the batch before it is used:

        p_model <- m p_model + (1 - m) mean q           first 1 / C
        q~ = n(q * (1 / C) / p_model)                    n: divided by its sum
        mu <- m mu + (1 - m) mean max q~                 first 1 / C
        v <- m v + (1 - m) var max q~                    unbiased; first 1
        w = exp(-min(max q~ - mu, 0)^2 / (2 v / s^2))
        L = H(y, p(weak(x))) + lambda mean_u w H(argmax q, p(strong(u)))

    The guess is that of q, without alignment.

    Deviation: mu and v are of the aligned q~, as in USB; TorchSSL takes them
    from q.

    Args:
        network: see `SSLModel`.
        momentum: m.
        deviations: s, how many standard deviations below mu the Gaussian's own
            one is; 2 in the paper.
        **kwargs: see `FixMatch`; its fixed `threshold` is not used.
    """

    def __init__(
        self,
        network: keras.Model,
        momentum: float = 0.999,
        deviations: float = 2.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(network, **kwargs)
        self.momentum = momentum
        self.deviations = deviations
        classes = network.output_shape[-1]
        uniform = np.full(classes, 1 / classes)
        self.marginal = self.remember("marginal", uniform)
        self.mean = self.remember("mean", 1 / classes)
        self.variance = self.remember("variance", 1.0)

    def mask(self, batch, q):
        m = self.momentum
        marginal = average(self.marginal, ops.mean(q, axis=0), m)
        confidence = ops.max(align(q, 1.0 / q.shape[-1], marginal), axis=-1)
        count = ops.cast(ops.size(confidence), "float32")
        unbiased = count / ops.maximum(count - 1.0, 1.0)
        mean = average(self.mean, ops.mean(confidence), m)
        spread = unbiased * ops.var(confidence)
        variance = average(self.variance, spread, m)
        below = ops.minimum(confidence - mean, 0.0)
        scale = 2.0 * variance / self.deviations**2
        return ops.exp(-ops.square(below) / scale)
