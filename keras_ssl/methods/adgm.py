"""Auxiliary deep generative model: Maaloe et al., ICML 2016 (1602.05473)."""

import math
from typing import Any

import keras
from keras import ops

from keras_ssl.densities import gaussian, kl_from_standard
from keras_ssl.methods.m2 import M2
from keras_ssl.networks.vae import Gaussian, Logits


class ADGM(M2):
    """M2 with an auxiliary variable a, which frees q(z|x,y) of its shape.

        -L(x, y) = log p(x|z,y) + log p(a|z,y,x) - log q(a|x)
                   - KL(q(z|x,a,y) || N(0, 1)) + log p(y)
        -U(x) = sum_y q(y|a,x) (-L(x, y) - log q(y|a,x))
        J = mean_l [L(x, y) - beta log q(y|a,x)] + mean_u U(u)
            - log N(weights; 0, 1) / N,   beta = alpha N / N_l

    a is one draw from q(a|x), z one from q(z|x,a,y) for each class. Unlike in
    M2 a labeled example of a batch weighs as much as an unlabeled one. The rate
    falls by a quarter after each fifth of the training, unless `annealed`.

    Published: 0.96 +- 0.02 % error on MNIST with 100 labels (1,000 epochs).
    Deviations: predictions take the mean of q(a|x) for a, and no average over
    draws; gradients are clipped at the norm 5, but not each to -1 to 1.

    Args:
        network: `networks.AuxiliaryClassifier`, or another with layers
            "auxiliary" and "classifier" of its kind; see `SSLModel`.
        encoder: q(z|x,a,y), a `networks.vae.Gaussian`; `None`, the default,
            here and below: made with hidden layers of 500 and 500, ReLU and
            batch normalization.
        decoder: logits of p(x|z,y), a `networks.vae.Logits`.
        auxiliary_decoder: p(a|z,y,x), a `networks.vae.Gaussian`.
        code_size: of z, where these are made.
        samples: how often each image stands in a batch, with a, z and bits of
            its own (5 in the paper, 1 in its code).
        **kwargs: see `M2`.
    """

    default_network = "auxiliary_classifier"
    given_of_x: tuple[str, ...] = ("z", "y")
    given_of_a: tuple[str, ...] = ("z", "y", "x")

    def __init__(
        self,
        network: keras.Model,
        encoder: keras.Model | None = None,
        decoder: keras.Model | None = None,
        auxiliary_decoder: keras.Model | None = None,
        code_size: int = 100,
        samples: int = 1,
        **kwargs: Any,
    ) -> None:
        (*_, a), (*_, x) = network.get_layer("classifier").input_shape
        sizes = {"x": x, "a": a, "y": network.output_shape[-1], "z": code_size}

        def made(kind, given, size):
            shape = tuple(sizes[name] for name in given)
            return kind(shape, size, (500, 500), "relu", momentum=0.99)

        encoder = encoder or made(Gaussian, "xay", code_size)
        decoder = decoder or made(Logits, self.given_of_x, x)
        super().__init__(network, encoder, decoder, code_size, **kwargs)
        self.auxiliary_decoder = auxiliary_decoder or made(
            Gaussian, self.given_of_a, a
        )
        self.samples = samples

    def default_optimizer(self, total_steps: int) -> Any:
        rate = self.rate(total_steps)
        return keras.optimizers.Adam(rate, global_clipnorm=5.0)

    def rate(self, steps: int, begin: float | None = None) -> Any:
        if self.annealed:
            return super().rate(steps, begin)
        fall = keras.optimizers.schedules.ExponentialDecay
        fifth = max(steps // 5, 1)
        return fall(begin or self.learning_rate, fifth, 0.75, staircase=True)

    def weights_of_terms(self):
        share, alpha, _ = super().weights_of_terms()
        return 1.0, alpha / share, 1.0

    def objective(self, batch):
        names = ("labeled", "unlabeled", "labels")
        batch = {k: ops.repeat(batch[k], self.samples, 0) for k in names}
        return super().objective(batch)

    def see(self, images):
        x = self.flat(self.bits(images))
        q_of_a = self.network.get_layer("auxiliary")(x, training=True)
        a = self.sample(*q_of_a)
        logits = self.network.get_layer("classifier")([a, x], training=True)
        return logits[:, 0], x, a, *q_of_a

    def bound(self, y, given):
        x, a, *q_of_a = given
        q_of_z = self.encoder([x, a, y], training=True)
        known = {"x": x, "a": a, "y": y, "z": self.sample(*q_of_z)}
        of_a = [known[name] for name in self.given_of_a]
        of_x = [known[name] for name in self.given_of_x]
        p_of_a = self.auxiliary_decoder(of_a, training=True)
        p_of_x = self.decoder(of_x, training=True)
        rest = kl_from_standard(*q_of_z) + math.log(self.classes)
        auxiliary = gaussian(a, *p_of_a) - gaussian(a, *q_of_a)
        return self.likelihood(x, p_of_x) + auxiliary - rest

    def guess(self, images):
        x = self.flat(images)
        a, _ = self.network.get_layer("auxiliary")(x)
        y = self.one_hot(ops.argmax(self.network(images), axis=-1))
        return {"a": a, "y": y, "z": self.encoder([x, a, y])[0]}

    def decode(self, hidden, seed=None):
        return self.decoder([hidden[name] for name in self.given_of_x])
