"""M1+M2: Kingma, Mohamed, Rezende & Welling, NeurIPS 2014 (arXiv 1406.5298)."""

from typing import Any

import keras
from keras import ops

from keras_ssl.densities import gaussian
from keras_ssl.methods.m2 import M2
from keras_ssl.networks.vae import Gaussian, Logits


class M1M2(M2):
    """First M1, a variational autoencoder of images; then M2 of its code.

        J_1(u) = KL(q(x|u) || N(0, 1)) - log p(u|x)     while the stage is "m1"
        J_2 = J of M2 with x ~ q(x|u), p(x|y,z) Gaussian          then, in "m2"

    In the second stage x is drawn anew in every step and M1 learns no more. Of
    the code those features take part whose mean varies over the images, by a
    standard deviation above 0.1; the others are 0, their likelihood constant.
    Predictions are q(y|x) at the mean of q(x|u).

    Published: 3.33 +- 0.14 % error on MNIST with 100 labels, 3,000 passes over
    50,000 images in stage "m2", 1 labeled and 499 unlabeled ones in a batch.

    Args:
        network: `networks.CodeClassifier`, or another with layers "encoder",
            q(x|u), and "classifier", q(y|x), of its kind; see `SSLModel`.
        encoder: q(z|x,y), a `networks.vae.Gaussian`; `None`, the default: of
            one hidden layer of 300, first weights N(0, 0.001).
        decoder: p(x|y,z), of the same kind; `None`, the default: likewise.
        image_decoder: p(u|x), `networks.vae.Logits`; `None`: (500, 500) wide.
        code_size: of z, where they are made.
        m1_part: the part of the training that is stage "m1".
        m1_rate: its learning rate. `None`, the default: `learning_rate`.
        **kwargs: see `M2`.
    """

    monitors = ("active",)
    default_network = "code_classifier"

    def __init__(
        self,
        network: keras.Model,
        encoder: keras.Model | None = None,
        decoder: keras.Model | None = None,
        image_decoder: keras.Model | None = None,
        code_size: int = 50,
        m1_part: float = 0.2,
        m1_rate: float | None = None,
        **kwargs: Any,
    ) -> None:
        _, _, x = network.get_layer("encoder").output_shape[0]
        y = network.output_shape[-1]
        encoder = encoder or Gaussian((x, y), code_size, (300,), scale=1e-3)
        decoder = decoder or Gaussian((code_size, y), x, (300,), scale=1e-3)
        super().__init__(network, encoder, decoder, code_size, **kwargs)
        size = self.image_size
        self.image_decoder = image_decoder or Logits((x,), size, (500, 500))
        self.m1_part, self.m1_rate = m1_part, m1_rate
        self.spread = self.add_weight((x,), "ones", trainable=False)

    def stages(self):
        return {"m1": self.m1_part, "m2": 1.0}

    def parts(self):
        m1 = [self.network.get_layer("encoder"), self.image_decoder]
        m2 = [self.network.get_layer("classifier"), self.encoder, self.decoder]
        return {
            name: [v for model in models for v in model.trainable_variables]
            for name, models in (("m1", m1), ("m2", m2))
        }

    def default_optimizer(self, total_steps: int) -> Any:
        m1 = round(self.m1_part * total_steps)
        rest = total_steps - m1
        return {"m1": self.adam(m1, self.m1_rate), "m2": self.adam(rest)}

    def update(self, batch):
        self.monitor(active=ops.sum(self.active()))
        return self.descend(lambda: self.objective(batch), self.stage)

    def objective(self, batch):
        if self.stage == "m2":
            return super().objective(batch)
        encoder = self.network.get_layer("encoder")
        bits = self.bits(batch["unlabeled"])
        bound, mean = self.image_bound(bits, encoder, self.image_decoder)
        spread = ops.stop_gradient(ops.std(mean[:, 0], axis=0))
        self.spread.assign(0.99 * self.spread + 0.01 * spread)
        return {
            "supervised": ops.zeros(()),
            "unlabeled": -ops.mean(bound),
            "prior": self.prior(),
        }

    def active(self):
        """1 for each part of the code that varies, 0 for the others."""
        return ops.cast(self.spread > 0.1, "float32")

    def guess(self, images):
        y = self.one_hot(ops.argmax(self.network(images), axis=-1))
        x, _ = self.network.get_layer("encoder")(self.flat(images))
        return {"y": y, "z": self.encoder([x * self.active(), y])[0]}

    def decode(self, hidden, seed=None):
        features, _ = super().decode(hidden)
        return self.image_decoder(features * self.active())

    def see(self, images):
        encoder = self.network.get_layer("encoder")
        code = encoder(self.flat(self.normalize(images)))
        x = ops.stop_gradient(self.sample(*code) * self.active())
        return self.network.get_layer("classifier")(x, training=True)[:, 0], x

    def likelihood(self, x, decoded):
        mean, log_variance = decoded
        active = self.active()  # the others add a constant
        return gaussian(x, mean * active, log_variance * active)
