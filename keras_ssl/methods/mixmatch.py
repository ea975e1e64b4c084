"""MixMatch: Berthelot et al., NeurIPS 2019 (arXiv 1905.02249)."""

from typing import Any

import keras
from keras import ops

from keras_ssl import backend
from keras_ssl.losses import (
    cross_entropy,
    probabilities,
    sharpen,
    squared_difference,
)
from keras_ssl.mixing import Mixup
from keras_ssl.reporting import GUESSES
from keras_ssl.schedules import linear_ramp
from keras_ssl.ssl_model import SSLModel


class MixMatch(Mixup, SSLModel):
    """Guesses from several views, sharpened, mixed with everything else.

    With K = 2 weak views a_k of each unlabeled image:

        q = sharpen(mean_k p(a_k(u)), T)                          (eq. 6, 7)
        W = shuffle(X, U_1, .., U_K);  X = (x, y), U_k = (a_k(u), q)
        r ~ Beta(alpha, alpha), r' = max(r, 1 - r)               (eq. 8, 9)
        (x', y'), (u', q') = r' (X, U) + (1 - r') W              (eq. 10)
        L = H(y', p(x')) + lambda(k) mean ||q' - p(u')||^2 / classes

    All views of an image share q, which comes from the present weights and
    takes no gradient; r is drawn for each example. lambda rises in a straight
    line; the paper's 75 (CIFAR-10) is reached after 16,384 of about a million
    steps.

    Deviations: the images are mixed in one batch for batch normalization, and
    the guessing pass leaves its statistics alone (in the authors' code the
    first of three interleaved parts sets them). Optimizer and average are the
    shared recipe's.

    Args:
        network: see `SSLModel`.
        temperature: T.
        alpha: of the Beta distribution.
        unlabeled_weight: lambda after the ramp.
        ramp: the part of training over which lambda rises from 0, 0 to 1.
        **kwargs: see `SSLModel`.
    """

    views = {
        "labeled": ("labeled", "weak"),
        "first": ("unlabeled", "weak"),
        "second": ("unlabeled", "weak"),
    }
    monitors = GUESSES

    def __init__(
        self,
        network: keras.Model,
        temperature: float = 0.5,
        alpha: float = 0.75,
        unlabeled_weight: float = 75.0,
        ramp: float = 0.016,
        **kwargs: Any,
    ) -> None:
        super().__init__(network, **kwargs)
        self.temperature = temperature
        self.alpha = alpha
        self.unlabeled_weight = unlabeled_weight
        self.ramp = ramp

    def objective(self, batch):
        x, *u = (self.normalize(batch[name]) for name in self.views)
        with backend.no_grad(), backend.scope():
            guesses = [probabilities(logits) for logits in self.logits(*u)]
        q = ops.stop_gradient(
            sharpen(sum(guesses) / len(guesses), self.temperature)
        )
        self.monitor_guesses(batch, q, ops.ones_like(q[:, 0]))
        y = ops.one_hot(batch["labels"], q.shape[-1])
        images, targets = ops.concatenate([x, *u]), ops.concatenate([y, q, q])
        images, targets = self.mixed(images, targets)
        (logits,) = self.logits(images)
        n = x.shape[0] or ops.shape(x)[0]
        distance = squared_difference(probabilities(logits[n:]), targets[n:])
        weight = self.unlabeled_weight * linear_ramp(self.progress(), self.ramp)
        return {
            "supervised": ops.mean(cross_entropy(targets[:n], logits[:n])),
            "unlabeled": weight * ops.mean(distance),
        }
