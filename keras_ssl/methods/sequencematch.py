"""SequenceMatch: Nguyen, WACV 2024 (arXiv 2310.15787)."""

from typing import Any

import keras
from keras import ops

from keras_ssl.losses import cross_entropy, kl_divergence, probabilities
from keras_ssl.methods.flexmatch import FlexMatch


class SequenceMatch(FlexMatch):
    """A medium view between the weak and the strong one; each pair agrees.

    With the mask and the guess of FlexMatch and l_w, l_m, l_s the logits of
    the three unlabeled views:

        L = H(y, p(x)) + lambda mean_u mask [ H(argmax q, p_s)
            + KL(softmax(l_w / T) || p_m) + KL(softmax(l_m / T) || p_s)
            + KL(softmax(l_w / T) || p_s) ]

    The first factor of each divergence takes no gradient. The medium policy
    draws one operation of RandAugment, the strong one three.

    Deviations: the formula is USB's, the paper was not at hand. USB takes the
    softmax of probabilities / T, which leaves targets next to uniform; taken
    for an error and not repeated: T divides logits here.

    Args:
        network: see `SSLModel`.
        temperature: T.
        **kwargs: see `FlexMatch`.
    """

    views = {
        "labeled": ("labeled", "weak"),
        "weak": ("unlabeled", "weak"),
        "medium": ("unlabeled", "medium"),
        "strong": ("unlabeled", "strong"),
    }
    terms = ("supervised", "unlabeled", "sequence")

    def __init__(
        self, network: keras.Model, temperature: float = 0.5, **kwargs: Any
    ) -> None:
        super().__init__(network, **kwargs)
        self.temperature = temperature

    def objective(self, batch):
        labeled, weak, medium, strong = self.logits(
            *(batch[name] for name in self.views)
        )
        q = ops.stop_gradient(probabilities(weak))
        guess = ops.cast(ops.argmax(q, axis=-1), "int32")
        mask = self.mask(batch, q)
        self.monitor_guesses(batch, q, mask)
        calm_weak = ops.stop_gradient(weak) / self.temperature
        calm_medium = ops.stop_gradient(medium) / self.temperature
        sequence = (
            kl_divergence(calm_weak, medium)
            + kl_divergence(calm_medium, strong)
            + kl_divergence(calm_weak, strong)
        )
        guesses = cross_entropy(guess, strong)
        weight = self.unlabeled_weight
        return {
            "supervised": ops.mean(cross_entropy(batch["labels"], labeled)),
            "unlabeled": weight * ops.mean(mask * guesses),
            "sequence": weight * ops.mean(mask * sequence),
        }
