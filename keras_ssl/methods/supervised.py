"""Supervised: the labeled examples alone, the measure of all the others."""

from keras import ops

from keras_ssl.losses import cross_entropy
from keras_ssl.ssl_model import SSLModel


class Supervised(SSLModel):
    """Trains on the labeled examples only.

    The twin that every semi-supervised number is to be held against: the same
    network, labels, weak augmentation, optimizer and number of steps.

        L = H(y, p(weak(x)))

    Args:
        network: see `SSLModel`.
        **kwargs: see `SSLModel`.

    Example:

    >>> model = keras_ssl.methods.Supervised(network)
    """

    terms = ("supervised",)

    def objective(self, batch):
        (labeled,) = self.logits(batch["labeled"])
        return {"supervised": ops.mean(cross_entropy(batch["labels"], labeled))}
