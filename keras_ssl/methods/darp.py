"""DARP: Kim et al., NeurIPS 2020 (arXiv 2007.08844)."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ssl.losses import probabilities
from keras_ssl.methods.fixmatch import FixMatch
from keras_ssl.refining import refine
from keras_ssl.running import count, put


class DARP(FixMatch):
    """FixMatch whose guesses are as frequent as the labels of each class.

    With p_i the last prediction of unlabeled image i, N_k the wanted number of
    images of class k, and n(.) divided by its sum:

        A_i = n(p_i scale 1[p_i >= cut])
        min_M sum_i w_i KL(M_i || A_i),  w_i = 1 / H(A_i)
            so that sum_k M_ik = 1 and sum_i M_ik = N_k
        M_i = n(A_i exp(-nu H(A_i)))                      nu: dual variables
        L = H(y, p(x)) + lambda mean_u 1[max M >= tau] H(argmax M, p(strong(u)))

    cut keeps the alpha N_k largest predictions of class k, scale makes their
    sum N_k. M is found by `iterations` of coordinate ascent in nu
    (`keras_ssl.refining`) over all images seen so far, before each epoch. N
    follows the labels. Before a part `begin` of the training M is p(weak(u)).

    For long-tailed data. USB, CIFAR-10-LT with 1,500 and 3,000 images in the
    largest class, ratio 100: 78.49 +- 0.49 % right, FixMatch 76.69 +- 0.78.

    Deviations: the authors solve every 10 steps; their two strong views are
    one. The classes of unlabeled images are taken to be as frequent as the
    labels seen so far; the authors estimate where they differ: pass `shares`.

    Args:
        network: see `SSLModel`.
        shares: how frequent each class is among unlabeled images, any positive
            numbers. `None`, the default: as among the labels.
        part: alpha.
        iterations: of the coordinate ascent.
        begin: the part of the training, 0 to 1, before guesses are refined.
        unlabeled_size: number of unlabeled examples; `fit` fills it in.
        **kwargs: see `FixMatch`.

    Raises:
        ValueError: not as many shares as classes, or one that is negative.
    """

    unlabeled_ratio = 2

    def __init__(
        self,
        network: keras.Model,
        shares: list[float] | None = None,
        part: float = 2.0,
        iterations: int = 10,
        begin: float = 0.4,
        unlabeled_size: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(network, **kwargs)
        self.shares = shares
        self.part = part
        self.iterations = iterations
        self.begin = begin
        self.classes = network.output_shape[-1]
        if shares is not None and (
            len(shares) != self.classes or min(shares) < 0
        ):
            raise ValueError(
                f"expected shares of {self.classes} classes, 0 or more each; "
                f"received {shares}"
            )
        self.counts = self.remember("counts", np.zeros(self.classes))
        self.unlabeled_size: int | None = None
        if unlabeled_size is not None:
            self.build_state(unlabeled_size)

    def build_state(self, unlabeled_size: int) -> None:
        """p and M of each unlabeled example, at first 0."""
        if self.is_new_size(unlabeled_size):
            self.unlabeled_size = unlabeled_size
            none = np.zeros((unlabeled_size, self.classes))
            self.predictions = self.remember("predictions", none)
            self.refined = self.remember("refined", none)

    def refresh(self) -> None:
        """Solves for M over all examples that were seen."""
        p = np.array(ops.convert_to_numpy(self.predictions))
        seen = p.sum(axis=1) > 0
        begun = ops.convert_to_numpy(self.progress()) >= self.begin
        if not (begun and seen.any()):
            return
        shares = np.array(self.shares or ops.convert_to_numpy(self.counts))
        wanted = seen.sum() * shares / shares.sum()
        p[seen] = refine(p[seen], wanted, self.part, self.iterations)
        self.refined.assign(p)

    def guesses(self, batch, weak):
        p = ops.stop_gradient(probabilities(weak))
        put(self.predictions, batch["index"], p)
        count(self.counts, batch["labels"])
        m = ops.take(self.refined, batch["index"], axis=0)
        return ops.where(ops.sum(m, axis=-1, keepdims=True) > 0, m, p)
