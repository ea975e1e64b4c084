"""Pseudo-label: D.-H. Lee, ICML 2013 workshop on representation learning."""

from typing import Any

import keras
from keras import ops

from keras_ssl.losses import cross_entropy, probabilities
from keras_ssl.reporting import GUESSES
from keras_ssl.schedules import linear_ramp
from keras_ssl.ssl_model import SSLModel


class PseudoLabel(SSLModel):
    """Trains on its own confident guesses.

        L = H(y, p(x)) + w(k) mean_u 1[max p(u) >= tau] H(argmax p(u), p(u))

    The guess comes from the same forward pass that it then trains, and examples
    below the threshold count as zero in the mean over the whole batch.

    Deviations: Lee (as quoted, not checked) takes every guess, whatever its
    confidence, and lets w rise to 3 in a straight line between two epochs.
    Here, as in the later benchmarks (google-research/fixmatch, TorchSSL), there
    is a threshold, w = 1, and the ramp covers the first 40 % of training.

    Args:
        network: see `SSLModel`.
        threshold: tau, the least probability of a guess that is used.
        unlabeled_weight: w after the ramp.
        ramp: the part of training over which w rises from 0, 0 to 1.
        **kwargs: see `SSLModel`.
    """

    views = {
        "labeled": ("labeled", "weak"),
        "weak": ("unlabeled", "weak"),
    }
    monitors = GUESSES

    def __init__(
        self,
        network: keras.Model,
        threshold: float = 0.95,
        unlabeled_weight: float = 1.0,
        ramp: float = 0.4,
        **kwargs: Any,
    ) -> None:
        super().__init__(network, **kwargs)
        self.threshold = threshold
        self.unlabeled_weight = unlabeled_weight
        self.ramp = ramp

    def objective(self, batch):
        labeled, weak = self.logits(batch["labeled"], batch["weak"])
        q = ops.stop_gradient(probabilities(weak))
        mask = self.confident(batch, q, self.threshold)
        guess = ops.argmax(q, axis=-1)
        weight = self.unlabeled_weight * linear_ramp(self.progress(), self.ramp)
        return {
            "supervised": ops.mean(cross_entropy(batch["labels"], labeled)),
            "unlabeled": weight * ops.mean(mask * cross_entropy(guess, weak)),
        }
