"""ADGM and SDGM: an auxiliary variable between image and class."""

import cases
import numpy as np
import numpy_oracle as oracle
import pytest
import variational_oracle as slow

from keras_ssl.methods import ADGM

BATCH = cases.batch(ADGM, 0)
VIEWS, LABELS = BATCH
ALPHA, LABELED, POOL = 0.02, 8, cases.POOL
NAMES = ["adgm", "sdgm"]


def auxiliary(made, x):
    q = slow.gaussian_of(made.network.get_layer("auxiliary"), x)
    return slow.drawn(*q), q


def bound(made, name, x, a, q_of_a, label):
    """-L(x, y) of one image of bits."""
    y = np.eye(cases.CLASSES)[label]
    q = slow.gaussian_of(made.encoder, x, a, y)
    z = slow.drawn(*q)
    if name == "adgm":
        p_of_x = slow.network(made.decoder, z, y)["logits"]
        p_of_a = slow.gaussian_of(made.auxiliary_decoder, z, y, x)
    else:
        p_of_x = slow.network(made.decoder, a, z, y)["logits"]
        p_of_a = slow.gaussian_of(made.auxiliary_decoder, z, y)
    return (
        slow.log_bernoulli(x, p_of_x)
        + slow.log_gaussian(a, *p_of_a)
        - slow.log_gaussian(a, *q_of_a)
        - slow.divergence(*q)
        - np.log(cases.CLASSES)
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_objective_equals_the_oracle(name):
    made = cases.model(name, alpha=ALPHA)
    terms, _ = oracle.evaluate(made, BATCH)
    classifier = made.network.get_layer("classifier")

    def seen(image):
        x = slow.bits(image).ravel()
        a, q = auxiliary(made, x)
        return slow.network(classifier, a, x)["logits"], x, a, q

    known, error = [], []
    for image, label in zip(VIEWS["labeled"], LABELS, strict=True):
        logits, *given = seen(image)
        known.append(bound(made, name, *given, label))
        error.append(oracle.cross_entropy([label], logits[None])[0])
    guessed = []
    for image in VIEWS["unlabeled"]:
        logits, *given = seen(image)
        each = [bound(made, name, *given, y) for y in range(cases.CLASSES)]
        guessed.append(slow.marginalized(logits, each))
    beta = ALPHA * POOL / LABELED
    assert terms == {
        "supervised": pytest.approx(
            beta * np.mean(error) - np.mean(known), rel=1e-5
        ),
        "unlabeled": pytest.approx(-np.mean(guessed), rel=1e-5),
        "prior": pytest.approx(
            slow.prior(made.trainable_variables, POOL), rel=1e-5
        ),
    }


def test_several_samples_are_an_average_over_draws():
    made = cases.model("adgm", samples=3)
    drawn = []

    def noise(like):
        drawn.append(tuple(like.shape))
        return cases.ops.cos(13.0 * like)

    made.noise = noise
    # with equal draws for all samples nothing changes
    once, _ = oracle.evaluate(cases.model("adgm"), BATCH)
    thrice, _ = oracle.evaluate(made, BATCH)
    assert thrice == pytest.approx(once, rel=1e-5)
    labeled, unlabeled = len(LABELS), len(VIEWS["unlabeled"])
    assert drawn[0] == (3 * (labeled + unlabeled), 1, 5)


@pytest.mark.parametrize("name", NAMES)
def test_it_rebuilds_and_encodes_with_the_means(name):
    made = cases.model(name)
    image = VIEWS["labeled"][0]
    x = image.astype("float64").ravel() / 255
    a, _ = slow.gaussian_of(made.network.get_layer("auxiliary"), x)
    classifier = made.network.get_layer("classifier")
    logits = slow.network(classifier, a, x)["logits"]
    np.testing.assert_allclose(
        made.predict(image[None], verbose=0)[0], logits, rtol=1e-4, atol=1e-5
    )
    y = np.eye(cases.CLASSES)[logits.argmax()]
    z, _ = slow.gaussian_of(made.encoder, x, a, y)
    np.testing.assert_allclose(
        made.encode(image[None])[0], z, rtol=1e-4, atol=1e-5
    )
    given = (z, y) if name == "adgm" else (a, z, y)
    p = slow.network(made.decoder, *given)["logits"]
    found = made.reconstruct(image[None])[0].ravel()
    assert np.abs(found - 255 / (1 + np.exp(-p))).max() < 0.51


@pytest.mark.parametrize("name", NAMES)
def test_it_draws_images_of_the_classes_asked_for(name):
    made = cases.model(name)
    images = made.generate(3, [0, 1, 3])
    assert images.shape == (3, *cases.SHAPE)
    assert len({image.tobytes() for image in images}) == 3
    np.testing.assert_array_equal(images, made.generate(3, [0, 1, 3]))
    assert not np.array_equal(images, made.generate(3, [0, 1, 3], seed=1))


def test_the_rate_falls_by_a_quarter_after_each_fifth():
    made = cases.model("adgm")
    rate = made.default_optimizer(1000)._learning_rate
    found = [float(rate(step)) for step in (0, 199, 200, 400, 999)]
    expected = 3e-4 * 0.75 ** np.array([0, 0, 1, 2, 4])
    np.testing.assert_allclose(found, expected, rtol=1e-5)
