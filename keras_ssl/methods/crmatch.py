"""CRMatch: Fan, Kukleva & Schiele, GCPR 2021 (arXiv 2112.05825)."""

from typing import Any

import keras
from keras import ops

from keras_ssl.embedding import Embedding, head, unit
from keras_ssl.losses import cross_entropy, probabilities
from keras_ssl.reporting import GUESSES


class CRMatch(Embedding):
    """FixMatch whose features tell the strength of a view, and rotations.

        L = H(y, p(x)) + mean_u mask H(argmax q, p(strong(u)))
            + mean_u mask max(0, cos(g(strong(u)), g(weak(u))))
            + H(turns, p_turns(rotated(u)))

    with q = p(weak(u)), mask = 1[max q >= tau], and g a linear map of the
    features. The third term keeps the features of the two views apart while
    their class stays the same. The turns are told by a head with one hidden
    layer. Every weight is 1.

    Deviations: g is of the features that the last layer sees, where the paper
    has the last feature map before pooling (name a layer of the network
    "features" to choose it). The rotated view shows every unlabeled image of
    the batch once, as a strong view turned at random, where USB shows fewer
    images in all four rotations.

    Args:
        network: see `Embedding`.
        threshold: tau.
        **kwargs: see `SSLModel`.
    """

    views = {
        "labeled": ("labeled", "weak"),
        "weak": ("unlabeled", "weak"),
        "strong": ("unlabeled", "strong"),
        "rotated": ("unlabeled", "rotated"),
    }
    terms = ("supervised", "unlabeled", "distance", "rotation")
    monitors = GUESSES
    unlabeled_ratio = 7

    def __init__(
        self, network: keras.Model, threshold: float = 0.95, **kwargs: Any
    ) -> None:
        super().__init__(network, **kwargs)
        self.threshold = threshold
        size = self.feature_size
        self.strength = head(size, 128, name="strength")
        self.turns = head(size, 4, hidden=size, name="turns")

    def objective(self, batch):
        logits, features = self.embed(*(batch[name] for name in self.views))
        labeled, weak, strong, _ = logits
        q = probabilities(weak)
        guess = ops.argmax(q, axis=-1)
        mask = self.confident(batch, q, self.threshold)
        g_weak, g_strong = (
            unit(self.told(self.strength, x)) for x in features[1:3]
        )
        cosine = ops.sum(g_weak * g_strong, axis=-1)
        turned = self.told(self.turns, features[3])
        rotation = cross_entropy(batch["turns/rotated"], turned)
        return {
            "supervised": ops.mean(cross_entropy(batch["labels"], labeled)),
            "unlabeled": ops.mean(mask * cross_entropy(guess, strong)),
            "distance": ops.mean(mask * ops.relu(cosine)),
            "rotation": ops.mean(rotation),
        }
