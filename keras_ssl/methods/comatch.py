"""CoMatch: Li, Xiong & Hoi, ICCV 2021 (arXiv 2011.11183)."""

from typing import Any

import keras
from keras import ops

from keras_ssl.embedding import Embedding, Memory, head, similarities, unit
from keras_ssl.losses import align, cross_entropy, probabilities
from keras_ssl.reporting import GUESSES
from keras_ssl.running import Marginal


class CoMatch(Embedding):
    """Predictions and embeddings that correct each other.

    z are embeddings, 64 values of length 1; a memory holds those of the last
    images, weak and labeled, with their q:

        q = n(p(weak(u)) * (1 / C) / p_model)             n: divided by its sum
        q <- a q + (1 - a) softmax(z_weak . z_memory / T) q_memory
        Q_ij = q_i . q_j where that is >= S, else 0;  Q_ii = 1;  rows n(Q)
        P_ij = softmax_j(z_strong_i . z_other_j / T)
        L = H(y, p(x)) + lambda mean_u 1[max q >= tau] H(q, p(strong(u)))
            + mu mean_u H(Q_i, P_i)

    p_model is the mean prediction of the last 32 batches. q takes no gradient.
    Until the memory is full q is not smoothed by it.

    Deviations: both strong views are of one policy, as in USB; the authors'
    other one is SimCLR's. Their memory helps from the second epoch on.

    Args:
        network: see `Embedding`.
        threshold: tau.
        temperature: T.
        smoothing: a.
        graph_threshold: S.
        unlabeled_weight: lambda.
        contrast_weight: mu.
        memory_size: number of examples remembered.
        **kwargs: see `SSLModel`.
    """

    views = {
        "labeled": ("labeled", "weak"),
        "weak": ("unlabeled", "weak"),
        "strong": ("unlabeled", "strong"),
        "other": ("unlabeled", "strong"),
    }
    terms = ("supervised", "unlabeled", "contrast")
    monitors = GUESSES
    unlabeled_ratio = 7

    def __init__(
        self,
        network: keras.Model,
        threshold: float = 0.95,
        temperature: float = 0.2,
        smoothing: float = 0.9,
        graph_threshold: float = 0.8,
        unlabeled_weight: float = 1.0,
        contrast_weight: float = 1.0,
        memory_size: int = 2560,
        **kwargs: Any,
    ) -> None:
        super().__init__(network, **kwargs)
        self.threshold = threshold
        self.temperature = temperature
        self.smoothing = smoothing
        self.graph_threshold = graph_threshold
        self.unlabeled_weight = unlabeled_weight
        self.contrast_weight = contrast_weight
        self.memory_size = memory_size
        classes, size = network.output_shape[-1], self.feature_size
        self.projection = head(size, 64, hidden=size, name="projection")
        self.marginal = Marginal(self, 32)
        self.memory = Memory(self, memory_size, 64, classes)

    def guesses(self, weak, z):
        """q before the memory and after it."""
        p = ops.stop_gradient(probabilities(weak))
        q = align(p, 1.0 / p.shape[-1], self.marginal.of(p))
        smooth = self.memory.smooth(q, z, self.temperature, self.smoothing)
        return q, smooth[0]

    def contrast(self, q, strong, other):
        """H(Q_i, P_i) of each example."""
        graph = similarities(q, q, 1.0)
        graph = ops.where(graph >= self.graph_threshold, graph, 0.0)
        same = ops.eye(graph.shape[0] or ops.shape(graph)[0])
        graph = graph * (1.0 - same) + same
        graph = graph / ops.sum(graph, axis=-1, keepdims=True)
        near = similarities(strong, other, self.temperature)
        return cross_entropy(graph, near)

    def objective(self, batch):
        logits, features = self.embed(*(batch[name] for name in self.views))
        z = [unit(self.told(self.projection, x)) for x in features]
        z_known, z_weak = (ops.stop_gradient(part) for part in z[:2])
        labeled, weak, strong, _ = logits
        aligned, q = self.guesses(weak, z_weak)
        y = ops.one_hot(batch["labels"], q.shape[-1])
        self.memory.push(
            ops.concatenate([z_weak, z_known]), ops.concatenate([aligned, y])
        )
        mask = self.confident(batch, q, self.threshold)
        unlabeled = self.unlabeled_weight * mask * cross_entropy(q, strong)
        contrast = self.contrast_weight * self.contrast(q, z[2], z[3])
        return {
            "supervised": ops.mean(cross_entropy(batch["labels"], labeled)),
            "unlabeled": ops.mean(unlabeled),
            "contrast": ops.mean(contrast),
        }
