"""BadGAN: drawn images that differ from one another."""

import cases
import numpy as np
import numpy_oracle as oracle
import pytest
from keras import ops

from keras_ssl import backend
from keras_ssl.methods import BadGAN
from keras_ssl.methods.bad_gan import gaussian_surprise, pull_away

BATCH = cases.batch(BadGAN, 0)
VIEWS, LABELS = BATCH


def number(tensor):
    return float(ops.convert_to_numpy(tensor))


def model(**arguments):
    return cases.model("bad_gan", network=cases.plain_network(), **arguments)


def generator_loss(made):
    with backend.scope():
        return number(made.generator_loss(oracle.tensors(BATCH)))


def drawn_images(made):
    with backend.scope():
        z = made.latent(len(VIEWS["generator"]))
        return ops.convert_to_numpy(z), ops.convert_to_numpy(made.fake(z))


# The new terms ----------------------------------------------------------------


def test_pull_away_by_hand():
    # cosines 0, 0.6 and 0.8, each of two ordered pairs
    rows = oracle.tensor(np.array([[2, 0], [0, 5], [3, 4]], "float32"))
    assert number(pull_away(rows)) == pytest.approx((0.36 + 0.64) / 3, rel=1e-5)


def test_pull_away_of_equal_opposite_and_lonely_rows():
    for rows, expected in (
        ([[1.0, 2.0]] * 3, 1.0),
        ([[1.0, 2.0], [-1.0, -2.0]], 1.0),
        ([[1.0, 0.0], [0.0, 0.0]], 0.0),
        ([[1.0, 2.0]], 0.0),
    ):
        found = number(pull_away(oracle.tensor(np.array(rows, "float32"))))
        assert found == pytest.approx(expected, abs=1e-5)


def test_pull_away_equals_the_double_loop():
    rows = np.random.default_rng(0).normal(size=(6, 9))
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cosines = [
        (unit[i] @ unit[j]) ** 2 for i in range(6) for j in range(6) if i != j
    ]
    found = number(pull_away(oracle.tensor(rows.astype("float32"))))
    assert found == pytest.approx(np.mean(cosines), rel=1e-5)


def test_the_surprise_is_that_of_a_gaussian():
    rng = np.random.default_rng(1)
    z, mu, log_sigma = rng.normal(size=(3, 5, 2))
    sigma = np.exp(log_sigma)
    density = np.exp(-0.5 * ((z - mu) / sigma) ** 2) / (
        sigma * np.sqrt(2 * np.pi)
    )
    expected = -np.log(density).sum(axis=1) - 2 * np.log(np.sqrt(2 * np.pi))
    code = np.concatenate([mu, log_sigma], axis=1)
    found = gaussian_surprise(
        oracle.tensor(code.astype("float32")), oracle.tensor(z.astype("f4"))
    )
    np.testing.assert_allclose(
        ops.convert_to_numpy(found), expected, rtol=1e-5, atol=1e-5
    )


# The objective ----------------------------------------------------------------


def test_the_generators_loss_is_the_weighted_sum():
    made = model(pull_away_weight=0.5, variational_weight=0.25)
    z, drawn = drawn_images(made)
    with backend.scope():
        code = made.encoder(oracle.tensor(drawn), training=True)
        surprise = gaussian_surprise(code, oracle.tensor(z))
    # features of a network that is one dense layer: the pixels
    pixels = drawn.reshape(len(drawn), -1)
    real = VIEWS["generator"].reshape(len(drawn), -1) / 255.0
    matching = np.mean((real.mean(axis=0) - pixels.mean(axis=0)) ** 2)
    expected = matching + 0.5 * number(pull_away(oracle.tensor(pixels)))
    expected += 0.25 * ops.convert_to_numpy(surprise).mean()
    assert generator_loss(made) == pytest.approx(expected, rel=1e-4)


def test_without_the_new_terms_it_is_improved_gan():
    made = model(pull_away_weight=0.0, variational_weight=0.0, encoder=None)
    other = cases.model("improved_gan", network=cases.plain_network())
    assert made.encoder is None
    assert generator_loss(made) == pytest.approx(generator_loss(other))
    assert oracle.evaluate(made, BATCH) == oracle.evaluate(other, BATCH)


def test_the_entropy_of_unlabeled_predictions_is_added_where_asked():
    (logits,) = oracle.network_logits(
        model().network, VIEWS["unlabeled"] / 255.0
    )
    without, _ = oracle.evaluate(model(), BATCH)
    found, _ = oracle.evaluate(model(entropy_weight=0.1), BATCH)
    added = 0.1 * np.mean(oracle.entropy(logits))
    assert found["unlabeled"] == pytest.approx(
        without["unlabeled"] + added, rel=1e-5
    )
    assert found["supervised"] == without["supervised"]


def test_the_encoder_learns_with_the_generator():
    made = model()
    made.compile(total_steps=10)
    before = [
        ops.convert_to_numpy(v).copy() for v in made.encoder.trainable_variables
    ]
    made.train_on_batch(*BATCH)
    for variable, old in zip(
        made.encoder.trainable_variables, before, strict=True
    ):
        assert np.abs(ops.convert_to_numpy(variable) - old).max() > 0


def test_the_encoder_is_made_to_fit_the_generator():
    made = BadGAN(cases.plain_network(), cases.generator())
    assert made.encoder.input_shape[1:] == cases.SHAPE
    assert made.encoder.output_shape[1:] == (10,)


def test_the_published_rates_are_the_default():
    optimizers = model().default_optimizer(2000)
    for name, rate, beta_1 in (
        ("discriminator", 3e-3, 0.5),
        ("generator", 1e-3, 0.0),
    ):
        optimizer = optimizers[name]
        assert (optimizer.beta_1, optimizer.beta_2) == (beta_1, 0.9999)
        for epoch in (0, 1300, 1500, 2000):
            expected = rate * min(3.0 * (1.0 - epoch / 2000.0), 1.0)
            found = float(optimizer._learning_rate(epoch))
            assert found == pytest.approx(expected, abs=1e-8)
