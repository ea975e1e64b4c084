"""Virtual adversarial training: Miyato et al., TPAMI 2018."""

import math
from typing import Any

import keras
from keras import ops

from keras_ssl import backend
from keras_ssl.losses import cross_entropy, entropy, kl_divergence
from keras_ssl.schedules import linear_ramp
from keras_ssl.ssl_model import SSLModel


def unit(x):
    """Each example divided by its L2 norm; by its largest value first, so that
    tiny gradients do not vanish when they are squared.
    """
    axes = tuple(range(1, len(x.shape)))
    x = x / (1e-12 + ops.max(ops.abs(x), axis=axes, keepdims=True))
    norm = ops.sqrt(ops.sum(ops.square(x), axis=axes, keepdims=True))
    return x / (1e-6 + norm)


class VAT(SSLModel):
    """The prediction shall not change in the direction that changes it most.

        d = unit(noise);  g = d/dr KL(p(u) || p(u + r)) at r = xi d
        r_adv = eps unit(g)
        L = H(y, p(x)) + w(k) [ mean_u KL(p(u) || p(u + r_adv))
                                + v mean_u H(p(u)) ]

    p(u) in the divergence takes no gradient; the entropy term ("VAT+EntMin")
    does. One power iteration. As in the authors' code the unlabeled images pass
    the network by themselves, so that p(u) and p(u + r) share their batch
    statistics; the perturbed passes leave the running ones alone.

    Deviations: xi is 0.1 and not 1e-6, of which float32 would leave about one
    digit; eps is the authors' 8 (CIFAR-10 with augmentation) at 32x32x3 and
    scaled with the square root of the number of values in an image, so that
    the perturbation per value stays; our images span -1 to 1. The ramp over the
    first 40 % of training is that of google-research/fixmatch; so is the
    optimizer (the authors: Adam).

    Args:
        network: see `SSLModel`.
        epsilon: L2 norm of the perturbation of a normalized image; `None` is 8
            at 32x32x3, scaled to the image's size.
        xi: norm of the step from which the gradient is taken.
        unlabeled_weight: w after the ramp.
        entropy_weight: v.
        ramp: the part of training over which w rises from 0, 0 to 1.
        **kwargs: see `SSLModel`.
    """

    views = {
        "labeled": ("labeled", "weak"),
        "weak": ("unlabeled", "weak"),
    }
    terms = ("supervised", "smoothness", "entropy")

    def __init__(
        self,
        network: keras.Model,
        epsilon: float | None = None,
        xi: float = 0.1,
        unlabeled_weight: float = 1.0,
        entropy_weight: float = 1.0,
        ramp: float = 0.4,
        **kwargs: Any,
    ) -> None:
        super().__init__(network, **kwargs)
        self.epsilon = epsilon
        self.xi = xi
        self.unlabeled_weight = unlabeled_weight
        self.entropy_weight = entropy_weight
        self.ramp = ramp

    def noise(self, images):
        """Gaussian noise of the images' shape."""
        return keras.random.normal(ops.shape(images), seed=self.random)

    def perturbation(self, images, clean):
        """The worst perturbation of norm epsilon, `(batch, h, w, channels)`."""

        def divergence(r):
            (perturbed,) = self.logits(images + r)
            return ops.sum(kl_divergence(clean, perturbed))

        start = self.xi * unit(self.noise(images))
        gradient = backend.input_gradient(divergence, start)
        epsilon = self.epsilon
        if epsilon is None:
            epsilon = 8.0 * math.sqrt(math.prod(images.shape[1:]) / 3072)
        return epsilon * unit(gradient)

    def objective(self, batch):
        images = self.normalize(batch["weak"])
        (labeled,) = self.logits(batch["labeled"])
        (weak,) = self.logits(images)
        clean = ops.stop_gradient(weak)
        r = self.perturbation(images, clean)
        with backend.scope():
            (perturbed,) = self.logits(images + r)
        weight = self.unlabeled_weight * linear_ramp(self.progress(), self.ramp)
        return {
            "supervised": ops.mean(cross_entropy(batch["labels"], labeled)),
            "smoothness": weight * ops.mean(kl_divergence(clean, perturbed)),
            "entropy": weight * self.entropy_weight * ops.mean(entropy(weak)),
        }
