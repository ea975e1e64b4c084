"""VAT: the worst small perturbation, found by one power iteration."""

import math

import cases
import keras
import numpy as np
import numpy_oracle as oracle
import pytest
from keras import ops

from keras_ssl import backend
from keras_ssl.methods import VAT
from keras_ssl.methods.vat import unit

BATCH = cases.batch(VAT, 0)
VIEWS, LABELS = BATCH
IMAGES = oracle.scaled(VIEWS["weak"]).astype("float32")
EPSILON = 8 * math.sqrt(8 * 8 * 1 / 3072)  # of 8 x 8 x 1 images by default


def perturbation(made):
    """r_adv of the unlabeled batch, in NumPy."""
    with backend.scope():
        (clean,) = made.logits(oracle.tensor(IMAGES))
        r = made.perturbation(oracle.tensor(IMAGES), ops.stop_gradient(clean))
    return ops.convert_to_numpy(r)


def norms(r):
    return np.sqrt(np.sum(np.square(r.astype(np.float64)), axis=(1, 2, 3)))


@pytest.fixture(scope="module")
def made():
    return oracle.at_progress(cases.model("vat"), 0.5)


@pytest.fixture(scope="module")
def r(made):
    return perturbation(made)


# unit -------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1e-9, 1e-4, 1.0, 1e10, 1e30])
def test_unit_gives_norm_1_to_tiny_and_huge_gradients(scale):
    x = np.random.default_rng(0).normal(0, 1, (3, 4, 4, 2)) * scale
    found = ops.convert_to_numpy(unit(oracle.tensor(x.astype("float32"))))
    # 1e-12 is added to the largest entry, 1e-6 to the norm
    np.testing.assert_allclose(norms(found), 1.0, rtol=2e-3)
    expected = x / norms(x)[:, None, None, None]
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=1e-6)


def test_unit_normalizes_each_example_by_itself_and_leaves_zero_zero():
    x = np.zeros((2, 2, 2, 1), "float32")
    x[1, 0, 0, 0], x[1, 1, 1, 0] = 3.0, -4.0
    found = ops.convert_to_numpy(unit(oracle.tensor(x)))
    np.testing.assert_array_equal(found[0], 0.0)
    np.testing.assert_allclose(found[1], x[1] / 5.0, rtol=3e-6)


# The perturbation -------------------------------------------------------------


def test_the_default_epsilon_is_the_authors_8_scaled_to_the_image(r):
    np.testing.assert_allclose(norms(r), EPSILON, rtol=1e-5)


@pytest.mark.parametrize("epsilon", [0.25, 3.0])
def test_a_given_epsilon_is_the_norm_of_the_perturbation(made, r, epsilon):
    found = perturbation(cases.model("vat", epsilon=epsilon))
    np.testing.assert_allclose(norms(found), epsilon, rtol=1e-5)
    # the same direction
    np.testing.assert_allclose(
        found / epsilon, r / EPSILON, rtol=1e-3, atol=1e-5
    )


def test_it_changes_the_prediction_more_than_random_ones_of_its_norm(made, r):
    (clean,) = oracle.network_logits(made.network, IMAGES)

    def divergence(r):
        (perturbed,) = oracle.network_logits(made.network, IMAGES + r)
        return oracle.kl_divergence(clean, perturbed).mean()

    rng = np.random.default_rng(0)
    found = divergence(r)
    for _ in range(20):
        other = rng.normal(size=r.shape)
        other *= EPSILON / norms(other)[:, None, None, None]
        assert found > divergence(other.astype("float32"))


def test_for_a_linear_network_it_is_the_gradient_by_hand():
    made = cases.model(
        "vat", network=cases.plain_network(), epsilon=2.0, xi=0.3
    )
    kernel, bias = (
        ops.convert_to_numpy(v).astype(np.float64)
        for v in made.network.trainable_variables
    )
    images = IMAGES.reshape(len(IMAGES), -1).astype(np.float64)
    noise = np.cos(13.0 * images)  # the noise of these cases
    start = 0.3 * noise / np.linalg.norm(noise, axis=1, keepdims=True)
    q = oracle.softmax(images @ kernel + bias)
    p = oracle.softmax((images + start) @ kernel + bias)
    gradient = (p - q) @ kernel.T  # of KL(q || p) by the perturbation
    expected = 2.0 * gradient / np.linalg.norm(gradient, axis=1, keepdims=True)
    found = perturbation(made).reshape(expected.shape)
    # p - q is a small difference of float32 numbers
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-3)


# The objective ----------------------------------------------------------------


def test_the_objective_equals_the_oracle():
    made = cases.model("vat", unlabeled_weight=3.0, entropy_weight=0.5)
    r = perturbation(made)
    terms, _ = oracle.evaluate(oracle.at_progress(made, 0.1), BATCH)
    (labeled,) = oracle.network_logits(made.network, VIEWS["labeled"])
    (clean,) = oracle.network_logits(made.network, IMAGES)
    (perturbed,) = oracle.network_logits(made.network, IMAGES + r)
    weight = 0.25 * 3.0  # a quarter of the ramp over the first 40 %
    assert terms == {
        "supervised": pytest.approx(
            np.mean(oracle.cross_entropy(LABELS, labeled)), rel=1e-5
        ),
        "smoothness": pytest.approx(
            weight * np.mean(oracle.kl_divergence(clean, perturbed)), rel=1e-4
        ),
        "entropy": pytest.approx(
            weight * 0.5 * np.mean(oracle.entropy(clean)), rel=1e-5
        ),
    }
    assert terms["smoothness"] > 1e-3


@pytest.mark.parametrize(
    ("progress", "weight"), [(0.0, 0.0), (0.2, 0.5), (0.4, 1.0), (0.9, 1.0)]
)
def test_the_weight_rises_over_the_first_40_percent(progress, weight):
    full, _ = oracle.evaluate(
        oracle.at_progress(cases.model("vat", ramp=0.0), 0.5), BATCH
    )
    found, _ = oracle.evaluate(
        oracle.at_progress(cases.model("vat"), progress), BATCH
    )
    for name in ("smoothness", "entropy"):
        assert full[name] > 1e-3
        assert found[name] == pytest.approx(weight * full[name], rel=1e-5)


def test_the_extra_passes_leave_the_moving_statistics_alone(made):
    batch = oracle.tensors(BATCH)

    def two_passes():
        made.logits(batch["labeled"])
        made.logits(batch["weak"])

    found = oracle.statistics(made, lambda: made.objective(batch))
    for one, expected in zip(
        found, oracle.statistics(made, two_passes), strict=True
    ):
        np.testing.assert_allclose(one, expected, rtol=1e-5, atol=1e-6)


def test_the_gradient_is_that_of_a_constant_perturbation_and_target(made, r):
    (clean,) = oracle.network_logits(made.network, IMAGES)
    log_q = ops.log_softmax(oracle.tensor(clean))
    images = oracle.tensor(IMAGES + r)

    def with_constants():
        (perturbed,) = made.logits(images)
        row = ops.exp(log_q) * (log_q - ops.log_softmax(perturbed))
        return ops.sum(row) / len(IMAGES)

    found = oracle.term_gradients(made, BATCH, "smoothness")
    assert max(np.abs(gradient).max() for gradient in found) > 1e-3
    # r itself, out of differences of float32 numbers, is good to three digits
    oracle.assert_same_gradients(
        found, oracle.gradients(made, with_constants), tolerance=2e-3
    )


# The noise --------------------------------------------------------------------


def test_the_noise_is_drawn_afresh_and_decided_by_the_seed():
    images = oracle.tensor(IMAGES)
    draws = {
        seed: [
            ops.convert_to_numpy(made.noise(images))
            for made in [VAT(cases.plain_network(), seed=seed)] * 2
        ]
        for seed in (0, 1)
    }
    first, second = draws[0]
    assert first.shape == IMAGES.shape
    assert abs(first.mean()) < 5 / math.sqrt(first.size)
    assert first.std() == pytest.approx(1.0, abs=5 / math.sqrt(first.size))
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, draws[1][0])
    again = VAT(cases.plain_network(), seed=0)
    np.testing.assert_array_equal(
        ops.convert_to_numpy(again.noise(images)), first
    )


def test_the_noise_comes_from_the_generator_that_is_saved():
    made = VAT(cases.plain_network())
    states = [v for v in made.variables if v.name == "seed_generator_state"]
    assert made.random.state in states
    before = ops.convert_to_numpy(made.random.state).tolist()
    made.noise(oracle.tensor(IMAGES))
    assert ops.convert_to_numpy(made.random.state).tolist() != before
    assert isinstance(made.random, keras.random.SeedGenerator)
