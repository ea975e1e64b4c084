"""Label propagation: Iscen et al., CVPR 2019 (arXiv 1904.04717)."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ssl.embedding import Embedding, Memory, unit
from keras_ssl.losses import cross_entropy
from keras_ssl.propagation import balance, propagate
from keras_ssl.running import put


class LabelPropagation(Embedding):
    """Pseudo-labels spread over a graph of features, anew before each epoch.

    With S the affinities of nearest neighbors and Y the known labels:

        F = (I - alpha S)^-1 Y;  p_i = n(max(F_i, 0))  n: divided by its sum
        w_i = 1 - H(p_i) / log C
        v_c ~ 1 / share of class c among the guesses, on average 1
        L = mean v_y H(y, p(x)) + mean_u w_u v_argmax p_u H(argmax p_u, p(u))

    Guesses are made for the examples that have been seen, so the first epoch
    learns from labels alone. The diffusion is `keras_ssl.propagation`.

    Deviations: the features are those of each example's last weak view, where
    the authors compute all anew; labeled ones are the last `memory_size`. The
    paper's 10 epochs on labels alone and Mean Teacher beside are not here.

    Args:
        network: see `Embedding`.
        neighbors: k of the graph.
        gamma: exponent of the affinities.
        alpha: how far labels spread.
        memory_size: number of labeled images in the graph.
        unlabeled_size: number of unlabeled examples; `fit` fills it in.
        **kwargs: see `SSLModel`.
    """

    views = {"labeled": ("labeled", "weak"), "weak": ("unlabeled", "weak")}

    def __init__(
        self,
        network: keras.Model,
        neighbors: int = 50,
        gamma: float = 3.0,
        alpha: float = 0.99,
        memory_size: int = 640,
        unlabeled_size: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(network, **kwargs)
        self.neighbors = neighbors
        self.gamma = gamma
        self.alpha = alpha
        self.memory_size = memory_size
        self.classes = network.output_shape[-1]
        sizes = memory_size, self.feature_size, self.classes
        self.labeled = Memory(self, *sizes)
        self.rates = self.remember("rates", np.ones(self.classes))
        self.unlabeled_size: int | None = None
        if unlabeled_size is not None:
            self.build_state(unlabeled_size)

    def build_state(self, unlabeled_size: int) -> None:
        """Features, a guess and its weight for each unlabeled example."""
        if not self.is_new_size(unlabeled_size):
            return
        self.unlabeled_size = unlabeled_size
        none = np.zeros(unlabeled_size)
        z = np.zeros((unlabeled_size, self.feature_size))
        self.z = self.remember("z", z)
        self.guess = self.remember("guess", none, "int32")
        self.weight = self.remember("weight", none)

    def refresh(self) -> None:
        """Makes new guesses."""
        z, known, known_z = (
            ops.convert_to_numpy(kept)
            for kept in (self.z, self.labeled.q, self.labeled.z)
        )
        seen, there = np.any(z != 0, axis=1), known.sum(axis=1) > 0
        if not seen.any():
            return
        labels = np.append(known[there].argmax(axis=1), np.full(seen.sum(), -1))
        guess, weight = propagate(
            np.concatenate([known_z[there], z[seen]]), labels, self.classes,
            self.neighbors, self.gamma, self.alpha,
        )  # fmt: skip
        guess, weight = guess[labels < 0], weight[labels < 0]
        self.rates.assign(balance(guess, self.classes))
        for kept, new in ((self.guess, guess), (self.weight, weight)):
            values = np.zeros(len(z), new.dtype)
            values[seen] = new
            kept.assign(values)

    def objective(self, batch):
        logits, features = self.embed(batch["labeled"], batch["weak"])
        known, z = (unit(ops.stop_gradient(x)) for x in features)
        y, index = batch["labels"], batch["index"]
        guess = ops.take(self.guess, index)
        weight = ops.take(self.weight, index) * ops.take(self.rates, guess)
        self.labeled.push(known, ops.one_hot(y, self.classes))
        put(self.z, index, z)
        rate = ops.take(self.rates, y)
        return {
            "supervised": ops.mean(rate * cross_entropy(y, logits[0])),
            "unlabeled": ops.mean(weight * cross_entropy(guess, logits[1])),
        }
