"""Ladder networks: a slow oracle of the whole cost, and what must hold."""

import cases
import keras
import numpy as np
import numpy_oracle as oracle
import pytest
from keras import ops

from keras_ssl import backend
from keras_ssl.ladder_decoder import Combinator
from keras_ssl.methods import GammaLadder, Ladder

EPSILON = 1e-3  # of the networks here, Keras' own; below it is 1e-6
BATCH = cases.batch(Ladder, 0)
VIEWS, LABELS = BATCH
COSTS = (3.0, 2.0, 0.5)


def mlp():
    """Two levels; ReLU, so that the oracle is short."""
    images = keras.Input(cases.SHAPE)
    x = keras.layers.Flatten()(images)
    x = keras.layers.Dense(5, use_bias=False)(x)
    x = keras.layers.BatchNormalization(momentum=0.9, scale=False)(x)
    x = keras.layers.ReLU()(x)
    x = keras.layers.Dense(cases.CLASSES, use_bias=False)(x)
    logits = keras.layers.BatchNormalization(momentum=0.9)(x)
    made = cases.known(keras.Model(images, logits))
    (_, beta, _, gamma, top_beta) = made.trainable_variables
    beta.assign([0.3, -0.2, 0.5, 0.1, 0.0])
    gamma.assign([1.5, 0.7, 1.0, 2.0])
    top_beta.assign([0.1, -0.4, 0.2, 0.0])
    return made


def ladder(cls=Ladder, **arguments):
    """A ladder over `mlp` with known noise and weights."""
    made = cls(mlp(), **{"costs": COSTS, **arguments})
    made.noise = lambda z: ops.cos(13.0 * z)
    cases.known(made.decoder, seed=1)
    return made


# The oracle -------------------------------------------------------------------


def weights(made):
    """Everything trainable, float64; V and a from the top down."""
    value = oracle_value
    w1, beta1, w2, gamma2, beta2 = map(value, made.network.trainable_variables)
    layers = made.decoder.layers
    combinators = [one for one in layers if isinstance(one, Combinator)]
    dense = [one for one in layers if isinstance(one, keras.layers.Dense)]
    return {
        "w": [w1, w2],
        "gamma": [np.ones(len(beta1)), gamma2],
        "beta": [beta1, beta2],
        "v": [value(one.kernel) for one in dense],
        "a": [value(one.a) for one in combinators],
    }


def oracle_value(variable):
    return np.asarray(ops.convert_to_numpy(variable), np.float64)


def standardized(x, like=None, epsilon=EPSILON):
    like = x if like is None else like
    return (x - like.mean(axis=0)) / np.sqrt(like.var(axis=0) + epsilon)


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def encoded(w, images, sigma):
    """z of the levels and what was normalized, by one path; and the logits."""

    def noisy(z):
        return z + sigma * np.cos(13.0 * z)

    h = noisy(images.reshape(len(images), -1) / 255.0)
    z, before = [h], [h]
    for level in (0, 1):
        before.append(h @ w["w"][level])
        z.append(noisy(standardized(before[-1])))
        h = w["gamma"][level] * z[-1] + w["beta"][level]
        if level == 0:
            h = np.maximum(h, 0.0)
    return z, before, h


def oracle_costs(w, sigma, views=VIEWS, labels=LABELS):
    """H(y, p~(x)) and [C_0, C_1, C_2]."""
    _, _, labeled = encoded(w, views["labeled"].astype("f8"), sigma)
    unlabeled = views["unlabeled"].astype("f8")
    noisy, _, logits = encoded(w, unlabeled, sigma)
    clean, before, _ = encoded(w, unlabeled, 0.0)
    above, costs = oracle.softmax(logits), [0.0, 0.0, 0.0]
    for level, a in zip((2, 1, 0), w["a"], strict=False):
        u = standardized(above, epsilon=1e-6)
        mu = a[0] * sigmoid(a[1] * u + a[2]) + a[3] * u + a[4]
        v = a[5] * sigmoid(a[6] * u + a[7]) + a[8] * u + a[9]
        z_hat = (noisy[level] - mu) * v + mu
        guess = standardized(z_hat, before[level]) if level else z_hat
        norms = np.sum((guess - clean[level]) ** 2, axis=1)
        costs[level] = norms.mean() / clean[level].shape[1]
        if level and w["v"][2 - level :]:
            above = z_hat @ w["v"][2 - level]
    supervised = oracle.cross_entropy(labels, labeled).mean()
    return supervised, costs


@pytest.fixture(scope="module")
def made():
    return ladder()


def test_the_objective_is_that_of_the_oracle(made):
    supervised, costs = oracle_costs(weights(made), 0.3)
    found, _ = oracle.evaluate(made, BATCH)
    assert found["supervised"] == pytest.approx(supervised, rel=1e-5)
    assert found["denoising"] == pytest.approx(np.dot(COSTS, costs), rel=1e-4)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_each_cost_alone_is_that_of_the_oracle(place):
    costs = [0.0, 0.0, 0.0]
    costs[place] = 7.0
    made = ladder(costs=costs, sigma=0.5)
    _, expected = oracle_costs(weights(made), 0.5)
    found, _ = oracle.evaluate(made, BATCH)
    assert found["denoising"] == pytest.approx(7.0 * expected[place], rel=1e-4)


def test_the_gradient_flows_through_the_clean_path_too(made):
    w = weights(made)
    found = oracle.term_gradients(made, BATCH, "denoising")
    for variable, key, place in [(0, "w", (3, 1)), (1, "beta", (2,))]:
        values = []
        for step in (1e-5, -1e-5):
            w[key][0][place] += step
            values.append(np.dot(COSTS, oracle_costs(w, 0.3)[1]))
            w[key][0][place] -= step
        slope = (values[0] - values[1]) / 2e-5
        assert found[variable][place] == pytest.approx(slope, rel=1e-2)


# What must hold ---------------------------------------------------------------


def test_without_noise_the_identity_costs_nothing():
    made = ladder(sigma=0.0)
    _, before, _ = encoded(weights(made), VIEWS["unlabeled"].astype("f8"), 0.0)
    layers = [one for one in made.decoder.layers if hasattr(one, "a")][::-1]
    for level, layer in enumerate(layers):
        a = np.zeros(layer.a.shape)
        # z_hat is z on the scale of what was normalized: v = std, and the mu
        # with which mu (1 - v) = mean
        std = np.sqrt(before[level].var(axis=0) + EPSILON)
        a[9] = std if level else 1.0
        a[4] = before[level].mean(axis=0) / (1.0 - std) if level else 0.0
        layer.a.assign(a)
    found, _ = oracle.evaluate(made, BATCH)
    assert found["denoising"] == pytest.approx(0.0, abs=1e-8)


def test_labeled_and_unlabeled_images_do_not_meet(made):
    expected, _ = oracle.evaluate(made, BATCH)
    for name, kept, other in [
        ("labeled", "denoising", "supervised"),
        ("unlabeled", "supervised", "denoising"),
    ]:
        views = {**VIEWS, name: VIEWS[name] // 2}
        found, _ = oracle.evaluate(made, (views, LABELS))
        assert found[kept] == pytest.approx(expected[kept], rel=1e-6)
        assert found[other] != pytest.approx(expected[other], rel=1e-3)


def test_moving_statistics_follow_the_clean_labeled_images(made):
    images = VIEWS["labeled"].astype("f8")
    _, before, _ = encoded(weights(made), images, 0.0)
    found = oracle.statistics(
        made, lambda: made.objective(oracle.tensors(BATCH))
    )
    expected = [
        moment
        for x in before[1:]
        for moment in (0.1 * x.mean(axis=0), 0.9 + 0.1 * x.var(axis=0))
    ]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_noise_is_standard_normal_and_scaled_with_sigma():
    made = Ladder(mlp(), sigma=0.25)
    z = ops.ones((100, 100))
    drawn = ops.convert_to_numpy(made.noise(z))
    assert drawn.mean() == pytest.approx(0.0, abs=0.05)
    assert drawn.std() == pytest.approx(1.0, abs=0.05)
    assert not np.array_equal(drawn, ops.convert_to_numpy(made.noise(z)))
    added = ops.convert_to_numpy(made.corrupted(z)) - 1.0
    assert added.std() == pytest.approx(0.25, abs=0.02)


# What it makes of images ------------------------------------------------------


def test_the_identity_at_level_0_reconstructs_the_images():
    made = ladder()
    lowest = made.decoder.layers[-2]
    assert isinstance(lowest, Combinator)
    a = np.zeros(lowest.a.shape)
    a[9] = 1.0
    lowest.a.assign(a)
    images = VIEWS["unlabeled"]
    np.testing.assert_array_equal(made.reconstruct(images), images)


def test_a_reconstruction_does_not_depend_on_the_other_images(made):
    images = VIEWS["unlabeled"]
    np.testing.assert_array_equal(
        made.reconstruct(images[:2]), made.reconstruct(images)[:2]
    )


def test_the_code_is_the_layer_below_the_logits(made):
    layer = made.network.layers[-3]
    below = keras.Model(made.network.inputs, layer.output)
    images = VIEWS["labeled"]
    expected = below(made.normalize(oracle.tensor(images)), training=False)
    found = made.encode(images)
    assert found.shape == (6, 5)
    np.testing.assert_allclose(
        found, ops.convert_to_numpy(expected), rtol=1e-4, atol=1e-6
    )


# Costs and schedule -----------------------------------------------------------


def test_the_published_costs_are_those_for_100_labels():
    factors = Ladder(mlp()).factors
    assert factors == (1000.0, 10.0, 0.1)
    assert GammaLadder(mlp()).factors == (0.0, 0.0, 0.5)


@pytest.mark.parametrize(
    "costs", [(), (1.0, 1.0), (1.0,) * 4, (0.0, 0.0, 0.0), (1.0, -1.0, 1.0)]
)
def test_costs_that_do_not_fit_are_refused(costs):
    with pytest.raises(ValueError, match="expected 3 costs.*received"):
        Ladder(mlp(), costs=costs)


def test_nothing_below_the_lowest_cost_is_decoded(made):
    gamma = GammaLadder(mlp())
    kinds = [type(layer).__name__ for layer in gamma.decoder.layers]
    assert kinds.count("Combinator") == 1
    assert kinds.count("Dense") == 0
    middle = Ladder(mlp(), costs=(0.0, 2.0, 0.0))
    kinds = [type(layer).__name__ for layer in middle.decoder.layers]
    assert kinds.count("Combinator") == 2
    assert kinds.count("Dense") == 1
    for without in (gamma, middle):
        with pytest.raises(NotImplementedError, match="reconstruct"):
            without.reconstruct(VIEWS["labeled"])
    assert made.reconstruct(VIEWS["labeled"]).shape == VIEWS["labeled"].shape


def test_gamma_is_the_ladder_with_the_top_cost_alone():
    found, _ = oracle.evaluate(ladder(GammaLadder, costs=None), BATCH)
    expected, _ = oracle.evaluate(ladder(costs=(0.0, 0.0, 0.5)), BATCH)
    assert found == pytest.approx(expected)


def test_the_rate_is_constant_and_then_falls_to_0(made):
    optimizer = made.default_optimizer(1000)
    assert isinstance(optimizer, keras.optimizers.Adam)
    rate = optimizer._learning_rate
    values = [float(rate(step)) for step in (0, 669, 835, 1000)]
    assert values == pytest.approx([0.002, 0.002, 0.001, 0.0], abs=1e-8)


def test_there_is_no_average_unless_asked_for(made):
    assert not made.averages
    assert Ladder(mlp(), ema_decay=0.9).averages


def test_it_learns_on_a_handful_of_images():
    made = Ladder(mlp(), costs=(1.0, 0.1, 0.1))
    made.compile(keras.optimizers.Adam(0.01), total_steps=30)
    losses = [
        made.train_on_batch(VIEWS, LABELS, return_dict=True)["loss"]
        for _ in range(30)
    ]
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])
    with backend.scope():
        assert np.isfinite(made.reconstruct(VIEWS["labeled"])).all()
