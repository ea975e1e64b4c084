"""Noise: the documented function of image, sigma and words."""

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from image_strategies import images

from keras_ssl import _core

pytestmark = pytest.mark.usefixtures("engine")

QUANTILES = np.array(
    [round(NormalDist().inv_cdf((i + 0.5) / 4096) * 1024) for i in range(4096)]
)


def words_for(image, seed):
    generator = np.random.default_rng(seed)
    return generator.integers(0, 2**32, (image.size + 1) // 2, "uint32")


def expected(image, sigma, words):
    halves = np.stack([words & 0xFFFF, words >> 16], axis=-1).ravel()
    noise = QUANTILES[halves[: image.size] >> 4].reshape(image.shape)
    noisy = image + (sigma / 1024) * noise
    return np.floor(np.clip(noisy, 0, 255) + 0.5).astype("uint8")


@settings(deadline=None, max_examples=200)
@given(
    images(),
    some.floats(0, 80) | some.sampled_from([0.0, 0.25, 1e6]),
    some.integers(0, 2**32),
)
def test_add_noise(image, sigma, seed):
    before = image.copy()
    words = words_for(image, seed)
    np.testing.assert_array_equal(
        _core.add_noise(image, sigma, words), expected(image, sigma, words)
    )
    np.testing.assert_array_equal(image, before)


def test_every_quantile():
    # 1024 / 12 gray levels show every single step of the table.
    words = (np.arange(2048, dtype="uint32") << 5) | (
        (np.arange(2048, dtype="uint32") * 2 + 1) << 20
    )
    image = np.full((64, 64, 1), 128, "uint8")
    for sigma in (1024.0, 34.0, 1.0):
        np.testing.assert_array_equal(
            _core.add_noise(image, sigma, words),
            expected(image, sigma, words),
        )
    # One unit of the table is one gray level here, up to the limits.
    levels = _core.add_noise(image, 1024.0, words).ravel().astype(int) - 128
    np.testing.assert_array_equal(levels, np.clip(QUANTILES, -128, 127))


def test_quantiles_by_hand():
    assert QUANTILES[4095] == 3756  # 3.668
    assert QUANTILES[2048] == 0
    white = np.full((1, 2, 1), 200, "uint8")
    words = np.array([0xFFFF0000], "uint32")
    # 200 -+ 10 * 3.668
    assert _core.add_noise(white, 10.0, words).ravel().tolist() == [163, 237]


def test_moments():
    image = np.full((256, 256, 3), 128, "uint8")
    noisy = _core.add_noise(image, 20.0, words_for(image, 0)).astype(float)
    assert abs(noisy.mean() - 128) < 0.2
    assert abs(noisy.std() - 20) < 0.1


@pytest.mark.parametrize(
    ("sigma", "words", "message"),
    [
        (-1.0, np.zeros(8, "uint32"), r"a sigma in \[0, 1e6\], received -1"),
        (float("nan"), np.zeros(8, "uint32"), "a sigma in"),
        (1.0, np.zeros(7, "uint32"), r"at least 8 words .* shape \(7,\)"),
        (1.0, np.zeros(8, "int64"), "dtype uint32, received int64"),
    ],
)
def test_refuses(sigma, words, message):
    with pytest.raises(ValueError, match=message):
        _core.add_noise(np.zeros((4, 4, 1), "uint8"), sigma, words)
