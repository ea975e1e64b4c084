"""Networks of variational autoencoders: what is given meets in one layer."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_ssl import networks
from keras_ssl.networks import vae

Dense = keras.layers.Dense


def random(*shape):
    return np.random.default_rng(0).normal(0, 1, shape).astype("float32")


def numbers(tensor):
    return ops.convert_to_numpy(tensor)


def dense_layers(model):
    return [layer for layer in model.layers if isinstance(layer, Dense)]


def test_softplus_is_log_1_plus_exp():
    x = np.array([-90.0, -3.0, 0.0, 3.0, 90.0], "float32")
    expected = np.logaddexp(0.0, x.astype("float64"))
    np.testing.assert_allclose(
        numbers(vae.softplus(ops.convert_to_tensor(x))),
        expected, rtol=1e-6, atol=1e-7,
    )  # fmt: skip


def test_the_first_layer_is_one_of_the_concatenation():
    made = vae.Logits((3, 2), 4, hidden=(5,), activation="linear")
    first, second, last = dense_layers(made)
    assert [layer.use_bias for layer in (first, second, last)] == [
        True, False, True,
    ]  # fmt: skip
    a, b = random(6, 1, 3), random(6, 1, 2)
    kernel = np.concatenate([numbers(first.kernel), numbers(second.kernel)])
    expected = np.concatenate([a, b], axis=-1) @ kernel
    expected = expected @ numbers(last.kernel)
    np.testing.assert_allclose(
        numbers(made([a, b])), expected, rtol=1e-4, atol=1e-5
    )


def test_what_is_shared_is_broadcast():
    made = vae.Gaussian((3, 2), 4, hidden=(5, 6))
    for variable in made.trainable_variables:
        variable.assign(random(*variable.shape))
    images, classes = random(6, 1, 3), random(1, 7, 2)
    mean, log_variance = made([images, classes])
    assert mean.shape == log_variance.shape == (6, 7, 4)
    for found, other in zip(
        (mean, log_variance), made([images[2:3], classes[:, 4:5]]), strict=True
    ):
        np.testing.assert_allclose(
            numbers(found)[2, 4], numbers(other)[0, 0], rtol=1e-4, atol=1e-5
        )


def test_the_variance_begins_at_1():
    made = vae.Gaussian((3,), 4)
    _, log_variance = made(random(6, 1, 3))
    np.testing.assert_array_equal(numbers(log_variance), 0.0)


@pytest.mark.parametrize("scale", [1e-3, 0.2])
def test_the_scale_is_the_first_weights_standard_deviation(scale):
    made = vae.Logits((300, 10), 100, hidden=(200,), scale=scale)
    for layer in dense_layers(made):
        assert numbers(layer.kernel).std() == pytest.approx(scale, rel=0.1)


def test_normalization_comes_with_a_momentum():
    made = vae.Gaussian((3,), 4, hidden=(5, 6), momentum=0.7)
    found = [
        layer.momentum
        for layer in made.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    assert found == [0.7, 0.7]


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("dense_classifier", 785 * 500 + 501 * 10),
        (
            "code_classifier",
            785 * 500 + 501 * 500 + 2 * 501 * 50 + 51 * 300 + 301 * 10,
        ),
        (
            "auxiliary_classifier",
            (785 + 2 + 501 + 2 + 2 * 100 / 500 * 501) * 500
            + (885 + 2 + 501 + 2) * 500 + 501 * 10,
        ),
    ],
)  # fmt: skip
def test_the_sizes_of_the_papers(name, count):
    made = networks.get(name)()
    found = sum(int(np.prod(v.shape)) for v in made.trainable_variables)
    assert found == count
    assert made.output_shape == (None, 10)


def test_classifiers_of_codes_take_the_mean():
    made = networks.CodeClassifier(4, (5, 5, 1), (7,), 3, (6,))
    images = random(2, 5, 5, 1)
    mean, _ = made.get_layer("encoder")(images.reshape(2, 1, 25))
    expected = made.get_layer("classifier")(mean)
    np.testing.assert_allclose(
        numbers(made(images)), numbers(expected)[:, 0], rtol=1e-5
    )


def test_they_are_saved_and_loaded(tmp_path):
    made = networks.CodeClassifier(4, (5, 5, 1), (7,), 3, (6,))
    made.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras")
    images = random(2, 5, 5, 1)
    np.testing.assert_array_equal(numbers(again(images)), numbers(made(images)))
    assert again.get_layer("encoder").layers[2].activation is vae.softplus
