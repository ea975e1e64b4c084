"""Pi-model: Sajjadi et al., NeurIPS 2016; Laine & Aila, ICLR 2017."""

from typing import Any

import keras
from keras import ops

from keras_ssl.losses import cross_entropy, probabilities, squared_difference
from keras_ssl.schedules import linear_ramp
from keras_ssl.ssl_model import SSLModel


class PiModel(SSLModel):
    """Two noisy views of an image shall get the same prediction.

        L = H(y, p(x)) + w(k) mean_u ||p(a1(u)) - p(a2(u))||^2 / classes

    a1 and a2 draw augmentation and dropout independently, and gradient flows
    through both branches, as in Laine & Aila.

    Deviations: weight and ramp are those of the later benchmarks (TorchSSL:
    w = 10, rising in a straight line over the first 40 % of training) and not
    Laine & Aila's, whose weight depends on the numbers of examples. Labeled
    examples take part in the second term because they are in the unlabeled
    pool too.

    Args:
        network: see `SSLModel`.
        unlabeled_weight: w after the ramp.
        ramp: the part of training over which w rises from 0, 0 to 1.
        **kwargs: see `SSLModel`.
    """

    views = {
        "labeled": ("labeled", "weak"),
        "first": ("unlabeled", "weak"),
        "second": ("unlabeled", "weak"),
    }

    def __init__(
        self,
        network: keras.Model,
        unlabeled_weight: float = 10.0,
        ramp: float = 0.4,
        **kwargs: Any,
    ) -> None:
        super().__init__(network, **kwargs)
        self.unlabeled_weight = unlabeled_weight
        self.ramp = ramp

    def objective(self, batch):
        labeled, first, second = self.logits(
            batch["labeled"], batch["first"], batch["second"]
        )
        distance = squared_difference(
            probabilities(first), probabilities(second)
        )
        weight = self.unlabeled_weight * linear_ramp(self.progress(), self.ramp)
        return {
            "supervised": ops.mean(cross_entropy(batch["labels"], labeled)),
            "unlabeled": weight * ops.mean(distance),
        }
