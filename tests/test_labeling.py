"""Which images to label next: the three things that count, and the choice."""

import keras
import numpy as np
import pytest

import keras_ssl
from keras_ssl import labeling


@pytest.mark.once
def test_uncertainty_is_entropy_as_a_part_of_the_largest():
    p = np.array([[1, 0, 0, 0], [0.25] * 4, [0.5, 0.5, 0, 0]])
    np.testing.assert_allclose(labeling.uncertainty(p), [0, 1, 0.5], atol=1e-12)


@pytest.mark.once
def test_disagreement_is_0_for_the_same_and_1_for_opposite_predictions():
    p = np.array([[1.0, 0.0], [1.0, 0.0], [0.7, 0.3]])
    q = np.array([[1.0, 0.0], [0.0, 1.0], [0.4, 0.6]])
    # JS of the last by hand: H(.55) - (H(.7) + H(.4)) / 2, in bits
    last = 0.992774 - (0.881291 + 0.970951) / 2
    np.testing.assert_allclose(
        labeling.disagreement(p, q), [0, 1, last], atol=1e-6
    )


def slow_choice(value, features, centers, count):
    """The same in loops, from every center anew."""
    unit = [x / np.linalg.norm(x) for x in features]
    chosen = [c / np.linalg.norm(c) for c in centers]
    rows = []
    while len(rows) < min(count, len(value)):
        gains = {
            i: value[i] * min(np.linalg.norm(unit[i] - c) for c in chosen)
            for i in range(len(value))
            if i not in rows
        }
        best = max(gains, key=gains.get)
        rows.append(best)
        chosen.append(unit[best])
    return rows


@pytest.mark.once
@pytest.mark.parametrize("seed", range(5))
def test_the_choice_is_that_of_a_slow_oracle(seed):
    rng = np.random.default_rng(seed)
    value = rng.uniform(0, 1, 70)
    features, centers = rng.normal(size=(70, 4)), rng.normal(size=(3, 4))
    found = labeling.chosen(value, features, centers, 6)
    assert found.tolist() == slow_choice(value, features, centers, 6)


@pytest.mark.once
def test_of_equal_images_one_is_asked_for_and_none_that_is_labeled():
    features = np.eye(3)[[0, 0, 0, 1, 2]]
    value = np.array([1.0, 0.9, 0.8, 0.5, 1.0])
    found = labeling.chosen(value, features, np.eye(3)[[2]], 2)
    assert found.tolist() == [0, 3]  # 1 and 2 look like 0, and 4 is labeled


@pytest.mark.once
def test_where_all_are_alike_the_most_valuable_comes_first():
    value = np.array([0.1, 0.3, 0.2])
    found = labeling.chosen(value, np.ones((3, 2)), np.ones((1, 2)), 9)
    assert found.tolist() == [1, 2, 0]


def made(digits, ema_decay=0.999):
    keras.utils.set_random_seed(0)
    network = keras_ssl.networks.MLP(input_shape=(8, 8, 1), hidden=(16, 6))
    model = keras_ssl.methods.Supervised(network, ema_decay=ema_decay)
    model.compile()
    batches = digits.batches(model, batch_size=8, steps_per_epoch=20)
    model.fit(batches, verbose=0)
    return model


def softmax(logits):
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def test_a_model_is_asked_for_its_average_and_for_its_weights(
    digits, monkeypatch
):
    monkeypatch.setattr(labeling, "PORTION", 8)
    model, images = made(digits), digits.test[0][:30]
    rows = np.arange(20)[::-1]
    p, q = labeling.predictions(model, images, rows)
    logits = model.predict(images, verbose=0)
    np.testing.assert_allclose(p, softmax(logits)[rows], atol=1e-5)
    own = model.network(model.normalize(images), training=False)
    own = softmax(keras.ops.convert_to_numpy(own))
    np.testing.assert_allclose(q, own[rows], atol=1e-5)
    assert np.abs(p - q).max() > 1e-3
    # nothing was taken away from the model, or changed in it
    again = model.predict(images, verbose=0)
    np.testing.assert_array_equal(again, logits)
    model.fit(digits.batches(model, batch_size=8, steps_per_epoch=1), verbose=0)


def test_features_are_those_that_the_average_decides_from(digits):
    model, images = made(digits), digits.test[0][:30]
    rows = np.array([3, 29])
    found = labeling.features(model, images, rows)
    assert found.shape == (2, 6)
    head = model.network.layers[-1]
    kernel, bias = (
        keras.ops.convert_to_numpy(average)
        for variable, average in model._averaged_pairs()
        if any(variable is own for own in head.weights)
    )
    logits = model.predict(images[rows], verbose=0)
    np.testing.assert_allclose(found @ kernel + bias, logits, atol=1e-4)


def test_the_ranking_is_of_valuable_images_that_have_no_label(digits):
    model, images = made(digits), digits.dataset.train[0]
    unknown = np.setdiff1d(digits.unlabeled, digits.labeled)[:300]
    ranking = labeling.rank(model, images, unknown, digits.labeled, 7)
    assert len(set(ranking.rows.tolist())) == 7
    assert np.isin(ranking.rows, unknown).all()
    p, q = labeling.predictions(model, images, ranking.rows)
    np.testing.assert_allclose(ranking.confidence, p.max(axis=1), rtol=1e-4)
    np.testing.assert_array_equal(ranking.guess, p.argmax(axis=1))
    value = labeling.uncertainty(p) + labeling.disagreement(p, q)
    np.testing.assert_allclose(ranking.value, value, rtol=1e-3)
    p, q = labeling.predictions(model, images, unknown)
    value = np.sort(labeling.uncertainty(p) + labeling.disagreement(p, q))
    assert ranking.value.min() > value[-70] - 1e-6  # ten for each


def test_without_an_average_nobody_disagrees(digits):
    model = made(digits, ema_decay=0)
    images, rows = digits.dataset.train[0], np.arange(90)
    ranking = labeling.rank(model, images, rows, digits.labeled, 200)
    assert sorted(ranking.rows) == rows.tolist()
    assert ranking.disagreement.max() < 1e-6
    with pytest.raises(ValueError, match="received 0 images and count 7"):
        labeling.rank(model, images, rows[:0], rows, 7)
