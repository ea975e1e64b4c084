"""Tables as bytes: levels, data sets and views of rows."""

import numpy as np
import pytest

from keras_ssl import _core
from keras_ssl.data import from_table
from keras_ssl.data.tables import Levels, table_policies


def rows(n=40, features=14, seed=0):
    return np.random.default_rng(seed).normal(3.0, 10.0, (n, features))


def test_a_deviation_is_32_levels_and_the_mean_127():
    table = np.array([[-1.0, 5.0], [1.0, 5.0]])
    levels = Levels.of(table)
    shown = levels([[0, 5], [1, 6], [-1, 4], [2.5, 9], [100, -100]])
    assert shown.dtype == np.uint8
    assert shown.shape == (5, 1, 2, 1)
    assert shown[:, 0, :, 0].tolist() == [
        [127, 127], [159, 159], [95, 95], [207, 255], [255, 0],
    ]  # fmt: skip


def test_a_constant_feature_is_in_the_middle_whatever_sums_round():
    table = np.full((7, 1), 0.1)
    assert (Levels.of(table)(table) == 127).all()


def test_a_table_becomes_a_data_set_with_views_of_its_own():
    table = rows()
    labels = np.r_[0, 1, np.full(38, -1)]
    data = from_table((table, labels), (table[:3] * 2, [0, 1, 1]))
    assert data.image_shape == (1, 14, 1)
    np.testing.assert_array_equal(data.train[0], Levels.of(table)(table))
    np.testing.assert_array_equal(data.test[0], Levels.of(table)(table[:3] * 2))
    assert {
        "weak": data.weak,
        "medium": data.medium,
        "strong": data.strong,
    } == (table_policies(14))
    assert len(data.split_given().labeled) == 2


def views(name, features, draws=200):
    """Many views of one row that lies a deviation above all means."""
    image = np.full((1, features, 1), 159, np.uint8)
    config = table_policies(features)[name].to_config()
    shown = [
        _core.apply_policy(config, image, 0, k, "stream", name)
        for k in range(draws)
    ]
    return np.stack(shown)[:, 0, :, 0].astype(float)


def test_the_weak_view_is_noise_of_a_sixteenth_of_a_deviation():
    shown = views("weak", 21)
    assert abs(shown.mean() - 159) < 0.3
    assert abs(shown.std() - 2) < 0.2


@pytest.mark.parametrize(("name", "draws"), [("strong", 5), ("medium", 3)])
def test_the_strong_view_masks_features_by_their_mean(name, draws):
    shown = views(name, 21, draws=400)
    masked = shown == 127
    assert masked.sum(axis=1).max() == draws
    expected = 21 * (1 - (20 / 21) ** draws)  # drawn one by one
    assert abs(masked.sum(axis=1).mean() - expected) < 0.25
    assert masked.any(axis=0).all()  # the first and the last feature, too
    assert 4 < shown[~masked].std() < 7  # noise of 2 to 8 levels


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        ((rows()[0], [0]), None, r"shape \(N, features\); received .* \(14,\)"),
        ((np.array([["a", "b"]]), [0]), None, "Write words as columns"),
        ((np.full((3, 2), np.nan), [0, 1, 1]), None, "nan in row 0, feature 0"),
        ((rows(3), [0, 1]), None, "one per image; received"),
        ((rows(3), [0, 1, 1]), (rows(2, 5), [0, 1]), "must have 14 features"),
    ],
)
def test_tables_that_do_not_fit(train, test, message):
    with pytest.raises(ValueError, match=message):
        from_table(train, test)
    with pytest.raises(ValueError, match="at least 1; received 0"):
        table_policies(0)
