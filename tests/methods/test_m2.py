"""M2: every class tried on every image."""

import cases
import keras
import numpy as np
import numpy_oracle as oracle
import pytest
import variational_oracle as slow
from keras import ops

from keras_ssl.methods import M2

BATCH = cases.batch(M2, 0)
VIEWS, LABELS = BATCH
ALPHA, LABELED, POOL = 0.3, 8, cases.POOL
SHARE = LABELED / POOL


@pytest.fixture(scope="module")
def made():
    return cases.model("m2", network=cases.plain_network(), alpha=ALPHA)


def certain(made, logits):
    """Makes q(y|x) the same for every image."""
    kernel, bias = made.network.trainable_variables
    kernel.assign(np.zeros(kernel.shape))
    bias.assign(logits)
    return made


def bound(made, image, label):
    """-L(x, y) of one image, uint8."""
    x = slow.bits(image).ravel()
    y = np.eye(cases.CLASSES)[label]
    q = slow.gaussian_of(made.encoder, x, y)
    p = slow.network(made.decoder, slow.drawn(*q), y)["logits"]
    log_p_of_y = -np.log(cases.CLASSES)
    return slow.log_bernoulli(x, p) - slow.divergence(*q) + log_p_of_y


def logits_of(made, images):
    (logits,) = oracle.network_logits(
        made.network, slow.bits(images).astype("float32")
    )
    return logits


def test_the_objective_equals_the_oracle(made):
    terms, _ = oracle.evaluate(made, BATCH)
    known = [
        bound(made, image, label)
        for image, label in zip(VIEWS["labeled"], LABELS, strict=True)
    ]
    error = oracle.cross_entropy(LABELS, logits_of(made, VIEWS["labeled"]))
    guessed = [
        slow.marginalized(
            logits, [bound(made, image, y) for y in range(cases.CLASSES)]
        )
        for image, logits in zip(
            VIEWS["unlabeled"], logits_of(made, VIEWS["unlabeled"]), strict=True
        )
    ]
    # beta = alpha N / N_l, and s beta = alpha
    assert terms == {
        "supervised": pytest.approx(
            ALPHA * np.mean(error) - SHARE * np.mean(known), rel=1e-5
        ),
        "unlabeled": pytest.approx(-(1 - SHARE) * np.mean(guessed), rel=1e-5),
        "prior": pytest.approx(
            slow.prior(made.trainable_variables, POOL), rel=1e-5
        ),
    }


@pytest.mark.parametrize("label", [0, 2])
def test_where_q_is_certain_the_two_bounds_are_one(label):
    made = cases.model("m2", network=cases.plain_network(), alpha=0.0)
    certain(made, 100.0 * np.eye(cases.CLASSES)[label])
    views = {**VIEWS, "labeled": VIEWS["unlabeled"]}
    labels = np.full(len(views["labeled"]), label, "int32")
    terms, _ = oracle.evaluate(made, (views, labels))
    assert terms["unlabeled"] / (1 - SHARE) == pytest.approx(
        terms["supervised"] / SHARE, rel=1e-5
    )


def test_uncertainty_raises_the_bound_by_its_entropy():
    made = certain(
        cases.model("m2", network=cases.plain_network()),
        np.zeros(cases.CLASSES),
    )
    terms, _ = oracle.evaluate(made, BATCH)
    each = [
        bound(made, image, y)
        for image in VIEWS["unlabeled"]
        for y in range(cases.CLASSES)
    ]
    assert -terms["unlabeled"] / (1 - SHARE) == pytest.approx(
        np.mean(each) + np.log(cases.CLASSES), rel=1e-5
    )


def test_the_gradient_into_q_holds_the_bounds_of_the_classes_constant(made):
    bounds = oracle.tensor(
        np.array(
            [
                [bound(made, image, y) for y in range(cases.CLASSES)]
                for image in VIEWS["unlabeled"]
            ],
            "float32",
        )
    )
    x = oracle.tensor(slow.bits(VIEWS["unlabeled"]).astype("float32"))

    def with_constants():
        log_q = ops.log_softmax(made.network(x, training=True))
        each = ops.sum(ops.exp(log_q) * (log_q - bounds), axis=-1)
        return (1 - SHARE) * ops.mean(each)

    oracle.assert_same_gradients(
        oracle.term_gradients(made, BATCH, "unlabeled"),
        oracle.gradients(made, with_constants),
    )


def test_every_class_of_every_image_has_noise_of_its_own():
    made = cases.model("m2", network=cases.plain_network())
    shapes = []
    made.noise = lambda mean: shapes.append(mean.shape) or ops.zeros_like(mean)
    oracle.evaluate(made, BATCH)
    labeled, unlabeled = len(LABELS), len(VIEWS["unlabeled"])
    assert [tuple(shape) for shape in shapes] == [
        (labeled, 1, 5),
        (unlabeled, cases.CLASSES, 5),
    ]
    draws = ops.convert_to_numpy(
        M2(cases.plain_network()).noise(ops.zeros((5, 4, 3)))
    )
    assert len(np.unique(draws)) == draws.size


def test_the_loss_does_not_depend_on_how_many_of_a_batch_are_labeled(made):
    views = {**VIEWS, "labeled": np.repeat(VIEWS["labeled"], 3, axis=0)}
    found, _ = oracle.evaluate(made, (views, np.repeat(LABELS, 3)))
    expected, _ = oracle.evaluate(made, BATCH)
    assert found == pytest.approx(expected, rel=1e-5)


# Images -----------------------------------------------------------------------


def test_it_draws_images_of_the_classes_asked_for():
    made = cases.model("m2", network=cases.plain_network())
    # the bias of class 1's column turns every pixel on, of class 0's off
    for variable in made.decoder.trainable_variables:
        variable.assign(np.zeros(variable.shape))
    of_y, head = made.decoder.layers[3], made.decoder.get_layer("logits")
    assert of_y.kernel.shape[0] == cases.CLASSES
    of_y.kernel.assign(np.eye(cases.CLASSES, 7) * 50.0)
    signs = np.array([-1, 1, 0, 0, 0, 0, 0])[:, None]
    head.kernel.assign(signs * np.ones(head.kernel.shape))
    images = made.generate(3, [0, 1, 0])
    assert images.shape == (3, *cases.SHAPE)
    assert [int(image.max()) for image in images] == [0, 255, 0]
    assert [int(image.min()) for image in images] == [0, 255, 0]
    assert made.generate(4).shape == (4, *cases.SHAPE)


def test_the_code_is_the_mean_of_z_for_the_likeliest_class(made):
    image = VIEWS["labeled"][:1]
    x = image[0].astype("float64").ravel() / 255
    (logits,) = oracle.network_logits(made.network, (image / 255).astype("f4"))
    y = np.eye(cases.CLASSES)[logits[0].argmax()]
    mean, _ = slow.gaussian_of(made.encoder, x, y)
    np.testing.assert_allclose(made.encode(image)[0], mean, rtol=1e-4)
    p = slow.network(made.decoder, mean, y)["logits"]
    expected = 255 / (1 + np.exp(-p))
    found = made.reconstruct(image)[0].ravel()
    assert np.abs(found - expected).max() < 0.51


# The numbers of examples ------------------------------------------------------


def test_fit_fills_in_the_numbers_of_examples(digits, tmp_path):
    network = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(10),
        ]
    )
    made = M2(network)
    made.compile()
    batches = digits.batches(made, batch_size=4, steps_per_epoch=1)
    made.fit(batches, epochs=1, verbose=0)
    assert made.labeled_size == 20
    assert made.unlabeled_size == len(digits.unlabeled)
    made.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.labeled_size == 20
    assert again.unlabeled_size == len(digits.unlabeled)


def test_without_the_numbers_of_examples_it_says_what_to_pass():
    made = M2(cases.plain_network(), unlabeled_size=40)
    made.start(object())
    with pytest.raises(ValueError, match="labeled_size=") as error:
        made.count("labeled")
    assert "M2" in str(error.value)
    assert made.count("unlabeled") == 40
