"""Entropy minimization: Grandvalet & Bengio, NeurIPS 2004."""

from typing import Any

import keras
from keras import ops

from keras_ssl.losses import cross_entropy, entropy
from keras_ssl.schedules import linear_ramp
from keras_ssl.ssl_model import SSLModel


class EntropyMinimization(SSLModel):
    """Predictions on unlabeled images shall be sure of themselves.

        L = H(y, p(x)) + w(k) mean_u H(p(u))

    Gradient flows through both factors of the entropy. Alone it soon agrees on
    one class, so its weight rises slowly; it is mostly used beside another
    method (`VAT` has it built in).

    Deviations: the ramp over the first 40 % of training is that of the later
    benchmarks; w = 0.06 is google-research's, beside VAT, where the VAT
    authors have 1. The paper has no network of this kind.

    Args:
        network: see `SSLModel`.
        unlabeled_weight: w after the ramp.
        ramp: the part of training over which w rises from 0, 0 to 1.
        **kwargs: see `SSLModel`.
    """

    views = {
        "labeled": ("labeled", "weak"),
        "weak": ("unlabeled", "weak"),
    }

    def __init__(
        self,
        network: keras.Model,
        unlabeled_weight: float = 0.06,
        ramp: float = 0.4,
        **kwargs: Any,
    ) -> None:
        super().__init__(network, **kwargs)
        self.unlabeled_weight = unlabeled_weight
        self.ramp = ramp

    def objective(self, batch):
        labeled, weak = self.logits(batch["labeled"], batch["weak"])
        weight = self.unlabeled_weight * linear_ramp(self.progress(), self.ramp)
        return {
            "supervised": ops.mean(cross_entropy(batch["labels"], labeled)),
            "unlabeled": weight * ops.mean(entropy(weak)),
        }
