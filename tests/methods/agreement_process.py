"""Ten SGD steps of each method on this process' backend, printed as JSON."""

import json
import sys

import cases
import keras
import numpy as np

from keras_ssl import methods


def losses(name):
    # smooth all through: at a kink, of a maximum too, rounding decides
    network = cases.network(pooling=keras.layers.AveragePooling2D)
    made = cases.model(name, network=network)
    rate = cases.RATES.get(name, 0.05)
    made.compile(
        keras.optimizers.SGD(rate, momentum=0.9, nesterov=True), total_steps=10
    )
    return [
        made.train_on_batch(*cases.batch(type(made), step), return_dict=True)[
            "loss"
        ]
        for step in range(10)
    ], float(sum(np.abs(v).sum() for v in cases.variables(made)))


if __name__ == "__main__":
    json.dump({name: losses(name) for name in methods.names()}, sys.stdout)
