"""The joint autoencoder: cross-entropy and a reconstruction from the code."""

import cases
import keras
import numpy as np
import numpy_oracle as oracle
import pytest
from keras import ops

from keras_ssl.methods import AutoEncoder

BATCH = cases.batch(AutoEncoder, 0)
VIEWS, LABELS = BATCH


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def weights_of(model):
    return [
        ops.convert_to_numpy(v).astype(np.float64)
        for v in model.trainable_variables
    ]


def through(made, images):
    """Corrupted float64 images to logits, code and reconstruction."""
    kernel, bias, head, head_bias = weights_of(made.network)
    x = images + made.noise_std * np.cos(13.0 * images)
    before = x.reshape(len(x), -1) @ kernel + bias
    code = before * sigmoid(before)
    back, back_bias = weights_of(made.decoder)
    rebuilt = sigmoid(code @ back + back_bias)
    return code @ head + head_bias, code, rebuilt.reshape(images.shape)


def test_the_objective_equals_the_oracle():
    made = cases.model("auto_encoder", unlabeled_weight=0.25, noise_std=0.4)
    terms, _ = oracle.evaluate(made, BATCH)
    logits, _, _ = through(made, VIEWS["labeled"] / 255)
    images = VIEWS["unlabeled"] / 255
    _, _, rebuilt = through(made, images)
    error = 0.5 * np.square(images - rebuilt).sum(axis=(1, 2, 3)).mean()
    assert terms == {
        "supervised": pytest.approx(
            np.mean(oracle.cross_entropy(LABELS, logits)), rel=1e-5
        ),
        "reconstruction": pytest.approx(0.25 * error, rel=1e-5),
    }


def test_the_last_layer_learns_from_labels_alone():
    made = cases.model("auto_encoder")
    reconstruction = oracle.term_gradients(made, BATCH, "reconstruction")
    assert [bool(g.any()) for g in reconstruction] == [True, True, False, False]
    supervised = oracle.term_gradients(made, BATCH, "supervised")
    assert all(g.any() for g in supervised)


def test_the_target_is_the_clean_image_and_takes_no_gradient_of_its_own():
    made = cases.model("auto_encoder")
    other = cases.batch(AutoEncoder, 1)
    found = oracle.evaluate(made, BATCH)[0]["reconstruction"]
    made.corrupted = lambda images: ops.zeros_like(images)
    blind = oracle.evaluate(made, BATCH)[0]["reconstruction"]
    assert blind != pytest.approx(found, rel=1e-3)
    # of the same blank code, but another clean image
    assert blind != oracle.evaluate(made, other)[0]["reconstruction"]


def test_the_decoder_learns_and_a_given_one_is_used():
    decoder = keras.Sequential(
        [keras.Input((12,)), keras.layers.Dense(64, "tanh"),
         keras.layers.Reshape(cases.SHAPE)], name="mine"
    )  # fmt: skip
    made = cases.model("auto_encoder", decoder=decoder)
    assert made.decoder is decoder
    before = [v.copy() for v in weights_of(decoder)]
    made.compile(total_steps=10)
    made.train_on_batch(*BATCH)
    for old, new in zip(before, weights_of(decoder), strict=True):
        assert np.abs(old - new).max() > 1e-5
    again = AutoEncoder.from_config(made.get_config())
    assert again.decoder.name == "mine"
    assert again.decoder.layers[0].activation is keras.activations.tanh


def test_it_rebuilds_and_encodes_without_corruption_but_does_not_draw():
    made = cases.model("auto_encoder", noise_std=0.0)
    images = VIEWS["unlabeled"]
    _, code, rebuilt = through(made, images / 255)
    np.testing.assert_allclose(made.encode(images), code, atol=1e-5)
    made.noise_std = 1.0
    found = made.reconstruct(images)
    assert found.dtype == np.uint8
    assert np.abs(found - np.rint(255 * rebuilt)).max() <= 1
    with pytest.raises(NotImplementedError, match="generate images"):
        made.generate(3)
