"""Temporal ensembling: Laine & Aila, ICLR 2017 (arXiv 1610.02242)."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ssl.losses import cross_entropy, probabilities, squared_difference
from keras_ssl.running import put
from keras_ssl.schedules import sigmoid_ramp
from keras_ssl.ssl_model import SSLModel


class TemporalEnsembling(SSLModel):
    """A prediction shall agree with the average of its own past.

    Of every unlabeled example i the method remembers an average Z_i of its
    predictions and how often it was seen, t_i:

        z_i = Z_i / (1 - alpha^t_i)
        L = H(y, p(x)) + w(k) mean_u 1[t_i > 0] ||p(u_i) - z_i||^2 / classes
        Z_i <- alpha Z_i + (1 - alpha) p(u_i);  t_i <- t_i + 1

    z takes no gradient; an example that is seen for the first time has no past
    and counts as zero. w rises as exp(-5 (1 - t)^2) over the first `ramp` of
    training.

    Deviations: the average moves on with each visit of an example and is
    corrected by its own number of visits, where the paper does both once per
    epoch: the same, since every pass shows every example once. w is given as
    it is; the paper's is 30 * labeled / all examples. The ramp is that part of
    training which 80 of 300 epochs are. The optimizer is the shared recipe's
    (the authors: Adam). Labeled examples take part in the second term because
    they are in the unlabeled pool too.

    Args:
        network: see `SSLModel`.
        unlabeled_weight: w after the ramp.
        momentum: alpha.
        ramp: the part of training over which w rises from 0, 0 to 1.
        unlabeled_size: number of unlabeled examples; `fit` fills it in.
        **kwargs: see `SSLModel`.
    """

    views = {
        "labeled": ("labeled", "weak"),
        "weak": ("unlabeled", "weak"),
    }

    def __init__(
        self,
        network: keras.Model,
        unlabeled_weight: float = 10.0,
        momentum: float = 0.6,
        ramp: float = 0.27,
        unlabeled_size: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(network, **kwargs)
        self.unlabeled_weight = unlabeled_weight
        self.momentum = momentum
        self.ramp = ramp
        self.unlabeled_size: int | None = None
        if unlabeled_size is not None:
            self.build_state(unlabeled_size)

    def build_state(self, unlabeled_size: int) -> None:
        """An average and a count for each unlabeled example, at first 0."""
        if not self.is_new_size(unlabeled_size):
            return
        self.unlabeled_size = unlabeled_size
        classes = self.network.output_shape[-1]
        past = np.zeros((unlabeled_size, classes))
        self.past = self.remember("past", past)
        self.visits = self.remember("visits", np.zeros(unlabeled_size))

    def objective(self, batch):
        labeled, weak = self.logits(batch["labeled"], batch["weak"])
        p, index, alpha = probabilities(weak), batch["index"], self.momentum
        past, visits = (
            ops.take(kept, index, axis=0) for kept in (self.past, self.visits)
        )
        seen = ops.cast(visits > 0, "float32")
        correction = ops.maximum(1.0 - ops.power(alpha, visits), 1e-6)
        distance = squared_difference(p, past / correction[:, None])
        new = alpha * past + (1.0 - alpha) * ops.stop_gradient(p)
        put(self.past, index, new)
        put(self.visits, index, visits + 1.0)
        weight = self.unlabeled_weight * sigmoid_ramp(
            self.progress(), self.ramp
        )
        return {
            "supervised": ops.mean(cross_entropy(batch["labels"], labeled)),
            "unlabeled": weight * ops.mean(seen * distance),
        }
