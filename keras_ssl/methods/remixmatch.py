"""ReMixMatch: Berthelot et al., ICLR 2020 (arXiv 1911.09785)."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ssl import backend
from keras_ssl.embedding import Embedding, head
from keras_ssl.losses import align, cross_entropy, probabilities, sharpen
from keras_ssl.mixing import Mixup
from keras_ssl.reporting import GUESSES
from keras_ssl.running import Marginal, average
from keras_ssl.schedules import linear_ramp


class ReMixMatch(Mixup, Embedding):
    """MixMatch with aligned guesses, strong views and rotations to tell.

        q = sharpen(n(p(weak(u)) * p_data / p_model), T)   n: divided by its sum
        mixup of all of X = (x, y), U_0 = (weak(u), q), U_k = (strong_k(u), q)
        L = H(mixed y, p(mixed x)) + lambda r(k) H(mixed q, p(mixed u))
            + w r(k) H(q, p(strong_1(u))) + w H(turns, p_turns(rotated(u)))

    p_model is the mean prediction of the last 128 batches, p_data a moving
    average of the labels; r' = max(r, 1 - r) with r ~ Beta(alpha, alpha) for
    each example; r(k) rises in a straight line; the turns, 0 to 3 right angles,
    are told by a linear layer on the features.

    Deviations: two strong views as in USB, where the paper has eight and
    CTAugment; labeled images are augmented weakly, as in USB. One batch for
    batch normalization, and the guessing pass leaves its statistics alone. The
    rotated view is a strong view of its own.

    Args:
        network: see `Embedding`.
        temperature: T.
        alpha: of the Beta distribution.
        unlabeled_weight: lambda after the ramp.
        further_weight: w, of the strong view without mixing and of the turns.
        ramp: the part of training over which r(k) rises from 0, 0 to 1.
        **kwargs: see `SSLModel`.
    """

    views = {
        "labeled": ("labeled", "weak"),
        "weak": ("unlabeled", "weak"),
        "strong": ("unlabeled", "strong"),
        "other": ("unlabeled", "strong"),
        "rotated": ("unlabeled", "rotated"),
    }
    terms = ("supervised", "unlabeled", "strong", "rotation")
    monitors = GUESSES

    def __init__(
        self,
        network: keras.Model,
        temperature: float = 0.5,
        alpha: float = 0.75,
        unlabeled_weight: float = 1.5,
        further_weight: float = 0.5,
        ramp: float = 0.016,
        **kwargs: Any,
    ) -> None:
        super().__init__(network, **kwargs)
        self.temperature = temperature
        self.alpha = alpha
        self.unlabeled_weight = unlabeled_weight
        self.further_weight = further_weight
        self.ramp = ramp
        classes = network.output_shape[-1]
        self.marginal = Marginal(self, 128)
        even = np.full(classes, 1 / classes)
        self.labeled_marginal = self.remember("labeled_marginal", even)
        self.turns = head(self.feature_size, 4, name="turns")

    def guesses(self, weak, y):
        """q of the weak views, `(batch, classes)`."""
        with backend.no_grad(), backend.scope():
            (logits,) = self.logits(weak)
        p = ops.stop_gradient(probabilities(logits))
        data = average(self.labeled_marginal, ops.mean(y, axis=0), 0.999)
        q = align(p, data, self.marginal.of(p))
        return sharpen(q, self.temperature)

    def objective(self, batch):
        *images, rotated = (self.normalize(batch[name]) for name in self.views)
        y = ops.one_hot(batch["labels"], self.network.output_shape[-1])
        q = self.guesses(images[1], y)
        self.monitor_guesses(batch, q, ops.ones_like(q[:, 0]))
        x, targets = self.mixed(
            ops.concatenate(images), ops.concatenate([y, q, q, q])
        )
        logits, features = self.embed(x, images[2], rotated)
        n = y.shape[0] or ops.shape(y)[0]
        mixed = cross_entropy(targets, logits[0])
        turned = self.told(self.turns, features[2])
        rise = linear_ramp(self.progress(), self.ramp)
        weight = self.further_weight
        strong = ops.mean(cross_entropy(q, logits[1]))
        rotation = ops.mean(cross_entropy(batch["turns/rotated"], turned))
        return {
            "supervised": ops.mean(mixed[:n]),
            "unlabeled": self.unlabeled_weight * rise * ops.mean(mixed[n:]),
            "strong": weight * rise * strong,
            "rotation": weight * rotation,
        }
