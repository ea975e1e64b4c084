"""Pretraining as a denoising autoencoder: Vincent et al., ICML 2008."""

from typing import Any

import keras
from keras import ops

from keras_ssl.losses import cross_entropy
from keras_ssl.methods.auto_encoder import AutoEncoder


class PretrainedAutoEncoder(AutoEncoder):
    """First what all images have in common, then what the labels say.

        1. encoder, decoder <- R = w mean_u ||u - g(f(u~))||^2 / 2
        2. network <- S = H(y, p(x~))

    f is the network up to its code, g the decoder and ~ the corruption of
    `Denoising`. `fit` changes from the first stage to the second at the end
    of an epoch; each has an optimizer of its own, and the term of the other is
    reported as 0.

    Deviations: all layers learn together, where the paper stacks autoencoders
    layer by layer; the squared error takes the place of its cross-entropy.

    Args:
        network: see `AutoEncoder`.
        pretraining: the part of the training that is the first stage, 0 to 1.
            Defaults to 0.5.
        **kwargs: see `AutoEncoder`.

    Raises:
        ValueError: `pretraining` is out of range.
    """

    def __init__(
        self, network: keras.Model, pretraining: float = 0.5, **kwargs: Any
    ) -> None:
        super().__init__(network, **kwargs)
        if not 0 < pretraining < 1:
            raise ValueError(
                "expected 0 < pretraining < 1, the part of the training that "
                f"is the first stage; received {pretraining}"
            )
        self.pretraining = pretraining
        # the network up to its code
        self.trunk = keras.Model(self.encoder.inputs, self.encoder.outputs[1])

    def stages(self):
        return {"pretraining": self.pretraining, "fine_tuning": 1.0}

    def parts(self):
        return {
            "auto_encoder": [
                *self.trunk.trainable_variables,
                *self.decoder.trainable_variables,
            ],
            "classifier": self.network.trainable_variables,
        }

    def default_optimizer(self, total_steps):
        """Adam 1e-3, in each stage along half a cosine to 0; of no paper."""
        lengths = {
            "auto_encoder": self.pretraining * total_steps,
            "classifier": (1 - self.pretraining) * total_steps,
        }
        return {
            part: keras.optimizers.Adam(
                keras.optimizers.schedules.CosineDecay(1e-3, max(length, 1))
            )
            for part, length in lengths.items()
        }

    def reconstruction(self, batch):
        images = self.normalize(batch["unlabeled"])
        codes = self.trunk(self.corrupted(images), training=True)
        error = self.reconstruction_error(images, codes)
        return {"reconstruction": self.unlabeled_weight * error}

    def classification(self, batch):
        images = self.normalize(batch["labeled"])
        (logits,) = self.logits(self.corrupted(images))
        return {"supervised": ops.mean(cross_entropy(batch["labels"], logits))}

    def objective(self, batch):
        return {**self.reconstruction(batch), **self.classification(batch)}

    def update(self, batch):
        if self.stage == "pretraining":
            terms = self.descend(
                lambda: self.reconstruction(batch), "auto_encoder"
            )
        else:
            terms = self.descend(
                lambda: self.classification(batch), "classifier"
            )
        return {**dict.fromkeys(self.terms, ops.zeros(())), **terms}
