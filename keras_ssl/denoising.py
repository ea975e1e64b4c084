"""Denoising: models that rebuild clean images from corrupted ones."""

from typing import Any

import keras
from keras import ops

from keras_ssl.backend import Tensor
from keras_ssl.generative import Generative


class Denoising(Generative):
    """A `Generative` model with a decoder, and corruption to learn it by.

        u~ = m u + sigma n;  m ~ Bernoulli(1 - masking), n ~ N(0, 1)

    A subclass sets `decoder`, a `keras.Model` from codes to images in 0 to 1,
    and gives `code(images)`. With `dropout = True` what m keeps is scaled up,
    by 1 / (1 - masking).

    Args:
        network: see `SSLModel`.
        noise_std: sigma, of the Gaussian noise on images in 0 to 1. Defaults to
            0.3.
        masking: the part of the values set to 0 (Vincent et al., ICML 2008).
            Defaults to 0.
        **kwargs: see `SSLModel`.

    Raises:
        ValueError: `masking` is not a part.
    """

    decoder: Any
    dropout = False

    def __init__(
        self,
        network: keras.Model,
        noise_std: float = 0.3,
        masking: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(network, **kwargs)
        if not 0 <= masking < 1:
            raise ValueError(
                "expected 0 <= masking < 1, the part of the values set to 0; "
                f"received {masking}"
            )
        self.noise_std = noise_std
        self.masking = masking

    def noise(self, like: Tensor) -> Tensor:
        """Gaussian noise of the shape of something."""
        return keras.random.normal(ops.shape(like), seed=self.random)

    def kept(self, images: Tensor) -> Tensor:
        """1 for values that stay and 0 for masked ones, of the same shape."""
        drawn = keras.random.uniform(ops.shape(images), seed=self.random)
        return ops.cast(drawn >= self.masking, "float32")

    def corrupted(self, images: Tensor) -> Tensor:
        """Float images with holes and noise."""
        if self.masking:
            images = images * self.kept(images)
            if self.dropout:
                images = images / (1.0 - self.masking)
        if self.noise_std:
            images = images + self.noise_std * self.noise(images)
        return images

    def reconstruction_error(self, images: Tensor, codes: Tensor) -> Tensor:
        """Mean over the batch of ||images - decoder(codes)||^2 / 2."""
        rebuilt = ops.cast(self.decoder(codes, training=True), "float32")
        squares = ops.sum(ops.square(images - rebuilt), axis=(1, 2, 3))
        return 0.5 * ops.mean(squares)

    def rebuild(self, images: Tensor) -> Tensor:
        codes = self.code(images)  # type: ignore[misc]
        return self.decoder(codes, training=False)
