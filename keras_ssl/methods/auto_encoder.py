"""Joint denoising autoencoder and classifier: the corruption is that of Vincent
et al., ICML 2008."""

from typing import Any

import keras
from keras import ops

from keras_ssl.denoising import Denoising
from keras_ssl.losses import cross_entropy
from keras_ssl.networks.code import decoder_for
from keras_ssl.networks.features import with_features


class AutoEncoder(Denoising):
    """The code that tells the classes also has to hold the image.

        L = H(y, p(x~)) + w mean_u ||u - g(f(u~))||^2 / 2

    f is the network up to its code, g the decoder and ~ the corruption of
    `Denoising`; labeled images are corrupted as well. The classifier's last
    layer gets no gradient from the reconstruction.

    Of no one paper. The squared error takes the place of the cross-entropy of
    Vincent et al., who train the classifier afterwards, as
    `PretrainedAutoEncoder` does.

    Args:
        network: see `SSLModel`; functional. Its code is the output of the layer
            named "code", else "features", else the input of the last layer.
        decoder: a `keras.Model` from codes to images in 0 to 1. `None`: one is
            made that fits, convolutional if the network is.
        unlabeled_weight: w. Defaults to 1.
        **kwargs: see `Denoising`.

    Raises:
        ValueError: the network is not functional.
    """

    terms = ("supervised", "reconstruction")
    default_network = "conv_encoder"

    def __init__(
        self,
        network: keras.Model,
        decoder: keras.Model | None = None,
        unlabeled_weight: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(network, **kwargs)
        self.encoder = with_features(network)
        self.decoder = decoder or decoder_for(self.encoder)
        self.unlabeled_weight = unlabeled_weight

    def default_optimizer(self, total_steps):
        """Adam 1e-3, along half a cosine to 0; of no paper."""
        decay = keras.optimizers.schedules.CosineDecay(1e-3, total_steps)
        return keras.optimizers.Adam(decay)

    def objective(self, batch):
        labels, images = batch["labels"], self.normalize(batch["unlabeled"])
        both = ops.concatenate([self.normalize(batch["labeled"]), images])
        # one pass, as everywhere; TensorFlow learns the sizes in the step
        logits, codes = self.encoder(self.corrupted(both), training=True)
        n = labels.shape[0] or ops.shape(labels)[0]
        error = self.reconstruction_error(images, codes[n:])
        return {
            "supervised": ops.mean(cross_entropy(labels, logits[:n])),
            "reconstruction": self.unlabeled_weight * error,
        }

    def code(self, images):
        return self.encoder(images, training=False)[1]
