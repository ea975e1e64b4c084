"""UDA: Xie et al., NeurIPS 2020 (arXiv 1904.12848)."""

from typing import Any

import keras
from keras import ops

from keras_ssl.losses import cross_entropy, entropy, probabilities, sharpen
from keras_ssl.reporting import GUESSES
from keras_ssl.ssl_model import SSLModel

SIGNALS = ("linear", "log", "exp", None)


class UDA(SSLModel):
    """Unsupervised data augmentation: soft, sharpened targets.

    With q = p(weak(u)) and s = sharpen(q, T):

        L = H(y, p(x)) + lambda mean_u 1[max q >= beta] KL(s || p(strong(u)))

    The mask looks at q before it is sharpened, and the mean is over the whole
    unlabeled batch. With training signal annealing a labeled example counts
    only while the model is unsure of its label, p_y(x) <= eta(t), and the mean
    is over those that count; t is the part of training done:

        eta(t) = a(t) (1 - 1 / C) + 1 / C
        a(t) = t; 1 - exp(-5 t) ("log"); exp(5 (t - 1)) ("exp")

    Deviations: the annealing is off unless asked for, as in the later
    benchmarks; the optimizer and 448 unlabeled images are those of the shared
    recipe, and augmentation is drawn afresh each time where the authors'
    code had 100 prepared copies of each image.

    Args:
        network: see `SSLModel`.
        threshold: beta, the least probability of a guess that is used.
        temperature: T of the target.
        unlabeled_weight: lambda.
        annealing: "linear", "log", "exp" or `None`, the default.
        **kwargs: see `SSLModel`.

    Raises:
        ValueError: another `annealing`.
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
        threshold: float = 0.8,
        temperature: float = 0.4,
        unlabeled_weight: float = 1.0,
        annealing: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(network, **kwargs)
        if annealing not in SIGNALS:
            raise ValueError(
                f"annealing must be one of {SIGNALS}; received {annealing!r}"
            )
        self.threshold = threshold
        self.temperature = temperature
        self.unlabeled_weight = unlabeled_weight
        self.annealing = annealing

    def ceiling(self, classes):
        """eta at this step, a scalar."""
        t = self.progress()
        if self.annealing == "log":
            t = 1.0 - ops.exp(-5.0 * t)
        elif self.annealing == "exp":
            t = ops.exp(5.0 * (t - 1.0))
        return t * (1.0 - 1.0 / classes) + 1.0 / classes

    def supervised(self, labels, logits):
        loss = cross_entropy(labels, logits)
        if self.annealing is None:
            return ops.mean(loss)
        p = ops.stop_gradient(ops.exp(-loss))
        counts = ops.cast(p <= self.ceiling(logits.shape[-1]), "float32")
        return ops.sum(counts * loss) / ops.maximum(ops.sum(counts), 1.0)

    def objective(self, batch):
        labeled, weak, strong = self.logits(
            batch["labeled"], batch["weak"], batch["strong"]
        )
        q = ops.stop_gradient(probabilities(weak))
        target = sharpen(q, self.temperature)
        mask = self.confident(batch, q, self.threshold)
        divergence = cross_entropy(target, strong) - entropy(
            ops.log(ops.maximum(target, 1e-30))
        )
        return {
            "supervised": self.supervised(batch["labels"], labeled),
            "unlabeled": self.unlabeled_weight * ops.mean(mask * divergence),
        }
