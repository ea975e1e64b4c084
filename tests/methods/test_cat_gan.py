"""CatGAN: sure of real images, unsure of drawn ones."""

import cases
import numpy as np
import numpy_oracle as oracle
import pytest
from keras import ops

from keras_ssl import backend
from keras_ssl.methods import CatGAN

BATCH = cases.batch(CatGAN, 0)
VIEWS, LABELS = BATCH


def entropy_of_mean(logits):
    mean = oracle.softmax(logits).mean(axis=0)
    return -np.sum(mean * np.log(mean))


def drawn_images(made, n):
    with backend.scope():
        return ops.convert_to_numpy(made.fake(made.latent(n)))


@pytest.fixture
def made():
    return cases.model("cat_gan", network=cases.plain_network())


def test_the_objective_equals_the_oracle(made):
    labeled, real, drawn = oracle.network_logits(
        made.network,
        VIEWS["labeled"] / 255.0,
        VIEWS["unlabeled"] / 255.0,
        drawn_images(made, len(VIEWS["unlabeled"])),
    )
    terms, _ = oracle.evaluate(made, BATCH)
    expected = np.mean(oracle.entropy(real)) - np.mean(oracle.entropy(drawn))
    assert terms == {
        "supervised": pytest.approx(
            np.mean(oracle.cross_entropy(LABELS, labeled)), rel=1e-5
        ),
        "unlabeled": pytest.approx(expected - entropy_of_mean(real), rel=1e-5),
    }


def test_the_generator_wants_its_images_to_be_classes_too(made):
    images = drawn_images(made, len(VIEWS["generator"]))
    (drawn,) = oracle.network_logits(made.network, images)
    with backend.scope():
        loss = made.generator_loss(oracle.tensors(BATCH))
    expected = np.mean(oracle.entropy(drawn)) - entropy_of_mean(drawn)
    assert float(ops.convert_to_numpy(loss)) == pytest.approx(
        expected, rel=1e-5
    )


def loss_of(made, real, drawn):
    loss = made.unlabeled_loss(
        oracle.tensor(np.asarray(real, "float32")),
        oracle.tensor(np.asarray(drawn, "float32")),
    )
    return float(ops.convert_to_numpy(loss))


def test_its_best_is_sure_balanced_classes_and_undecided_drawn_images(made):
    sure, unsure = 50.0 * np.eye(4), np.zeros((4, 4))
    assert loss_of(made, sure, unsure) == pytest.approx(-2.0 * np.log(4.0))
    # all in one class; real images undecided; drawn ones sure
    one_class = np.repeat(sure[:1], 4, axis=0)
    assert loss_of(made, one_class, unsure) == pytest.approx(-np.log(4.0))
    assert loss_of(made, unsure, unsure) == pytest.approx(-np.log(4.0))
    assert loss_of(made, sure, sure) == pytest.approx(-np.log(4.0))


def test_it_draws_images(made):
    images = made.generate(3)
    assert images.shape == (3, *cases.SHAPE)
    assert images.std() > 0
