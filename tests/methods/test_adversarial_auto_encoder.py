"""The adversarial autoencoder: four steps, each on variables of its own."""

import cases
import keras
import numpy as np
import numpy_oracle as oracle
import pytest
from keras import ops

from keras_ssl.methods import AdversarialAutoEncoder

NAME = "adversarial_auto_encoder"
BATCH = cases.batch(AdversarialAutoEncoder, 0)
VIEWS, LABELS = BATCH
PARTS = ("reconstruction", "discriminators", "adversarial", "supervised")


def noise(x):
    """That of these cases."""
    return np.cos(13.0 * x)


def softplus(x):
    return np.logaddexp(0, x)


def dense(layer, x):
    kernel, bias = (
        ops.convert_to_numpy(v).astype(float) for v in layer.weights
    )
    return x @ kernel + bias


def dense_layers(model):
    return [x for x in model.layers if isinstance(x, keras.layers.Dense)]


def through(made, images):
    """Float64 images to logits, codes and what is rebuilt."""
    hidden, logits = dense_layers(made.network)
    x = images
    if made.masking:
        x = x * (noise(x) > 0) / (1 - made.masking)
    x = x + made.noise_std * noise(x)
    x = dense(hidden, x.reshape(len(x), -1))
    x = x / (1 + np.exp(-x))
    y = dense(logits, x)
    style = dense(made.encoder.get_layer("style"), x)
    codes = np.concatenate([oracle.softmax(y), style], axis=1)
    return y, codes, decoded(made, codes).reshape(images.shape)


def decoded(made, x):
    *hidden, last = dense_layers(made.decoder)
    for layer in hidden:
        x = np.maximum(dense(layer, x), 0)
    return 1 / (1 + np.exp(-dense(last, x)))


def judged(made, codes):
    """Logits of both discriminators, `(batch, 2)`."""
    layers, found = dense_layers(made.critics), []
    for part in (codes[:, : cases.CLASSES], codes[:, cases.CLASSES :]):
        own = [x for x in layers if x.kernel.shape[0] == part.shape[1]]
        assert len(own) == 1
        x, layer = part, own[0]
        for _ in range(2):
            x = np.maximum(dense(layer, x), 0)
            (layer,) = (
                node.operation
                for node in after(after_activation(layer))
                if isinstance(node.operation, keras.layers.Dense)
            )
        found.append(dense(layer, x))
    return np.concatenate(found, axis=1)


def after(layer):
    return layer._outbound_nodes


def after_activation(layer):
    return after(layer)[0].operation


def expected_terms(made):
    images = VIEWS["unlabeled"] / 255
    _, codes, rebuilt = through(made, images)
    logits, _, _ = through(made, VIEWS["labeled"] / 255)
    drawn = noise(codes)
    prior = np.concatenate(
        [
            np.eye(cases.CLASSES)[drawn[:, : cases.CLASSES].argmax(axis=1)],
            drawn[:, cases.CLASSES :],
        ],
        axis=1,
    )
    fake, true = judged(made, codes), judged(made, prior)
    return {
        "reconstruction": 0.5
        * np.square(images - rebuilt).sum(axis=(1, 2, 3)).mean(),
        "discriminators": (softplus(-true) + softplus(fake)).sum(axis=1).mean(),
        "adversarial": softplus(-fake).sum(axis=1).mean(),
        "supervised": oracle.cross_entropy(LABELS, logits).mean(),
    }


def test_every_term_equals_the_oracle():
    made = cases.model(NAME, noise_std=0.2, masking=0.4)
    with_discriminators = (*made.terms, "discriminators")
    found = made.objective(oracle.tensors(BATCH), with_discriminators)
    expected = expected_terms(made)
    assert {
        name: float(ops.convert_to_numpy(value))
        for name, value in found.items()
    } == {
        name: pytest.approx(value, rel=1e-5) for name, value in expected.items()
    }


def test_the_first_step_reports_the_terms_of_the_weights_that_it_meets():
    made = cases.model(NAME)
    expected = expected_terms(made)
    still = {part: keras.optimizers.SGD(0.0) for part in PARTS}
    made.compile(still, total_steps=10)
    logs = made.train_on_batch(*BATCH, return_dict=True)
    loss = logs.pop("loss")
    assert logs == {
        name: pytest.approx(value, rel=1e-5) for name, value in expected.items()
    }
    assert loss == pytest.approx(sum(logs[name] for name in made.terms))


@pytest.mark.parametrize("part", PARTS)
def test_each_step_changes_the_variables_of_its_part_and_no_others(part):
    made = cases.model(NAME)
    rates = {name: 0.1 * (name == part) for name in PARTS}
    made.compile(
        {name: keras.optimizers.SGD(rate) for name, rate in rates.items()},
        total_steps=10,
    )
    before = {
        v.path: ops.convert_to_numpy(v).copy() for v in made.trainable_variables
    }
    made.train_on_batch(*BATCH)
    changed = {
        v.path
        for v in made.trainable_variables
        if not np.array_equal(before[v.path], ops.convert_to_numpy(v))
    }
    assert changed == {v.path for v in made.parts()[part]}


def test_the_parts_share_the_encoder_and_the_networks_are_disjoint():
    made = cases.model(NAME)
    parts = {
        name: {v.path for v in found} for name, found in made.parts().items()
    }
    network = {v.path for v in made.network.trainable_variables}
    assert parts["supervised"] == network
    assert len(parts["adversarial"] - network) == 2  # the style's layer
    assert parts["adversarial"] < parts["reconstruction"]
    assert not parts["discriminators"] & parts["reconstruction"]
    everything = {v.path for v in made.trainable_variables}
    assert everything == parts["reconstruction"] | parts["discriminators"]


# Codes -----------------------------------------------------------------------


def test_the_code_is_class_probabilities_and_style():
    made = cases.model(NAME, masking=0.0)
    codes = made.encode(VIEWS["unlabeled"])
    _, expected, rebuilt = through(made, VIEWS["unlabeled"] / 255)
    np.testing.assert_allclose(codes, expected, atol=1e-5)
    np.testing.assert_allclose(codes[:, : cases.CLASSES].sum(axis=1), 1, 1e-5)
    found = made.reconstruct(VIEWS["unlabeled"])
    assert np.abs(found - np.rint(255 * rebuilt)).max() <= 1


@pytest.fixture(scope="module")
def open_code():
    """A model whose images are its codes, so that what is drawn can be seen."""
    decoder = keras.Sequential(
        [keras.Input((64,)), keras.layers.Reshape(cases.SHAPE)]
    )
    style_size = 64 - cases.CLASSES
    return cases.model(NAME, decoder=decoder, style_size=style_size)


def test_it_draws_the_classes_it_is_asked_for(open_code):
    labels = [2, 0, 3, 3]
    drawn = open_code.generate(4, labels).reshape(4, 64)
    np.testing.assert_array_equal(drawn[:, :4], 255 * np.eye(4)[labels])
    # a normal number is below 0 in half of all cases
    below = np.mean(open_code.generate(100).reshape(100, 64)[:, 4:] == 0)
    assert below == pytest.approx(0.5, abs=5 * 0.5 / np.sqrt(6000))


def test_without_labels_each_class_is_as_likely(open_code):
    drawn = open_code.generate(2000).reshape(2000, 64)[:, :4]
    np.testing.assert_array_equal(drawn.sum(axis=1), 255)
    shares = (drawn == 255).mean(axis=0)
    np.testing.assert_allclose(shares, 0.25, atol=5 * np.sqrt(0.1875 / 2000))


def test_the_seed_decides_what_is_drawn(open_code):
    one, same, other = (open_code.generate(5, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
