"""FlexMatch: Zhang et al., NeurIPS 2021 (arXiv 2110.08263)."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ssl.methods.fixmatch import FixMatch
from keras_ssl.running import put


class FlexMatch(FixMatch):
    """FixMatch with a threshold for each class, lower where learning is behind.

        s_i = argmax q_i once max q_i >= tau, else -1     for every example i
        sigma(c) = |{i: s_i = c}|
        beta(c) = sigma(c) / max(max_c sigma(c), |{i: s_i = -1}|)
        T(c) = tau beta(c) / (2 - beta(c))
        mask = 1[max q >= T(argmax q)]

    s is counted with the fixed tau, not with the flexible thresholds. At the
    start nothing is confident, every T is 0 and every guess is used. The counts
    of the moment come from before this batch's update, as in TorchSSL. Where a
    batch straddles two passes and holds an example twice, one of its guesses is
    remembered, and which one is the backend's choice.

    Args:
        network: see `SSLModel`.
        threshold: tau.
        unlabeled_weight: lambda_u.
        unlabeled_size: number of unlabeled examples; `fit` fills it in.
        **kwargs: see `SSLModel`.
    """

    def __init__(
        self,
        network: keras.Model,
        unlabeled_size: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(network, **kwargs)
        self.unlabeled_size: int | None = None
        if unlabeled_size is not None:
            self.build_state(unlabeled_size)

    def build_state(self, unlabeled_size: int) -> None:
        """One remembered class for each unlabeled example, at first none."""
        if self.is_new_size(unlabeled_size):
            self.unlabeled_size = unlabeled_size
            none = np.full(unlabeled_size, -1)
            self.remembered = self.remember("remembered", none, "int32")

    def thresholds(self, classes):
        """T of each class, float32 `(classes,)`."""
        counts = ops.segment_sum(
            ops.ones((self.unlabeled_size,)), self.remembered + 1, classes + 1
        )
        unseen, sigma = counts[0], counts[1:]
        beta = sigma / ops.maximum(ops.maximum(ops.max(sigma), unseen), 1.0)
        return self.threshold * beta / (2.0 - beta)

    def mask(self, batch, q):
        confidence = ops.max(q, axis=-1)
        guess = ops.cast(ops.argmax(q, axis=-1), "int32")
        threshold = ops.take(self.thresholds(q.shape[-1]), guess)
        index = batch["index"]
        before = ops.take(self.remembered, index)
        is_sure = confidence >= self.threshold
        put(self.remembered, index, ops.where(is_sure, guess, before))
        return ops.cast(confidence >= threshold, "float32")
