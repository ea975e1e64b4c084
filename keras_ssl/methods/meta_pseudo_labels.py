"""Meta Pseudo Labels: Pham et al., CVPR 2021 (arXiv 2003.10580)."""

from functools import partial
from typing import Any

import keras
from keras import ops

from keras_ssl import backend, optimizers
from keras_ssl.losses import cross_entropy, probabilities
from keras_ssl.reporting import GUESSES
from keras_ssl.schedules import linear_ramp
from keras_ssl.ssl_model import SSLModel, parted


class MetaPseudoLabels(SSLModel):
    """A teacher that learns from how its student does on labeled images.

    In each step, with t the teacher and s the student (`network`):

        h = argmax t(strong(u))
        before = H(y, s(x));  s <- s - rate grad H(h, s(strong(u)))
        after = H(y, s(x))
        L_t = H(y, t(x)) + (after - before) H(h, t(strong(u)))
              + lambda r(k) mean_u 1[max q >= tau] H(q, t(strong(u)))

    with q = softmax(t(weak(u)) / T), without gradient, and r(k) rising in a
    straight line. Fine-tuning on the labels afterwards is another training.

    Deviations: (after - before) has the sign of the authors' code, the paper's
    derivation the other. The student begins with the teacher.

    Args:
        network: see `SSLModel`; the student.
        teacher: a built network. `None`, the default: a fresh one like it.
        threshold: tau.
        temperature: T.
        unlabeled_weight: lambda after the ramp.
        ramp: the part of training over which r(k) rises.
        **kwargs: see `SSLModel`; `ema_decay` is of the student.
    """

    views = {
        "labeled": ("labeled", "weak"),
        "weak": ("unlabeled", "weak"),
        "strong": ("unlabeled", "strong"),
    }
    terms = ("student", "supervised", "unlabeled", "feedback")
    monitors = GUESSES
    unlabeled_ratio = 7

    def __init__(
        self,
        network: keras.Model,
        teacher: keras.Model | None = None,
        threshold: float = 0.6,
        temperature: float = 0.7,
        unlabeled_weight: float = 8.0,
        ramp: float = 0.017,
        **kwargs: Any,
    ) -> None:
        super().__init__(network, **kwargs)
        self.teacher = teacher or keras.models.clone_model(network)
        self.threshold = threshold
        self.temperature = temperature
        self.unlabeled_weight = unlabeled_weight
        self.ramp = ramp

    def parts(self):
        networks = {"student": self.network, "teacher": self.teacher}
        return {name: n.trainable_variables for name, n in networks.items()}

    def default_optimizer(self, total_steps):
        rate = optimizers.SevenSixteenthsCosine(0.05, total_steps)
        return {part: optimizers.SGD(rate) for part in self.parts()}

    def taught(self, batch):
        """The teacher's logits of all views, from one pass."""
        views = [self.normalize(batch[name]) for name in self.views]
        logits = self.teacher(ops.concatenate(views), training=True)
        return parted(ops.cast(logits, "float32"), views)

    def quiz(self, batch):
        """The student's loss on labeled images, without gradient or update."""
        with backend.no_grad(), backend.scope():
            (logits,) = self.logits(batch["labeled"])
        return ops.mean(cross_entropy(batch["labels"], logits))

    def teacher_terms(self, batch, h, feedback):
        labeled, weak, strong = self.taught(batch)
        q = ops.stop_gradient(probabilities(weak / self.temperature))
        mask = self.confident(batch, q, self.threshold)
        weight = self.unlabeled_weight * linear_ramp(self.progress(), self.ramp)
        return {
            "supervised": ops.mean(cross_entropy(batch["labels"], labeled)),
            "unlabeled": weight * ops.mean(mask * cross_entropy(q, strong)),
            "feedback": feedback * ops.mean(cross_entropy(h, strong)),
        }

    def student_terms(self, batch, h):
        (strong,) = self.logits(batch["strong"])
        return {"student": ops.mean(cross_entropy(h, strong))}

    def taught_class(self, batch):
        """h, int32 `(batch,)`; the teacher's statistics stay as they are."""
        with backend.no_grad(), backend.scope():
            *_, strong = self.taught(batch)
        return ops.cast(ops.argmax(strong, axis=-1), "int32")

    def objective(self, batch):
        """Every term at the present weights, as if the student stood still."""
        h = self.taught_class(batch)
        return self.student_terms(batch, h) | self.teacher_terms(batch, h, 0.0)

    def update(self, batch):
        h, before = self.taught_class(batch), self.quiz(batch)
        student = self.descend(partial(self.student_terms, batch, h), "student")
        feedback = ops.stop_gradient(self.quiz(batch) - before)
        teacher = partial(self.teacher_terms, batch, h, feedback)
        return student | self.descend(teacher, "teacher")
