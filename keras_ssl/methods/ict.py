"""Interpolation consistency training: Verma et al., IJCAI 2019."""

from typing import Any

import keras
from keras import ops

from keras_ssl import backend
from keras_ssl.losses import cross_entropy, probabilities, squared_difference
from keras_ssl.mixing import Mixup, mix
from keras_ssl.schedules import sigmoid_ramp
from keras_ssl.ssl_model import SSLModel


class ICT(Mixup, SSLModel):
    """Between two images the prediction shall lie between theirs.

    With r ~ Beta(alpha, alpha) for each example, mix_r(a, b) = r a + (1 - r) b,
    the partner of each example the one at the other end of the batch, and the
    teacher the moving average of the student:

        L = H(mix_r(y, y'), p(mix_r(x, x')))
            + w(k) mean_u ||p(mix_r(u, u')) - mix_r(q(u), q(u'))||^2 / classes

    where q are the teacher's probabilities, without gradient.

    Deviations: q are mixed as probabilities, as the paper has it (the authors'
    code mixes logits and takes the softmax after). The optimizer is the shared
    recipe's. The ramp, exp(-5 (1 - t)^2), covers a quarter of training, which
    is the authors' 100 of 400 epochs.

    Args:
        network: see `SSLModel`.
        unlabeled_weight: w after the ramp; 100 in the authors' code.
        alpha: of the Beta distribution; 1 on CIFAR-10, 0.1 on SVHN.
        ramp: the part of training over which w rises from 0, 0 to 1.
        **kwargs: see `SSLModel`; `ema_decay` is the teacher's, not 0.

    Raises:
        ValueError: `ema_decay` is 0, which would leave no teacher.
    """

    views = {
        "labeled": ("labeled", "weak"),
        "weak": ("unlabeled", "weak"),
    }

    def __init__(
        self,
        network: keras.Model,
        unlabeled_weight: float = 100.0,
        alpha: float = 1.0,
        ramp: float = 0.25,
        **kwargs: Any,
    ) -> None:
        super().__init__(network, **kwargs)
        self.require_average()
        self.unlabeled_weight = unlabeled_weight
        self.alpha = alpha
        self.ramp = ramp

    def objective(self, batch):
        x, u = self.normalize(batch["labeled"]), self.normalize(batch["weak"])
        y = ops.one_hot(batch["labels"], self.network.output_shape[-1])
        with backend.no_grad(), self.averaged():
            (teacher,) = self.logits(u)
        q = ops.stop_gradient(probabilities(teacher))
        r, s = self.ratios(ops.shape(x)[0]), self.ratios(ops.shape(u)[0])
        labeled, unlabeled = self.logits(
            mix(x, ops.flip(x, 0), r), mix(u, ops.flip(u, 0), s)
        )
        target = mix(y, ops.flip(y, 0), r)
        distance = squared_difference(
            probabilities(unlabeled), mix(q, ops.flip(q, 0), s)
        )
        weight = self.unlabeled_weight * sigmoid_ramp(
            self.progress(), self.ramp
        )
        return {
            "supervised": ops.mean(cross_entropy(target, labeled)),
            "unlabeled": weight * ops.mean(distance),
        }
