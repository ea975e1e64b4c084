"""Dash: Xu et al., ICML 2021 (arXiv 2109.00650)."""

from typing import Any

import keras
from keras import ops

from keras_ssl.losses import cross_entropy, probabilities, sharpen
from keras_ssl.reporting import GUESSES
from keras_ssl.running import average
from keras_ssl.ssl_model import SSLModel


class Dash(SSLModel):
    """A guess is used while its loss is below a threshold that falls.

    With q = p(weak(u)), W warm-up steps on labels alone, and rho_0 the loss of
    the labeled images at their end:

        rho_t = max(C gamma^(-t) rho_0, rho_min),  t = floor((k - W) / P)
        mask = 1[-log max q <= rho_t]
        L = H(y, p(weak(x))) + lambda mean_u mask H(s, p(strong(u)))

    The target s is sharpen(q, T) until rho reaches its floor, argmax q from
    then on (as in USB). During the warm-up there is no unlabeled term.

    Deviations: rho_0 is a moving average of the batches' labeled loss over the
    warm-up, not the mean over all labeled images after it. The published
    warm-up of 2,048 steps and period of 10,240 are a part of about one million
    steps, and given here as parts of the training, so that a short one goes
    through all of it.

    Args:
        network: see `SSLModel`.
        unlabeled_weight: lambda.
        growth: C.
        decay: gamma.
        floor: rho_min.
        temperature: T.
        warm_up: W as a part of the training, 0 to 1.
        period: P as a part of the training, 0 to 1.
        **kwargs: see `SSLModel`.
    """

    views = {
        "labeled": ("labeled", "weak"),
        "weak": ("unlabeled", "weak"),
        "strong": ("unlabeled", "strong"),
    }
    monitors = GUESSES
    unlabeled_ratio = 7

    def __init__(
        self,
        network: keras.Model,
        unlabeled_weight: float = 1.0,
        growth: float = 1.0001,
        decay: float = 1.27,
        floor: float = 0.05,
        temperature: float = 0.5,
        warm_up: float = 0.002,
        period: float = 0.01,
        **kwargs: Any,
    ) -> None:
        super().__init__(network, **kwargs)
        self.unlabeled_weight = unlabeled_weight
        self.growth = growth
        self.decay = decay
        self.floor = floor
        self.temperature = temperature
        self.warm_up = warm_up
        self.period = period
        self.initial_loss = self.remember("initial_loss", 0.0)

    def ceiling(self, supervised):
        """rho_t, after this batch's loss has been noted in the warm-up."""
        done = self.progress()
        is_warming = done <= self.warm_up
        # the mean of the first losses, then a moving one
        step = ops.cast(self.step, "float32")
        momentum = ops.minimum(step / (step + 1.0), 0.9)
        before = self.initial_loss + 0.0
        after = average(self.initial_loss, supervised, momentum)
        self.initial_loss.assign(ops.where(is_warming, after, before))
        t = ops.floor((done - self.warm_up) / self.period)
        falling = self.growth * ops.power(self.decay, -ops.maximum(t, 0.0))
        return is_warming, falling * self.initial_loss

    def objective(self, batch):
        labeled, weak, strong = self.logits(
            batch["labeled"], batch["weak"], batch["strong"]
        )
        supervised = ops.mean(cross_entropy(batch["labels"], labeled))
        q = ops.stop_gradient(probabilities(weak))
        guess = ops.cast(ops.argmax(q, axis=-1), "int32")
        is_warming, rho = self.ceiling(supervised)
        least = ops.exp(-ops.maximum(rho, self.floor))
        least = ops.where(is_warming, 2.0, least)  # none is so sure
        mask = self.confident(batch, q, least)
        hard = ops.one_hot(guess, q.shape[-1])
        soft = sharpen(q, self.temperature)
        target = ops.where(rho > self.floor, soft, hard)
        unlabeled = ops.mean(mask * cross_entropy(target, strong))
        return {
            "supervised": supervised,
            "unlabeled": self.unlabeled_weight * unlabeled,
        }
