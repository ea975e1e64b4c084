"""DeFixMatch: Schmutz et al., ICLR 2023 (arXiv 2203.07512)."""

from typing import Any

import keras
from keras import ops

from keras_ssl.losses import cross_entropy, probabilities
from keras_ssl.methods.fixmatch import FixMatch


class DeFixMatch(FixMatch):
    """FixMatch without its bias: the same term of labeled images, subtracted.

    With F(u) = 1[max q >= tau] H(argmax q, p(strong(u))), q = p(weak(u)):

        L = 1/2 [H(y, p(weak(x))) + H(y, p(strong(x)))]
            + lambda (mean_u F(u) - mean_x F(x))

    where F(x) takes the labeled images as if they had no label. In
    expectation the last two cancel, so the loss is that of the labeled images,
    with less variance.

    Deviation: lambda = 0.5 is USB's.

    Args:
        network: see `SSLModel`.
        unlabeled_weight: lambda.
        **kwargs: see `FixMatch`.
    """

    views = {
        "labeled": ("labeled", "weak"),
        "labeled_strong": ("labeled", "strong"),
        "weak": ("unlabeled", "weak"),
        "strong": ("unlabeled", "strong"),
    }
    terms = ("supervised", "unlabeled", "debiasing")

    def __init__(
        self,
        network: keras.Model,
        unlabeled_weight: float = 0.5,
        **kwargs: Any,
    ) -> None:
        super().__init__(network, unlabeled_weight=unlabeled_weight, **kwargs)

    def consistency(self, weak, strong):
        """F: q, the mask and the mean of the masked loss."""
        q = ops.stop_gradient(probabilities(weak))
        mask = ops.cast(ops.max(q, axis=-1) >= self.threshold, "float32")
        loss = cross_entropy(ops.argmax(q, axis=-1), strong)
        return q, mask, ops.mean(mask * loss)

    def objective(self, batch):
        labeled, labeled_strong, weak, strong = self.logits(
            *(batch[name] for name in self.views)
        )
        q, mask, unlabeled = self.consistency(weak, strong)
        *_, debiasing = self.consistency(labeled, labeled_strong)
        self.monitor_guesses(batch, q, mask)
        labels = batch["labels"]
        supervised = ops.mean(cross_entropy(labels, labeled))
        supervised += ops.mean(cross_entropy(labels, labeled_strong))
        return {
            "supervised": supervised / 2,
            "unlabeled": self.unlabeled_weight * unlabeled,
            "debiasing": -self.unlabeled_weight * debiasing,
        }
