"""M1: labels never shape the code."""

import cases
import numpy as np
import numpy_oracle as oracle
import pytest
import variational_oracle as slow

from keras_ssl.methods import M1

BATCH = cases.batch(M1, 0)
VIEWS, LABELS = BATCH


@pytest.fixture(scope="module")
def made():
    return cases.model("m1")


def mean_of(made, image):
    """The code of one uint8 image, in NumPy."""
    x = image.astype("float64").ravel() / 255
    return slow.gaussian_of(made.network.get_layer("encoder"), x)[0]


def bound(made, image, decoder):
    """Of log p of one uint8 image, in NumPy."""
    x = slow.bits(image).ravel()
    q = slow.gaussian_of(made.network.get_layer("encoder"), x)
    p = slow.network(decoder, slow.drawn(*q))["logits"]
    return slow.log_bernoulli(x, p) - slow.divergence(*q)


def test_the_objective_equals_the_oracle(made):
    terms, _ = oracle.evaluate(made, BATCH)
    classifier = made.network.get_layer("classifier")
    logits = [
        slow.network(classifier, mean_of(made, image))["logits"]
        for image in VIEWS["labeled"]
    ]
    bounds = [bound(made, image, made.decoder) for image in VIEWS["unlabeled"]]
    assert terms == {
        "supervised": pytest.approx(
            np.mean(oracle.cross_entropy(LABELS, logits)), rel=1e-5
        ),
        "unlabeled": pytest.approx(-np.mean(bounds), rel=1e-5),
        "prior": pytest.approx(
            slow.prior(made.trainable_variables, cases.POOL), rel=1e-5
        ),
    }


def test_labels_do_not_reach_the_encoder(made):
    encoder = made.network.get_layer("encoder").trainable_variables
    of_encoder = {id(variable) for variable in encoder}
    gradients = oracle.term_gradients(made, BATCH, "supervised")
    for variable, gradient in zip(
        made.network.trainable_variables, gradients, strict=True
    ):
        assert (np.abs(gradient).max() == 0) == (id(variable) in of_encoder)


def test_predictions_are_made_of_the_mean_of_the_code(made):
    images = VIEWS["labeled"]
    classifier = made.network.get_layer("classifier")
    expected = [
        slow.network(classifier, mean_of(made, image))["logits"]
        for image in images
    ]
    found = made.predict(images, verbose=0)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_it_draws_rebuilds_and_encodes(made):
    images = VIEWS["labeled"]
    code = made.encode(images)
    np.testing.assert_allclose(
        code, [mean_of(made, image) for image in images], rtol=1e-4, atol=1e-5
    )
    p = [slow.network(made.decoder, z)["logits"] for z in code]
    expected = 255 / (1 + np.exp(-np.array(p)))
    found = made.reconstruct(images).reshape(len(images), -1)
    assert np.abs(found - expected).max() < 0.51
    drawn = made.generate(3)
    assert drawn.shape == (3, *cases.SHAPE)
    assert not np.array_equal(drawn[0], drawn[1])
    with pytest.raises(ValueError, match="cannot draw an image of a given"):
        made.generate(3, [0, 1, 2])
