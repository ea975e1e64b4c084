"""Meta Pseudo Labels: Pham et al., CVPR 2021 (arXiv 2003.10580)."""

from typing import Any

import keras
from keras import ops

from keras_ssl import backend, optimizers
from keras_ssl.losses import cross_entropy, probabilities
from keras_ssl.schedules import linear_ramp
from keras_ssl.ssl_model import SSLModel, parted


class MetaPseudoLabels(SSLModel):
    """A teacher that learns from how its student does on labeled images.

    In each step, t the teacher, s the student (`network`), both on their own:

        h = argmax t(strong(u))
        before = H(y, s(x));  s <- s - rate grad H(h, s(strong(u)))
        after = H(y, s(x))
        L_t = H(y, t(x)) + lambda r(k) mean_u 1[max q >= tau]
                  H(softmax(t(weak(u)) / T), t(strong(u)))
              + (after - before) H(h, t(strong(u)))

    with q = softmax(t(weak(u)) / T), without gradient, and r(k) rising in a
    straight line. The student sees labels only through the teacher; the paper
    then fine-tunes it on them, which here is another training.

    Deviations: the sign of the last factor is that of the authors' code; their
    paper's derivation has it the other way round (MPL-pytorch, issue 6). The
    student begins with the teacher and not 3,000 steps later. Label smoothing
    and dropout are the network's and the user's.

    Args:
        network: see `SSLModel`; the student.
        teacher: a built network like it. `None`, the default: one of the same
            configuration with weights of its own.
        threshold: tau.
        temperature: T.
        unlabeled_weight: lambda after the ramp.
        ramp: the part of training over which r(k) rises from 0, 0 to 1.
        **kwargs: see `SSLModel`; `ema_decay` is of the student.
    """

    views = {
        "labeled": ("labeled", "weak"),
        "weak": ("unlabeled", "weak"),
        "strong": ("unlabeled", "strong"),
    }
    terms = ("student", "supervised", "unlabeled", "feedback")
    monitors = ("mask_rate", "pseudo_label_accuracy")
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
        return {
            "student": self.network.trainable_variables,
            "teacher": self.teacher.trainable_variables,
        }

    def default_optimizer(self, total_steps):
        schedule = optimizers.SevenSixteenthsCosine(0.05, total_steps)
        return {name: optimizers.SGD(schedule) for name in self.parts()}

    def taught(self, *views):
        """The teacher's logits of several views, from one pass."""
        images = [self.normalize(view) for view in views]
        logits = self.teacher(ops.concatenate(images), training=True)
        return parted(ops.cast(logits, "float32"), views)

    def quiz(self, batch):
        """The student's loss on the labeled images; no gradient, no update."""
        with backend.no_grad(), backend.scope():
            (logits,) = self.logits(batch["labeled"])
        return ops.mean(cross_entropy(batch["labels"], logits))

    def teacher_terms(self, batch, h, feedback):
        labeled, weak, strong = self.taught(*(batch[n] for n in self.views))
        q = ops.stop_gradient(probabilities(weak / self.temperature))
        mask = ops.cast(ops.max(q, axis=-1) >= self.threshold, "float32")
        guess = ops.cast(ops.argmax(q, axis=-1), "int32")
        self.monitor_guesses(batch, guess, mask)
        weight = self.unlabeled_weight * linear_ramp(self.progress(), self.ramp)
        return {
            "supervised": ops.mean(cross_entropy(batch["labels"], labeled)),
            "unlabeled": weight * ops.mean(mask * cross_entropy(q, strong)),
            "feedback": feedback * ops.mean(cross_entropy(h, strong)),
        }

    def student_terms(self, batch, h):
        (strong,) = self.logits(batch["strong"])
        return {"student": ops.mean(cross_entropy(h, strong))}

    def update(self, batch):
        with backend.no_grad(), backend.scope():
            *_, strong = self.taught(*(batch[name] for name in self.views))
        h = ops.stop_gradient(ops.argmax(strong, axis=-1))
        before = self.quiz(batch)
        student = self.descend(lambda: self.student_terms(batch, h), "student")
        feedback = ops.stop_gradient(self.quiz(batch) - before)
        teacher = self.descend(
            lambda: self.teacher_terms(batch, h, feedback), "teacher"
        )
        return {**student, **teacher}
