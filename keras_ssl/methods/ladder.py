"""Ladder networks: Rasmus et al., NeurIPS 2015."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_ssl import backend, ladder_decoder, ladder_encoder
from keras_ssl.generative import Generative
from keras_ssl.losses import cross_entropy, probabilities
from keras_ssl.optimizers import ConstantThenLinear


class Ladder(Generative):
    """A decoder takes the noise out of every layer of the classifier.

        z_0 = h_0 = x;  z_l = (W_l h_{l-1} - mean_l) / std_l
        h_l = act(gamma_l z_l + beta_l)
        z~_l = the same on a second path, + sigma N(0, 1) here and on x
        u_top = BN(p~(u));  u_l = BN(V_{l+1} z_hat_{l+1})
        z_hat_l = (z~_l - mu_l(u_l)) v_l(u_l) + mu_l(u_l)
        C_l = mean_u ||(z_hat_l - mean_l) / std_l - z_l||^2 / width_l
        L = H(y, p~(x)) + sum_l costs_l C_l

    mean and std are those of a batch: of labeled and unlabeled images apart, of
    the two paths apart; in C_l, which the unlabeled images give, those of the
    clean path. z_l in C_l takes its gradient, as in the authors' code. mu and v
    are `ladder_decoder.Combinator`'s. The network itself is the classifier; its
    moving statistics follow the clean labeled images.

    Published errors on MNIST, 100 labels, 150 epochs of 600 steps: 1.06 +- 0.37
    %; 1.09 +- 0.32 % (not verified) with costs=(5000, 0, 0, 0, 0, 0, 0). Other
    numbers of labels: 2000, 20, 0.1, ... for 50, and for 1,000 with sigma=0.2;
    1000, 1, 0.01, ... for all. `LadderConv("fc")`: 0.99 +- 0.15 % (not
    verified).

    Deviations: gamma z + beta and not gamma (z + beta), as a Keras network has
    it; the network's momentum for the moving statistics, where the authors have
    a window of 10 batches and measure anew after training.

    `reconstruct` is the decoder's z_hat_0 of the clean path; there is none
    where costs[0] is 0. `encode` gives the activations below the top.

    Args:
        network: a chain of levels, see `ladder_encoder.levels`.
        costs: of each level from the image to the logits. Nothing below the
            lowest cost is decoded. `None`: 1000, 10, 0.1, 0.1, ..., which were
            published for 100 labels.
        sigma: standard deviation of the noise.
        ema_decay: see `SSLModel`; 0, no average, as in the paper.
        **kwargs: see `SSLModel`.

    Raises:
        ValueError: the network is no chain of levels; or the costs are not one
            more than its levels, are negative, or all 0.
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
        self.costs = None if costs is None else tuple(costs)
        self.sigma = sigma
        self.levels = tuple(ladder_encoder.levels(network))
        self.factors = self.costs or self.published_costs(len(self.levels))
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

    def corrupt(self, z):
        return z + self.sigma * self.noise(z)

    def objective(self, batch):
        x, labeled = self.normalize(batch["unlabeled"]), batch["labeled"]
        labeled = self.normalize(labeled)
        h = [self.corrupt(labeled), self.corrupt(x), x]
        noisy, clean, statistics = [h[1]], [x], [None]
        for level in self.levels:
            z, moments = level.normalize(*h)
            z = [self.corrupt(z[0]), self.corrupt(z[1]), z[2]]
            h = [level.activate(part) for part in z]
            noisy.append(z[1])
            clean.append(z[2])
            statistics.append(moments[2])
        with backend.no_grad():
            for level in self.levels:
                (z,), (moments,) = level.normalize(labeled)
                level.remember(moments)
                labeled = level.activate(z)
        z_hat = self.decode(probabilities(h[1]), noisy, training=True)
        costs = []
        for place, cost in enumerate(self.factors):
            if cost:
                guess = z_hat[place]
                if place:
                    level = self.levels[place - 1]
                    guess = level.standardize(guess, statistics[place])
                error = ops.square(guess - clean[place])
                costs.append(cost * ops.mean(error))
        return {
            "supervised": ops.mean(cross_entropy(batch["labels"], h[0])),
            "denoising": sum(costs),
        }

    def decode(self, top, noisy, training):
        inputs = [top, *reversed(noisy)][: len(self.decoder.inputs)]
        z_hat = self.decoder(inputs, training=training)
        places = range(len(noisy) - 1, -1, -1)
        return dict(zip(places, z_hat, strict=False))

    def z_hat_0(self, images):
        h, clean = images, [images]
        for level in self.levels:
            z, h = level.infer(h)
            clean.append(z)
        return self.decode(probabilities(h), clean, training=False)[0]

    def code(self, images):
        for level in self.levels[:-1]:
            _, images = level.infer(images)
        return images
