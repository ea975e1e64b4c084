"""M1+M2: two stages, the second of the code of the first."""

import cases
import numpy as np
import numpy_oracle as oracle
import pytest
import variational_oracle as slow
from keras import ops
from test_m1 import bound as m1_bound
from test_m1 import mean_of

from keras_ssl.methods import M1M2

BATCH = cases.batch(M1M2, 0)
VIEWS, LABELS = BATCH
ALPHA, LABELED, POOL = 0.3, 8, cases.POOL
SHARE = LABELED / POOL
ACTIVE = np.array([1, 1, 0, 1, 0])


def in_stage(stage):
    made = cases.model("m1_m2", alpha=ALPHA)
    made._stage = stage
    made.spread.assign(np.where(ACTIVE, 0.2, 0.05))
    return made


def features(made, image):
    """One draw of the code of a uint8 image, what stayed noise set to 0."""
    x = image.astype("float64").ravel() / 255
    q = slow.gaussian_of(made.network.get_layer("encoder"), x)
    return ACTIVE * slow.drawn(*q)


def bound(made, x, label):
    """-L(x, y) of features."""
    y = np.eye(cases.CLASSES)[label]
    q = slow.gaussian_of(made.encoder, x, y)
    mean, log_variance = slow.gaussian_of(made.decoder, slow.drawn(*q), y)
    of_active = slow.log_gaussian(
        x[ACTIVE == 1], mean[ACTIVE == 1], log_variance[ACTIVE == 1]
    )
    constant = -0.5 * np.log(2 * np.pi) * np.sum(ACTIVE == 0)
    log_p_of_y = -np.log(cases.CLASSES)
    return of_active + constant - slow.divergence(*q) + log_p_of_y


def test_the_first_stage_is_m1_without_labels():
    made = in_stage("m1")
    terms, _ = oracle.evaluate(made, BATCH)
    bounds = [
        m1_bound(made, image, made.image_decoder)
        for image in VIEWS["unlabeled"]
    ]
    assert terms == {
        "supervised": 0.0,
        "unlabeled": pytest.approx(-np.mean(bounds), rel=1e-5),
        "prior": pytest.approx(slow.prior(made.parts()["m1"], POOL), rel=1e-5),
    }


def test_the_second_stage_is_m2_of_the_code():
    made = in_stage("m2")
    terms, _ = oracle.evaluate(made, BATCH)
    classifier = made.network.get_layer("classifier")
    labeled = [features(made, image) for image in VIEWS["labeled"]]
    known = [bound(made, x, y) for x, y in zip(labeled, LABELS, strict=True)]
    logits = [slow.network(classifier, x)["logits"] for x in labeled]
    error = oracle.cross_entropy(LABELS, logits)
    guessed = []
    for image in VIEWS["unlabeled"]:
        x = features(made, image)
        each = [bound(made, x, y) for y in range(cases.CLASSES)]
        q = slow.network(classifier, x)["logits"]
        guessed.append(slow.marginalized(q, each))
    assert terms == {
        "supervised": pytest.approx(
            ALPHA * np.mean(error) - SHARE * np.mean(known), rel=1e-5
        ),
        "unlabeled": pytest.approx(-(1 - SHARE) * np.mean(guessed), rel=1e-5),
        "prior": pytest.approx(slow.prior(made.parts()["m2"], POOL), rel=1e-5),
    }


@pytest.mark.parametrize("stage", ["m1", "m2"])
def test_a_stage_changes_its_own_part_alone(stage):
    made = in_stage(stage)
    made.compile(total_steps=10)
    before = {
        name: [ops.convert_to_numpy(v).copy() for v in part]
        for name, part in made.parts().items()
    }
    logs = made.train_on_batch(*BATCH, return_dict=True)
    assert logs["active"] == ACTIVE.sum()
    for name, part in made.parts().items():
        changed = [
            not np.array_equal(old, ops.convert_to_numpy(new))
            for old, new in zip(before[name], part, strict=True)
        ]
        assert all(changed) if name == stage else not any(changed)


def test_the_parts_are_everything_that_learns():
    made = in_stage("m1")
    parts = [v for part in made.parts().values() for v in part]
    assert len(parts) == len(made.trainable_variables)
    assert {id(v) for v in parts} == {id(v) for v in made.trainable_variables}


def test_fit_goes_from_the_first_stage_to_the_second():
    made = cases.model("m1_m2", m1_part=0.5)
    made.compile()
    history = made.fit(
        cases.Stream(M1M2, steps_per_epoch=2), epochs=4, verbose=0
    ).history
    assert [value == 0 for value in history["supervised"]] == [
        True, True, False, False,
    ]  # fmt: skip
    assert made.stage == "m2"


def test_each_stage_has_a_rate_of_its_own_that_falls_over_it():
    made = cases.model(
        "m1_m2", m1_part=0.25, learning_rate=0.4, m1_rate=0.1, annealed=True
    )
    optimizers = made.default_optimizer(100)
    for name, first, steps in (("m1", 0.1, 25), ("m2", 0.4, 75)):
        schedule = optimizers[name].get_config()["learning_rate"]["config"]
        assert schedule["initial_learning_rate"] == first
        assert schedule["decay_steps"] == steps
        assert schedule["end_learning_rate"] == 0.0


def test_the_spread_of_the_code_is_followed_while_m1_learns():
    encoder = "encoder"
    made = in_stage("m1")
    x = slow.bits(VIEWS["unlabeled"])
    means = [
        slow.gaussian_of(made.network.get_layer(encoder), image.ravel())[0]
        for image in x
    ]
    made.compile(total_steps=10)
    made.train_on_batch(*BATCH)
    expected = 0.99 * np.where(ACTIVE, 0.2, 0.05) + 0.01 * np.std(means, axis=0)
    found = ops.convert_to_numpy(made.spread)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_it_draws_rebuilds_and_encodes():
    made = in_stage("m2")
    image = VIEWS["labeled"][0]
    x = mean_of(made, image)
    classifier = made.network.get_layer("classifier")
    label = slow.network(classifier, x)["logits"].argmax()
    y = np.eye(cases.CLASSES)[label]
    z, _ = slow.gaussian_of(made.encoder, ACTIVE * x, y)
    np.testing.assert_allclose(made.encode(image[None])[0], z, rtol=1e-4)
    features, _ = slow.gaussian_of(made.decoder, z, y)
    p = slow.network(made.image_decoder, ACTIVE * features)["logits"]
    found = made.reconstruct(image[None])[0].ravel()
    assert np.abs(found - 255 / (1 + np.exp(-p))).max() < 0.51
    assert made.generate(2, [0, 3]).shape == (2, *cases.SHAPE)
