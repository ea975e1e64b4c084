"""A method with two networks' worth of phases and two stages, for the tests."""

import keras
from keras import ops

from keras_ssl import SSLModel
from keras_ssl.losses import cross_entropy


class Phases(SSLModel):
    """First only the biases of its dense layer learn, then its kernel too.

    Beside, `other` rises by its own optimizer in the second stage.
    """

    views = {"labeled": ("labeled", "weak"), "weak": ("unlabeled", "weak")}
    terms = ("supervised",)
    monitors = ("other_loss",)

    def __init__(self, network, first=0.5, **kwargs):
        super().__init__(network, **kwargs)
        self.first = first
        self.other = self.add_weight(shape=(3,), initializer="zeros")

    def stages(self):
        return {"biases": self.first, "all": 1.0}

    def parts(self):
        kernel, bias = self.network.trainable_variables
        return {"biases": [bias], "all": [kernel, bias], "other": [self.other]}

    def default_optimizer(self, total_steps):
        decay = keras.optimizers.schedules.PolynomialDecay(0.1, total_steps)
        return {
            "biases": keras.optimizers.SGD(decay),
            "all": keras.optimizers.Adam(0.01),
            "other": keras.optimizers.SGD(0.5),
        }

    def objective(self, batch):
        (labeled,) = self.logits(batch["labeled"])
        return {"supervised": ops.mean(cross_entropy(batch["labels"], labeled))}

    def update(self, batch):
        terms = self.descend(lambda: self.objective(batch), self.stage)
        if self.stage == "all":
            other = self.descend(lambda: {"x": -ops.sum(self.other)}, "other")
            self.monitor(other_loss=other["x"])
        return terms
