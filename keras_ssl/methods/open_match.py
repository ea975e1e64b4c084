"""OpenMatch: Saito, Kim & Saenko, NeurIPS 2021 (arXiv 2105.14148)."""

from typing import Any

import keras
from keras import ops

from keras_ssl.embedding import Embedding, head
from keras_ssl.losses import (
    cross_entropy,
    entropy,
    log_probabilities,
    probabilities,
)
from keras_ssl.reporting import GUESSES


class OpenMatch(Embedding):
    """FixMatch on the images that one detector for each class calls its own.

    Of every class c a detector on the features gives o_c = (o_c+, o_c-),
    softmax over the two: whether an image is of the class or not. With weak_1
    and weak_2 two weak views:

        L = H(y, p(x)) - mean [log o_y+(x) + min_(c != y) log o_c-(x)]
            + lambda_e mean_u mean_c H(o_c(u))
            + lambda_s mean_u sum_c ||o_c(weak_1(u)) - o_c(weak_2(u))||^2
            + mean_u 1[max q >= tau] 1[o_g+(weak_1(u)) > 1/2] H(g, p(strong(u)))

    with q = p(weak_1(u)) and g = argmax q; the entropy is of both weak views.
    The last term begins when a part `begin` of the training is done, the
    authors' 10 of 512 epochs.

    For unlabeled images of unknown classes. lambda_s is the authors' for
    CIFAR-10 and ImageNet; 1 for CIFAR-100.

    Deviations: inliers are chosen in each batch, where the authors choose them
    once for each epoch. Unverified: two unlabeled for each labeled image.

    Args:
        network: see `Embedding`.
        threshold: tau.
        entropy_weight: lambda_e.
        agreement_weight: lambda_s.
        begin: the part of the training, 0 to 1, before the last term.
        **kwargs: see `SSLModel`.
    """

    views = {
        "labeled": ("labeled", "weak"),
        "weak": ("unlabeled", "weak"),
        "other": ("unlabeled", "weak"),
        "strong": ("unlabeled", "strong"),
    }
    terms = ("supervised", "detection", "entropy", "agreement", "unlabeled")
    monitors = (*GUESSES, "inliers")
    unlabeled_ratio = 2

    def __init__(
        self,
        network: keras.Model,
        threshold: float = 0.95,
        entropy_weight: float = 0.1,
        agreement_weight: float = 0.5,
        begin: float = 0.02,
        **kwargs: Any,
    ) -> None:
        super().__init__(network, **kwargs)
        self.threshold = threshold
        self.entropy_weight = entropy_weight
        self.agreement_weight = agreement_weight
        self.begin = begin
        self.classes = network.output_shape[-1]
        self.detectors = head(
            self.feature_size, 2 * self.classes, name="detectors"
        )

    def detected(self, features):
        """Logits of the detectors, `(batch, classes, 2)`: of it, and not."""
        found = self.told(self.detectors, features)
        return ops.reshape(found, (-1, self.classes, 2))

    def detection(self, labels, found):
        """The class' own detector says yes, and of the others the worst no."""
        surprise = -log_probabilities(found)
        y = ops.one_hot(labels, self.classes)
        own = ops.sum(y * surprise[..., 0], axis=-1)
        return own + ops.max((1.0 - y) * surprise[..., 1], axis=-1)

    def objective(self, batch):
        logits, features = self.embed(*(batch[name] for name in self.views))
        labeled, weak, _, strong = logits
        found, one, other = (self.detected(x) for x in features[:3])
        distance = ops.square(probabilities(one) - probabilities(other))
        unsure = ops.mean(entropy(one)) + ops.mean(entropy(other))
        q = ops.stop_gradient(probabilities(weak))
        guess = ops.argmax(q, axis=-1)
        is_own = probabilities(ops.stop_gradient(one))[..., 0] > 0.5
        own = ops.one_hot(guess, self.classes) * ops.cast(is_own, "float32")
        inlier = ops.sum(own, axis=-1)
        self.monitor(inliers=inlier)
        mask = inlier * self.confident(batch, q, self.threshold)
        begun = ops.cast(self.progress() >= self.begin, "float32")
        guessed = ops.mean(mask * cross_entropy(guess, strong))
        agreement = ops.mean(ops.sum(distance, axis=(1, 2)))
        return {
            "supervised": ops.mean(cross_entropy(batch["labels"], labeled)),
            "detection": ops.mean(self.detection(batch["labels"], found)),
            "entropy": self.entropy_weight * 0.5 * unsure,
            "agreement": self.agreement_weight * agreement,
            "unlabeled": begun * guessed,
        }
