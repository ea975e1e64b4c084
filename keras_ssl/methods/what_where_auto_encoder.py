"""Stacked what-where autoencoder: Zhao et al., 2015 (arXiv 1506.02351)."""

from typing import Any

import keras
from keras import ops

from keras_ssl.generative import Generative
from keras_ssl.losses import cross_entropy
from keras_ssl.networks.what_where import mirror, poolings, switches


class WhatWhereAutoEncoder(Generative):
    """Pooling sends the values up and their places across to the decoder.

        h_l, s_l = maximum pooling l of the network: values and their places
        u', h'_l = g(h_L; s_L, ..., s_1), whose unpooling uses the places
        L = H(y, p(x)) + w_rec mean_u ||u - u'||^2
            + w_mid mean_u sum_{l<L} ||h_l - h'_l||^2

    g takes the convolutions and poolings back, a transposed convolution for
    each convolution. Of equal values in a window the first has the place.

    Published for MNIST with 100 labels: an error of 8.71 +- 0.34 % with
    dropout, from memory and unverified, as are the paper's network, weights and
    optimizer, in whose place stand plausible ones. Deviation: the distances are
    those of the unlabeled images, among which the labeled ones are.

    Args:
        network: functional, with square `keras.layers.MaxPooling2D` windows
            side by side, and convolutions that keep the size between them.
        decoder: g, a `keras.Model` as `networks.what_where.mirror` makes one.
            `None`: made by it.
        reconstruction_weight: w_rec. Defaults to 0.05.
        intermediate_weight: w_mid. Defaults to 0.01.
        **kwargs: see `SSLModel`.

    Raises:
        ValueError: the network has no such poolings, or something else changes
            the size.
    """

    terms = ("supervised", "reconstruction", "intermediate")
    default_network = "what_where_cnn"

    def __init__(
        self,
        network: keras.Model,
        decoder: keras.Model | None = None,
        reconstruction_weight: float = 0.05,
        intermediate_weight: float = 0.01,
        **kwargs: Any,
    ) -> None:
        super().__init__(network, **kwargs)
        self.sizes = [layer.pool_size[0] for layer in poolings(network)]
        self.encoder = keras.Model(
            network.inputs,
            [
                network.outputs[0],
                *(layer.input for layer in poolings(network)),
                *(layer.output for layer in poolings(network)),
            ],
        )
        self.decoder = decoder or mirror(network)
        self.reconstruction_weight = reconstruction_weight
        self.intermediate_weight = intermediate_weight

    def default_optimizer(self, total_steps):
        """Adam 1e-3, along half a cosine to 0; the paper's is unverified."""
        decay = keras.optimizers.schedules.CosineDecay(1e-3, total_steps)
        return keras.optimizers.Adam(decay)

    def encoded(self, images, training=False):
        """Logits, and the maps before and after each pooling."""
        logits, *maps = self.encoder(images, training=training)
        return logits, maps[: len(self.sizes)], maps[len(self.sizes) :]

    def decoded(self, before, after, training=False):
        """Images, and what the maps after each pooling but the last become."""
        where = [
            switches(x, size)
            for x, size in zip(before, self.sizes, strict=True)
        ]
        outputs = self.decoder([after[-1], *where], training=training)
        image, *hidden = outputs if isinstance(outputs, list) else [outputs]
        return image, hidden

    def objective(self, batch):
        labels, images = batch["labels"], self.normalize(batch["unlabeled"])
        both = ops.concatenate([self.normalize(batch["labeled"]), images])
        logits, before, after = self.encoded(both, training=True)
        n = labels.shape[0] or ops.shape(labels)[0]
        before, after = [x[n:] for x in before], [x[n:] for x in after]
        image, hidden = self.decoded(before, after, training=True)
        middle = ops.zeros(())
        for x, y in zip(after[:-1], hidden, strict=True):
            middle = middle + squared_distance(x, y)
        distance = squared_distance(images, image)
        return {
            "supervised": ops.mean(cross_entropy(labels, logits[:n])),
            "reconstruction": self.reconstruction_weight * distance,
            "intermediate": self.intermediate_weight * middle,
        }

    def code(self, images):
        return self.encoded(images)[2][-1]

    def rebuild(self, images):
        return self.decoded(*self.encoded(images)[1:])[0]


def squared_distance(x, y):
    """||x - y||^2 of each example, its mean over the batch."""
    error = ops.cast(x, "float32") - ops.cast(y, "float32")
    return ops.mean(ops.sum(ops.square(error), axis=(1, 2, 3)))
