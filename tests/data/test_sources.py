"""Unlabeled batches of several sources, in whole proportions."""

import numpy as np
import pytest

import keras_ssl.data
from keras_ssl.data.sources import mixed


@pytest.fixture(scope="module")
def split():
    return keras_ssl.data.load("digits").split(2, validation_per_class=3)


WEB = np.arange(40 * 64, dtype=np.uint32).astype(np.uint8)
WEB = WEB.reshape(40, 8, 8, 1)
OLD = WEB[:9] // 2


def test_the_splits_own_images_alone(split):
    (own,) = mixed(split, 12)
    assert own.images is split.dataset.train[0]
    assert own.rows is split.unlabeled
    assert (own.name, own.items) == ("own", 12)
    assert own.pool("unlabeled")[0] == "unlabeled"
    np.testing.assert_array_equal(own.truth, split.labels_of_unlabeled)


def test_parts_of_a_batch(split):
    own, old, web = mixed(
        split,
        24,
        {"old": OLD[..., 0], "web": WEB},
        {"web": np.int64(2), "own": 5, "old": 1},
    )
    assert [s.items for s in (own, old, web)] == [15, 3, 6]
    assert np.shares_memory(web.images, WEB)
    assert old.images.shape == (9, 8, 8, 1)
    assert old.rows is web.rows is None
    assert web.truth.tolist() == [-1] * 40
    assert web.pool("other")[0] == "other/web"


def test_a_memory_map_stays_one(split, tmp_path):
    np.save(tmp_path / "web.npy", WEB)
    mapped = np.load(tmp_path / "web.npy", mmap_mode="r")
    _, web = mixed(split, 2, {"web": mapped}, {"own": 1, "web": 1})
    assert isinstance(web.images, np.memmap)


@pytest.mark.parametrize(
    ("sources", "ratio", "message"),
    [
        ({"own": WEB}, {"own": 1}, "other than 'own'.* received 'own'"),
        ({"a/b": WEB}, {"own": 1, "a/b": 1}, "without '/'.* received 'a/b'"),
        ({"": WEB}, {"own": 1, "": 1}, "received ''"),
        ({0: WEB}, {"own": 1, 0: 1}, "received 0"),
        ({"web": WEB}, None, "such as {'own': 1, 'web': 1}; received None"),
        ({"web": WEB}, {"web": 1}, "parts of 'own', 'web', .* {'web': 1}"),
        (None, {"own": 1, "web": 1}, "parts of 'own', such as"),
        ({"web": WEB}, {"own": 1, "web": 0}, "received 0 for 'web'"),
        ({"web": WEB}, {"own": 0.5, "web": 1}, "received 0.5 for 'own'"),
        ({"web": WEB}, {"own": 5, "web": 2}, "7 in all, must divide .* for 24"),
        (
            {"web": WEB[:, :4]},
            {"own": 1, "web": 1},
            r"source 'web' images .* \(8, 8, 1\); received \(4, 8, 1\)",
        ),
        (
            {"web": WEB / 255},
            {"own": 1, "web": 1},
            "source 'web' images must be uint8.*float64",
        ),
    ],
)
def test_sources_that_do_not_fit(split, sources, ratio, message):
    with pytest.raises(ValueError, match=message):
        mixed(split, 24, sources, ratio)
