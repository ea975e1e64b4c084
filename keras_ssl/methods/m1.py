"""M1: Kingma, Mohamed, Rezende & Welling, NeurIPS 2014 (arXiv 1406.5298)."""

from typing import Any

import keras
from keras import ops

from keras_ssl.losses import cross_entropy
from keras_ssl.networks.vae import Logits
from keras_ssl.variational import Variational


class M1(Variational):
    """A classifier on the code of a variational autoencoder.

        J(u) = KL(q(z|u) || N(0, 1)) - log p(u|z)
        m(x) = E_q(z|x) [z]
        L = H(y, p(m(x))) + mean_u J(u) - log N(weights; 0, 1) / N

    z is one draw from q(z|u), p(u|z) is Bernoulli. The autoencoder sees
    unlabeled images alone, as bits drawn anew in every step; the classifier
    sees m of the labeled images as they are, and no gradient goes from it into
    q.

    Deviation: the paper puts a transductive SVM (published: 11.82 +- 0.25 %
    error on MNIST with 100 labels, from memory) or nearest neighbors on the
    finished code; here the network's own classifier learns beside it.

    Args:
        network: `networks.CodeClassifier`, or another with layers "encoder" and
            "classifier" of its kind; see `SSLModel`.
        decoder: logits of p(u|z), a `networks.vae.Logits` given the code;
            `None`, the default: made with hidden layers of 500 and 500.
        **kwargs: see `Variational`.

    `generate` draws images of any classes; `encode` returns m, float32
    `(batch, code_size)`, and `reconstruct` decodes it.
    """

    terms = ("supervised", "unlabeled", "prior")
    default_network = "code_classifier"

    def __init__(
        self,
        network: keras.Model,
        decoder: keras.Model | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(network, **kwargs)
        self.code_size = network.get_layer("encoder").output[0].shape[-1]
        self.decoder = decoder or Logits(
            (self.code_size,), self.image_size, (500, 500)
        )

    def objective(self, batch):
        encoder = self.network.get_layer("encoder")
        bits = self.bits(batch["unlabeled"])
        bound, _ = self.image_bound(bits, encoder, self.decoder)
        mean = self.mean(self.normalize(batch["labeled"]))
        classifier = self.network.get_layer("classifier")
        logits = classifier(ops.stop_gradient(mean), training=True)[:, 0]
        return {
            "supervised": ops.mean(cross_entropy(batch["labels"], logits)),
            "unlabeled": -ops.mean(bound),
            "prior": self.prior(),
        }

    def mean(self, images):
        """m, `(batch, 1, code_size)`."""
        return self.network.get_layer("encoder")(self.flat(images))[0]

    def guess(self, images):
        return {"z": self.mean(images)}

    def decode(self, hidden, seed=None):
        return self.decoder(hidden["z"])
