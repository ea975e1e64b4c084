"""Denoising: corruption of images and the error of what comes back."""

import math

import cases
import keras
import numpy as np
import numpy_oracle as oracle
import pytest
from keras import ops

from keras_ssl.denoising import Denoising

IMAGES = np.random.default_rng(0).uniform(0, 1, (50, *cases.SHAPE))
IMAGES = IMAGES.astype("float32")


def made(**arguments):
    return Denoising(cases.plain_network(), **arguments)


def corrupted(model):
    return ops.convert_to_numpy(model.corrupted(oracle.tensor(IMAGES)))


def test_without_noise_and_masking_images_stay_as_they_are():
    np.testing.assert_array_equal(corrupted(made(noise_std=0.0)), IMAGES)


def test_noise_has_the_given_deviation_and_is_drawn_afresh():
    model = made(noise_std=0.2)
    noise = corrupted(model) - IMAGES
    margin = 5 / math.sqrt(noise.size)
    assert noise.std() == pytest.approx(0.2, rel=margin)
    assert abs(noise.mean()) < 0.2 * margin
    assert not np.array_equal(corrupted(model) - IMAGES, noise)


def test_masking_sets_a_part_of_the_values_to_0_before_noise_comes_on_top():
    found = corrupted(made(noise_std=0.0, masking=0.3))
    kept = found != 0
    np.testing.assert_array_equal(found[kept], IMAGES[kept])
    margin = 5 * math.sqrt(0.21 / kept.size)
    assert kept.mean() == pytest.approx(0.7, abs=margin)
    model = made(noise_std=0.5, masking=0.3)
    model.kept = ops.zeros_like
    model.noise = ops.ones_like
    np.testing.assert_allclose(corrupted(model), 0.5)


def test_with_dropout_the_rest_is_scaled_up():
    model = made(noise_std=0.0, masking=0.2)
    model.dropout = True
    found = corrupted(model)
    kept = found != 0
    np.testing.assert_allclose(found[kept], IMAGES[kept] / 0.8, rtol=1e-6)


def test_the_seed_decides_the_corruption():
    one, same, other = (
        corrupted(made(noise_std=0.3, masking=0.5, seed=seed))
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("masking", [-0.1, 1.0])
def test_a_masking_that_is_no_part_is_refused(masking):
    with pytest.raises(ValueError, match=f"0 <= masking < 1.*{masking}"):
        made(masking=masking)


def test_the_error_is_half_the_squared_distance_of_an_image():
    model = made()
    model.decoder = keras.layers.Reshape(cases.SHAPE)
    codes = np.zeros((50, 64), "float32")
    codes[:, 0] = 3.0
    difference = IMAGES.reshape(50, 64).astype(np.float64) - codes
    found = model.reconstruction_error(
        oracle.tensor(IMAGES), oracle.tensor(codes)
    )
    expected = np.mean([0.5 * row @ row for row in difference])
    assert float(found) == pytest.approx(expected, rel=1e-5)
