"""Mean Teacher: Tarvainen & Valpola, NeurIPS 2017."""

from typing import Any

import keras
from keras import ops

from keras_ssl import backend
from keras_ssl.losses import cross_entropy, probabilities, squared_difference
from keras_ssl.schedules import linear_ramp
from keras_ssl.ssl_model import SSLModel


class MeanTeacher(SSLModel):
    """The student follows the average of its own past.

        teacher <- alpha teacher + (1 - alpha) student
        L = H(y, p_student(x))
            + w(k) mean_u ||p_student(a1(u)) - p_teacher(a2(u))||^2 / classes

    The teacher is the moving average that every model here keeps. It sees a
    view of its own, uses batch statistics as the student does, leaves the
    running ones alone, and takes no gradient; the student's gradient is real
    (in USB it is zero: its student predictions come from a pass without one).

    Deviations: weight and ramp are those of google-research/fixmatch (w = 50,
    rising in a straight line over the first 40 % of training); the original
    has 100 * labels / examples and a sigmoid ramp over 40,000 steps. The decay
    of a young average is `schedules.warm_decay`, as for every model here; the
    original's min(alpha, 1 - 1 / (k + 1)) keeps the first steps of a short
    training in the teacher for good.

    Args:
        network: see `SSLModel`.
        unlabeled_weight: w after the ramp.
        ramp: the part of training over which w rises from 0, 0 to 1.
        **kwargs: see `SSLModel`; `ema_decay` is alpha, which may not be 0.

    Raises:
        ValueError: `ema_decay` is 0, which would leave no teacher.
    """

    views = {
        "labeled": ("labeled", "weak"),
        "student": ("unlabeled", "weak"),
        "teacher": ("unlabeled", "weak"),
    }

    def __init__(
        self,
        network: keras.Model,
        unlabeled_weight: float = 50.0,
        ramp: float = 0.4,
        **kwargs: Any,
    ) -> None:
        super().__init__(network, **kwargs)
        self.require_average()
        self.unlabeled_weight = unlabeled_weight
        self.ramp = ramp

    def objective(self, batch):
        labeled, student = self.logits(batch["labeled"], batch["student"])
        with backend.no_grad(), self.averaged():
            (teacher,) = self.logits(batch["teacher"])
        distance = squared_difference(
            probabilities(student), ops.stop_gradient(probabilities(teacher))
        )
        weight = self.unlabeled_weight * linear_ramp(self.progress(), self.ramp)
        return {
            "supervised": ops.mean(cross_entropy(batch["labels"], labeled)),
            "unlabeled": weight * ops.mean(distance),
        }
