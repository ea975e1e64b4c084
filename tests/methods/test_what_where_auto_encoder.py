"""The what-where autoencoder: three distances and a decoder with switches."""

import cases
import keras
import numpy as np
import numpy_oracle as oracle
import pytest
from keras import ops

from keras_ssl.methods import WhatWhereAutoEncoder

NAME = "what_where_auto_encoder"
BATCH = cases.batch(WhatWhereAutoEncoder, 0)
VIEWS, LABELS = BATCH


def outputs(model, inputs):
    return [ops.convert_to_numpy(x) for x in model(inputs, training=False)]


def pooled(x):
    """2 x 2 maxima in NumPy."""
    n, height, width, channels = x.shape
    return x.reshape(n, height // 2, 2, width // 2, 2, channels).max((2, 4))


def switches(x):
    """1 where the maximum of each 2 x 2 window stands; there are no ties."""
    return (x == pooled(x).repeat(2, 1).repeat(2, 2)).astype("float32")


@pytest.fixture(scope="module")
def made():
    return cases.model(NAME, reconstruction_weight=0.5, intermediate_weight=2.0)


@pytest.fixture(scope="module")
def passes(made):
    """Of the unlabeled images: pooled values, image and hidden rebuilt."""
    images = oracle.tensor((VIEWS["unlabeled"] / 255).astype("float32"))
    before = [
        layer.input
        for layer in made.network.layers
        if isinstance(layer, keras.layers.MaxPooling2D)
    ]
    first, second = outputs(keras.Model(made.network.inputs, before), images)
    rebuilt, hidden = outputs(
        made.decoder, [pooled(second), switches(first), switches(second)]
    )
    return pooled(first), pooled(second), rebuilt, hidden


def test_the_objective_equals_the_oracle(made, passes):
    low, _, rebuilt, hidden = passes
    terms, _ = oracle.evaluate(made, BATCH)
    images = VIEWS["unlabeled"] / 255
    logits = made.network((VIEWS["labeled"] / 255).astype("float32"))
    supervised = oracle.cross_entropy(LABELS, ops.convert_to_numpy(logits))

    def distance(x, y):
        return np.mean([np.square(a - b).sum() for a, b in zip(x, y, strict=1)])

    assert terms == {
        "supervised": pytest.approx(supervised.mean(), rel=1e-5),
        "reconstruction": pytest.approx(
            0.5 * distance(images, rebuilt), rel=1e-5
        ),
        "intermediate": pytest.approx(2.0 * distance(low, hidden), rel=1e-5),
    }


def test_it_rebuilds_through_the_switches_and_its_code_is_the_top(made, passes):
    _, top, rebuilt, _ = passes
    found = made.reconstruct(VIEWS["unlabeled"])
    assert np.abs(found - np.rint(255 * rebuilt)).max() <= 1
    np.testing.assert_allclose(
        made.encode(VIEWS["unlabeled"]), top, rtol=1e-5, atol=1e-6
    )


def test_the_last_layer_learns_from_labels_alone(made):
    for name in ("reconstruction", "intermediate"):
        *others, kernel, bias = oracle.term_gradients(made, BATCH, name)
        assert not kernel.any()
        assert not bias.any()
        assert all(g.any() for g in others)


def test_with_one_pooling_nothing_lies_between():
    images = keras.Input(cases.SHAPE)
    x = keras.layers.Conv2D(3, 3, padding="same", activation="tanh")(images)
    x = keras.layers.Flatten()(keras.layers.MaxPooling2D()(x))
    network = keras.Model(images, keras.layers.Dense(cases.CLASSES)(x))
    made = WhatWhereAutoEncoder(network)
    made.compile(total_steps=10)
    logs = made.train_on_batch(*BATCH, return_dict=True)
    assert logs["intermediate"] == 0
    assert logs["reconstruction"] > 0


def test_a_network_without_poolings_is_refused():
    with pytest.raises(ValueError, match="MaxPooling2D"):
        WhatWhereAutoEncoder(cases.plain_network())
