"""DASO: Oh, Kim & Kweon, CVPR 2022 (arXiv 2106.05682)."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ssl import backend
from keras_ssl.embedding import Embedding, PrototypeMemory, similarities, unit
from keras_ssl.losses import cross_entropy, probabilities
from keras_ssl.reporting import GUESSES


class DASO(Embedding):
    """FixMatch whose guesses are blended with what the images resemble.

    c_k is the mean of the last features of class k, as many for each class, by
    the averaged weights; z are features, cos their cosine:

        p = p(weak(u));  s_k = softmax_k(cos(z_weak, c_k) / T)
        v_k = m_k^(1 / T_m) / max_j m_j^(1 / T_m)
        q = (1 - v_g) p + v_g s,  g = argmax p
        L = H(y, p(x)) + mean_u 1[max q >= tau] H(argmax q, p(strong(u)))
            + lambda mean_u H(s, softmax_k(cos(z_strong, c_k) / T))

    m are the shares of the classes among argmax q of the last `period` steps:
    frequent guesses come from s, which favors the rare classes, and rare ones
    from p. q and c take no gradient. Before a part `begin` of the training
    q is p and the last term 0.

    For long-tailed data. USB, CIFAR-10-LT with 1,500 and 3,000 images in the
    largest class, ratio 100: an accuracy of 76.51 +- 0.49 %, FixMatch 76.69 +-
    0.78 %; unlabeled images in reverse order 78.07 +- 0.38, 69.95 +- 1.18 %.

    Deviations: none known but the shared recipe. T_m is the authors' where
    labeled and unlabeled images are distributed alike; 0.3 where they are not.

    Args:
        network: see `Embedding`.
        threshold: tau.
        temperature: T; of `small_cnn`, whose features are alike, better 0.01.
        share_temperature: T_m.
        alignment_weight: lambda.
        memory_size: number of features remembered of each class.
        period: steps over which guesses are counted.
        begin: the part of the training, 0 to 1, before s is used; the authors'
            5,000 of 250,000 steps.
        **kwargs: see `SSLModel`; `ema_decay` is of the weights that make c.
    """

    views = {
        "labeled": ("labeled", "weak"),
        "weak": ("unlabeled", "weak"),
        "strong": ("unlabeled", "strong"),
    }
    terms = ("supervised", "unlabeled", "alignment")
    monitors = GUESSES
    unlabeled_ratio = 2

    def __init__(
        self,
        network: keras.Model,
        threshold: float = 0.95,
        temperature: float = 0.05,
        share_temperature: float = 1.5,
        alignment_weight: float = 1.0,
        memory_size: int = 256,
        period: int = 100,
        begin: float = 0.02,
        **kwargs: Any,
    ) -> None:
        super().__init__(network, **kwargs)
        self.threshold = threshold
        self.temperature = temperature
        self.share_temperature = share_temperature
        self.alignment_weight = alignment_weight
        self.memory_size = memory_size
        self.period = period
        self.begin = begin
        classes = network.output_shape[-1]
        sizes = classes, memory_size, self.feature_size
        self.memory = PrototypeMemory(self, *sizes)
        even = np.full(classes, 1 / classes)
        self.shares = self.remember("shares", even)
        self.guessed = self.remember("guessed", np.zeros(classes))

    def count(self, q):
        """Counts guesses; the shares are renewed where a period ends."""
        hard = ops.one_hot(ops.argmax(q, axis=-1), q.shape[-1])
        counts = self.guessed + ops.sum(hard, axis=0)
        ends = ops.equal((self.step + 1) % self.period, 0)
        shares = counts / ops.sum(counts)
        self.shares.assign(ops.where(ends, shares, self.shares + 0.0))
        self.guessed.assign(ops.where(ends, 0.0, counts))

    def objective(self, batch):
        with backend.no_grad(), self.averaged():
            _, (known,) = self.embed(batch["labeled"])
        c = unit(self.memory.push(known, batch["labels"]))
        logits, features = self.embed(*(batch[name] for name in self.views))
        labeled, weak, strong = logits
        near_weak, near_strong = (
            similarities(unit(z), c, self.temperature) for z in features[1:]
        )
        p = ops.stop_gradient(probabilities(weak))
        s = ops.stop_gradient(probabilities(near_weak))
        begun = ops.cast(self.progress() >= self.begin, "float32")
        v = ops.power(self.shares, 1.0 / self.share_temperature)
        v = begun * ops.take(v / ops.max(v), ops.argmax(p, axis=-1))[:, None]
        q = (1.0 - v) * p + v * s
        self.count(q)
        mask = self.confident(batch, q, self.threshold)
        guess = ops.argmax(q, axis=-1)
        alignment = begun * ops.mean(cross_entropy(s, near_strong))
        return {
            "supervised": ops.mean(cross_entropy(batch["labels"], labeled)),
            "unlabeled": ops.mean(mask * cross_entropy(guess, strong)),
            "alignment": self.alignment_weight * alignment,
        }
