"""Ladder networks: Rasmus et al., NeurIPS 2015."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import keras
from keras import ops, tree

from keras_ssl import ladder_decoder, ladder_encoder
from keras_ssl.generative import Generative
from keras_ssl.losses import cross_entropy, probabilities
from keras_ssl.optimizers import ConstantThenLinear


class Ladder(Generative):
    """A decoder takes the noise out of every layer of the classifier.

        z_l = (W_l h_{l-1} - mean_l) / std_l;  z_0 = h_0 = x
        h_l = activation(gamma_l z_l + beta_l)
        z~_l = the same on a noisy path: + sigma N(0, 1) here, and on x
        u_l = BN(V_{l+1} z_hat_{l+1});  u_top = BN(p~(u))
        z_hat_l = (z~_l - mu(u_l)) v(u_l) + mu(u_l)
        C_l = mean_u ||(z_hat_l - mean_l) / std_l - z_l||^2 / width_l
        L = H(y, p~(x)) + sum_l costs_l C_l

    mean and std are of one batch: labeled and unlabeled images have their own,
    so have the two paths; C_l, of the unlabeled images, has those of the clean
    path, and z_l in it takes a gradient, as in the authors' code. mu and v are
    `ladder_decoder.Combinator`'s. Inference is the network itself, whose moving
    statistics follow the clean labeled images. `reconstruct` is z_hat_0 of the
    path without noise, if costs[0] is not 0; `encode` the layer below the top.

    Published for MNIST, 150 epochs of 600 steps, 100 labels: 1.06 +- 0.37 %
    error; 1.09 +- 0.32 % (not verified) with costs=(5000, 0, 0, 0, 0, 0, 0);
    0.99 +- 0.15 % (not verified) with the network "ladder_conv_fc". Costs for
    other numbers of labels: 2000, 20, 0.1, ... for 50, and with sigma 0.2 for
    1,000; 1000, 1, 0.01, ... for all; 2000, 0, ... for 1,000 and for all.

    Deviations: gamma z + beta, as Keras has it, not gamma (z + beta); moving
    statistics with the network's momentum, not measured anew after training.

    Args:
        network: a chain of levels, see `ladder_encoder.levels`.
        costs: of each level, from the images (level 0) to the logits. `None`:
            1000, 10, 0.1, ..., 0.1, published for 100 labels.
        sigma: standard deviation of the noise.
        ema_decay: see `SSLModel`; 0, no average, as in the paper.
        **kwargs: see `SSLModel`.

    Raises:
        ValueError: the network is no chain of levels; or costs are too many,
            too few, negative or all 0.
    """

    terms = ("supervised", "denoising")
    default_network = "ladder_mlp"

    def __init__(
        self,
        network: keras.Model,
        costs: Sequence[float] | None = None,
        sigma: float = 0.3,
        ema_decay: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(network, ema_decay=ema_decay, **kwargs)
        self.sigma = sigma
        self.levels = tuple(ladder_encoder.levels(network))
        self.costs = None if costs is None else tuple(costs)
        if (factors := self.costs) is None:
            factors = self.published_costs(len(self.levels))
        self.factors = factors
        shape = network.input_shape[1:]
        self.decoder = ladder_decoder.decoder(self.levels, shape, self.factors)
        self.rebuild = self.z_hat_0 if self.factors[0] else None

    def published_costs(self, top):
        return (1000.0, 10.0, *[0.1] * (top - 1))

    def default_optimizer(self, total_steps: int) -> keras.optimizers.Optimizer:
        rate = ConstantThenLinear(0.002, total_steps, constant=0.67)
        return keras.optimizers.Adam(rate, epsilon=1e-8)

    def noise(self, z):
        return keras.random.normal(ops.shape(z), seed=self.random)

    def corrupted(self, z):
        return z + self.sigma * self.noise(z)

    def decode(self, p, noisy, training):
        """z_hat of each level, from the lowest cost up."""
        return tree.flatten(self.decoder([p, *noisy], training=training))

    def objective(self, batch):
        x, labeled = map(self.normalize, (batch["unlabeled"], batch["labeled"]))
        h = [self.corrupted(labeled), self.corrupted(x), x]
        noisy, clean, scaled = [h[1]], [x], [lambda z_hat: z_hat]
        for level in self.levels:
            z, moments = level.normalize(*h)
            z = [self.corrupted(z[0]), self.corrupted(z[1]), z[2]]
            h = [level.activate(part) for part in z]
            noisy.append(z[1])
            clean.append(z[2])
            scaled.append(partial(level.standardize, moments=moments[2]))
        ladder_encoder.follow(self.levels, labeled)
        z_hat = self.decode(probabilities(h[1]), noisy, training=True)
        denoising = 0.0
        for place, guess in enumerate(z_hat, len(noisy) - len(z_hat)):
            error = ops.square(scaled[place](guess) - clean[place])
            denoising += self.factors[place] * ops.mean(error)
        supervised = ops.mean(cross_entropy(batch["labels"], h[0]))
        return {"supervised": supervised, "denoising": denoising}

    def z_hat_0(self, images):
        z, h = ladder_encoder.infer(self.levels, images)
        return self.decode(probabilities(h[-1]), z, training=False)[0]

    def code(self, images):
        return ladder_encoder.infer(self.levels, images)[1][-2]
