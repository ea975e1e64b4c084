"""AdaMatch: Berthelot et al., ICLR 2022 (arXiv 2106.04732)."""

import math
from typing import Any

import keras
from keras import ops

from keras_ssl import backend
from keras_ssl.losses import align, cross_entropy, probabilities
from keras_ssl.reporting import GUESSES
from keras_ssl.ssl_model import SSLModel


class AdaMatch(SSLModel):
    """Threshold and alignment from how the labeled images are predicted.

    Labeled images pass twice: Z' with the unlabeled ones, and Z'' alone,
    without an update of batch normalization; each logit of Z lies between the
    two at random. With q = softmax of the weak unlabeled logits of the joint
    pass:

        Z = r Z' + (1 - r) Z'',  r ~ U(0, 1) for each logit
        q~ = n(q * mean softmax(Z_weak) / mean q)        n: divided by its sum
        c = tau mean max softmax(Z_weak)
        mask = 1[max q~ >= c]
        mu(t) = 1/2 - cos(min(pi, 2 pi t)) / 2           t: training done
        L = H(y, Z_weak) + H(y, Z_strong)
            + mu(t) mean_u mask H(argmax q~, p(strong(u)))

    The target q~ takes no gradient. tau is the paper's 0.9 (USB: 0.95, with
    remembered marginals, without the random interpolation and mu(t)).

    Deviations: none known but the shared recipe's optimizer.

    Args:
        network: see `SSLModel`.
        threshold: tau, a part of the labeled images' confidence.
        **kwargs: see `SSLModel`.
    """

    views = {
        "labeled": ("labeled", "weak"),
        "labeled_strong": ("labeled", "strong"),
        "weak": ("unlabeled", "weak"),
        "strong": ("unlabeled", "strong"),
    }
    monitors = GUESSES
    unlabeled_ratio = 7

    def __init__(
        self, network: keras.Model, threshold: float = 0.9, **kwargs: Any
    ) -> None:
        super().__init__(network, **kwargs)
        self.threshold = threshold

    def noise(self, logits):
        """r, uniform, of the logits' shape."""
        return keras.random.uniform(ops.shape(logits), seed=self.random)

    def between(self, together, alone):
        """Logits at a random place between those of the two passes."""
        r = self.noise(together)
        return r * together + (1.0 - r) * alone

    def objective(self, batch):
        labeled = (batch["labeled"], batch["labeled_strong"])
        *together, weak, strong = self.logits(
            *labeled, batch["weak"], batch["strong"]
        )
        with backend.scope():
            alone = self.logits(*labeled)
        z_weak, z_strong = map(self.between, together, alone)
        p = ops.stop_gradient(probabilities(z_weak))
        q = ops.stop_gradient(probabilities(weak))
        q = align(q, ops.mean(p, axis=0), ops.mean(q, axis=0))
        cutoff = self.threshold * ops.mean(ops.max(p, axis=-1))
        mask = ops.cast(ops.max(q, axis=-1) >= cutoff, "float32")
        guess = ops.cast(ops.argmax(q, axis=-1), "int32")
        self.monitor_guesses(batch, q, mask)
        done = ops.minimum(2.0 * math.pi * self.progress(), math.pi)
        weight = 0.5 - 0.5 * ops.cos(done)
        labels = batch["labels"]
        return {
            "supervised": ops.mean(cross_entropy(labels, z_weak))
            + ops.mean(cross_entropy(labels, z_strong)),
            "unlabeled": weight * ops.mean(mask * cross_entropy(guess, strong)),
        }
