"""SimMatch: Zheng et al., CVPR 2022 (arXiv 2203.06915)."""

from typing import Any

import keras
from keras import ops

from keras_ssl.embedding import Embedding, Memory, head, unit
from keras_ssl.losses import align, cross_entropy, probabilities
from keras_ssl.reporting import GUESSES
from keras_ssl.running import Marginal


class SimMatch(Embedding):
    """Strong views resemble the labeled images that weak views resemble.

    z are embeddings, 128 values of length 1; a memory holds z_k and the class
    c_k of labeled images:

        p = n(p(weak(u)) * (1 / C) / p_model)          n: divided by its sum
        s_k = softmax_k(z_weak . z_k / T)
        q = a p + (1 - a) sum_k s_k onehot(c_k)
        s'_k = n_k(s_k p(c_k))
        L = H(y, p(x)) + lambda mean_u 1[max q >= tau] H(q, p(strong(u)))
            + mu mean_u H(s', softmax_k(z_strong . z_k / T))

    p_model is the mean prediction of the last 32 batches. q and s' take no
    gradient. Until the memory is full q is p and the last term is 0.

    Deviations: the memory is a queue of the last labeled images, where the
    authors' has one place for each, moved on with a momentum of 0.7, and is
    not used in the first epoch. Their queue of batches is 256 long in places.

    Args:
        network: see `Embedding`.
        threshold: tau.
        temperature: T.
        smoothing: a.
        unlabeled_weight: lambda.
        instance_weight: mu.
        memory_size: number of labeled images remembered.
        **kwargs: see `SSLModel`.
    """

    views = {
        "labeled": ("labeled", "weak"),
        "weak": ("unlabeled", "weak"),
        "strong": ("unlabeled", "strong"),
    }
    terms = ("supervised", "unlabeled", "instance")
    monitors = GUESSES
    unlabeled_ratio = 7

    def __init__(
        self,
        network: keras.Model,
        threshold: float = 0.95,
        temperature: float = 0.1,
        smoothing: float = 0.9,
        unlabeled_weight: float = 1.0,
        instance_weight: float = 1.0,
        memory_size: int = 640,
        **kwargs: Any,
    ) -> None:
        super().__init__(network, **kwargs)
        self.threshold = threshold
        self.temperature = temperature
        self.smoothing = smoothing
        self.unlabeled_weight = unlabeled_weight
        self.instance_weight = instance_weight
        self.memory_size = memory_size
        classes, size = network.output_shape[-1], self.feature_size
        self.projection = head(size, 128, hidden=size, name="projection")
        self.marginal = Marginal(self, 32)
        self.memory = Memory(self, memory_size, 128, classes)

    def guesses(self, weak, z):
        """q, and s' over the memory."""
        p = ops.stop_gradient(probabilities(weak))
        p = align(p, 1.0 / p.shape[-1], self.marginal.of(p))
        q, s = self.memory.smooth(p, z, self.temperature, self.smoothing)
        s = s * ops.matmul(p, ops.transpose(self.memory.q))
        s = s / ops.maximum(ops.sum(s, axis=-1, keepdims=True), 1e-12)
        return q, s

    def objective(self, batch):
        logits, features = self.embed(*(batch[name] for name in self.views))
        z = [unit(self.told(self.projection, x)) for x in features]
        labeled, weak, strong = logits
        q, s = self.guesses(weak, ops.stop_gradient(z[1]))
        mask = self.confident(batch, q, self.threshold)
        near = self.memory.logits(z[2], self.temperature)
        is_full = ops.cast(self.memory.is_full(), "float32")
        instance = is_full * ops.mean(cross_entropy(s, near))
        unlabeled = ops.mean(mask * cross_entropy(q, strong))
        self.memory.push(z[0], ops.one_hot(batch["labels"], q.shape[-1]))
        return {
            "supervised": ops.mean(cross_entropy(batch["labels"], labeled)),
            "unlabeled": self.unlabeled_weight * unlabeled,
            "instance": self.instance_weight * instance,
        }
