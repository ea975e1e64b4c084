"""Drawing splits: balanced, long-tailed, nested, the same everywhere."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from keras_ssl.data import Split, from_arrays, load
from keras_ssl.data.draw import long_tailed_counts


def made_of(labels, num_classes):
    labels = np.asarray(labels)
    images = (np.arange(len(labels) * 4) % 251).astype(np.uint8)
    return from_arrays(
        (images.reshape(-1, 2, 2, 1), labels), num_classes=num_classes
    )


@some.composite
def data_and_request(draw):
    """A data set in which every class has enough labels for the request."""
    num_classes = draw(some.integers(1, 5))
    asked = draw(some.integers(1, 4))
    held_out = draw(some.integers(0, 3))
    extra = draw(some.lists(some.integers(-1, num_classes - 1), max_size=20))
    enough = list(range(num_classes)) * (asked + held_out)
    labels = draw(some.permutations(enough + extra))
    return made_of(labels, num_classes), asked, held_out


seeds = some.integers(-(2**70), 2**70)


@settings(deadline=None)
@given(data_and_request(), seeds)
def test_balanced_disjoint_and_complete(request_, seed):
    data, asked, held_out = request_
    split = data.split(asked, seed, held_out)
    labels = data.train[1]
    classes = np.arange(data.num_classes)
    assert labels[split.labeled].tolist() == np.repeat(classes, asked).tolist()
    assert (
        labels[split.validation_indices].tolist()
        == np.repeat(classes, held_out).tolist()
    )
    everyone = [*split.unlabeled, *split.validation_indices]
    assert sorted(everyone) == list(range(len(labels)))
    assert set(split.labeled) <= set(split.unlabeled)
    assert len(set(split.labeled)) == len(split.labeled)
    for indices in (split.labeled, split.unlabeled, split.validation_indices):
        assert indices.dtype == np.int64


@settings(deadline=None)
@given(data_and_request(), seeds)
def test_more_labels_contain_fewer(request_, seed):
    data, asked, held_out = request_
    more = data.split(asked, seed, held_out)
    for fewer_asked in range(1, asked):
        fewer = data.split(fewer_asked, seed, held_out)
        assert set(fewer.labeled) <= set(more.labeled)
        np.testing.assert_array_equal(
            fewer.validation_indices, more.validation_indices
        )


@settings(deadline=None)
@given(data_and_request(), seeds)
def test_drawing_again_gives_the_same(request_, seed):
    data, asked, held_out = request_
    once, again = (data.split(asked, seed, held_out) for _ in range(2))
    for part in ("labeled", "unlabeled", "validation_indices"):
        np.testing.assert_array_equal(getattr(once, part), getattr(again, part))


def test_recorded_draw():
    """No release may change these: published results depend on them."""
    data = load("digits")
    assert data.split(2, seed=0).labeled.tolist() == [
        *(974, 1029, 1107, 753, 306, 463, 477, 192, 87, 1023),
        *(46, 808, 392, 282, 1265, 948, 404, 923, 942, 1119),
    ]
    assert data.split(1, seed=1).labeled.tolist() == [
        *(812, 947, 917, 691, 1091, 661, 989, 819, 1149, 1262)
    ]
    held_out = data.split(1, seed=0, validation_per_class=1)
    assert held_out.validation_indices.tolist() == [
        *(396, 856, 1179, 60, 225, 391, 750, 182, 352, 975)
    ]


def test_requests_that_cannot_be_met():
    data = made_of([0, 0, 0, 1, -1], 3)
    with pytest.raises(ValueError, match=r"class 1 \('1'\) has 1 labels"):
        data.split(2)
    with pytest.raises(ValueError, match=r"class 2 \('2'\) has 0 labels"):
        data.split(1)
    with pytest.raises(ValueError, match="needs 4: 1 labeled, 0 .* 3 for val"):
        data.split(1, validation_per_class=3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"labels_per_class": 0}, "labels_per_class must .* at least 1"),
        ({"labels_per_class": 1.5}, "received 1.5"),
        (
            {"labels_per_class": 1, "validation_per_class": -1},
            "validation_per_class must .* at least 0",
        ),
        ({"labels_per_class": 1, "seed": "a"}, "seed must be an integer;"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        load("digits").split(**arguments)


@settings(deadline=None)
@given(data_and_request(), seeds)
def test_given_labels(request_, seed):
    data, _, held_out = request_
    split = data.split_given(seed, held_out)
    labels = data.train[1]
    known = [*split.labeled, *split.validation_indices]
    assert sorted(known) == np.flatnonzero(labels >= 0).tolist()
    everyone = [*split.unlabeled, *split.validation_indices]
    assert sorted(everyone) == list(range(len(labels)))
    held_out_labels = labels[split.validation_indices]
    assert np.bincount(held_out_labels, minlength=1).tolist() == [
        *[held_out] * (data.num_classes if held_out else 1)
    ]
    assert (np.diff(labels[split.labeled]) >= 0).all()
    assert (split.seed, split.labels_per_class) == (seed, None)


def test_given_labels_hold_out_what_the_balanced_draw_does():
    data = load("digits")
    np.testing.assert_array_equal(
        data.split_given(4, 5).validation_indices,
        data.split(2, 4, 5).validation_indices,
    )


def test_given_labels_file(tmp_path):
    data = made_of([0, 1, -1, 1, -1, 0], 2)
    split = data.split_given()
    assert split.labeled_counts.tolist() == [2, 2]
    split.save(tmp_path / "split.json")
    again = Split.load(tmp_path / "split.json", data)
    np.testing.assert_array_equal(again.labeled, split.labeled)
    np.testing.assert_array_equal(again.unlabeled, split.unlabeled)


def test_given_labels_that_leave_a_class_without():
    with pytest.raises(ValueError, match=r"class 1 \('1'\) has 0 .* needs 1"):
        made_of([0, 2, -1], 3).split_given()
    with pytest.raises(ValueError, match=r"class 1 .* needs 3: 1 labeled"):
        made_of([0, 0, 0, 1, 1], 2).split_given(validation_per_class=2)


@pytest.mark.parametrize(
    ("first", "imbalance", "counts"),
    [
        # as the reference implementations print them for CIFAR-10-LT
        (1500, 100, [1500, 899, 539, 323, 193, 116, 69, 41, 25, 15]),
        (3000, 100, [3000, 1798, 1078, 646, 387, 232, 139, 83, 50, 30]),
        (3000, -100, [30, 50, 83, 139, 232, 387, 646, 1078, 1798, 3000]),
        # by hand: 1500 * 150 ** (-k / 9), cut
        (1500, 150, [1500, 859, 492, 282, 161, 92, 53, 30, 17, 10]),
        (500, 100, [500, 299, 179, 107, 64, 38, 23, 13, 8, 5]),
        (7, 1, [7] * 10),
        (0, 50, [0] * 10),
    ],
)
def test_counts_of_long_tails(first, imbalance, counts):
    assert long_tailed_counts(first, 10, imbalance) == counts


def test_counts_of_few_classes():
    assert long_tailed_counts(8, 1, 4) == [8]
    assert long_tailed_counts(8, 2, 4) == [8, 2]
    assert long_tailed_counts(9, 3, -9) == [1, 3, 9]


@pytest.fixture(scope="module")
def many():
    """Three classes of 40 images and ten without a label."""
    return made_of([*[0, 1, 2] * 40, *[-1] * 10], 3)


@pytest.mark.parametrize("reverse", [1, -1])
def test_long_tailed(many, reverse):
    split = many.split_long_tailed(18, 20, 9, 4 * reverse, 5, 2)
    labels = many.train[1]
    assert split.labeled_counts.tolist() == [18, 6, 2]
    more = np.array([20, 10, 5])[::reverse]
    pool = np.bincount(labels[split.unlabeled], minlength=3)
    assert pool.tolist() == [18 + more[0], 6 + more[1], 2 + more[2]]
    assert set(split.labeled) <= set(split.unlabeled)
    assert (np.diff(split.unlabeled) > 0).all()
    assert not set(split.validation_indices) & set(split.unlabeled)
    held_out = labels[split.validation_indices]
    assert np.bincount(held_out).tolist() == [2, 2, 2]
    assert (split.seed, split.labels_per_class) == (5, None)
    again = many.split_long_tailed(18, 20, 9, 4 * reverse, 5, 2)
    np.testing.assert_array_equal(again.unlabeled, split.unlabeled)
    other = many.split_long_tailed(18, 20, 9, 4 * reverse, 6, 2)
    assert set(other.labeled) != set(split.labeled)


def test_long_tailed_labels_are_those_of_the_balanced_draw(many):
    split = many.split_long_tailed(4, 10, 4, seed=3)
    balanced = many.split(4, seed=3)
    assert set(split.labeled) <= set(balanced.labeled)
    assert split.labeled[:4].tolist() == balanced.labeled[:4].tolist()
    larger = many.split_long_tailed(8, 10, 4, seed=3)
    assert set(split.labeled) <= set(larger.labeled)


def test_long_tailed_with_the_same_imbalance_by_default(many):
    split = many.split_long_tailed(4, 20, 4)
    assert np.bincount(split.labels_of_unlabeled).tolist() == [24, 12, 6]


def test_long_tailed_with_all_images_unlabeled(many):
    split = many.split_long_tailed(16, None, 4, validation_per_class=1)
    assert split.labeled_counts.tolist() == [16, 8, 4]
    assert len(split.unlabeled) == 130 - 3
    assert (split.labels_of_unlabeled < 0).sum() == 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((31, 10, 2), "has 40 labels; the split needs 41: 31 labeled, 10 fur"),
        ((10, 31, 2), "needs 41: 10 labeled, 31 further unlabeled and 0 for"),
        ((20, 20, 2, 2, 0, 1), r"class 0 \('0'\) .* needs 41: .* and 1 for"),
        ((4, 10, 5), "labeled_first=4 with imbalance=5 leaves a class"),
        ((4, 10, 0.5), "at least 1, or at most -1 .* received 0.5"),
        ((4, 10, 2, float("nan")), "received nan"),
        ((4, 10, float("inf")), "received inf"),
        ((0, 10, 2), "labeled_first must be an integer of at least 1"),
        ((4, 1.5, 2), "unlabeled_first must be an integer of at least 0"),
        ((4, None, 2, 2), "unlabeled_imbalance=2 needs unlabeled_first"),
    ],
)
def test_long_tails_that_cannot_be_drawn(many, arguments, message):
    with pytest.raises(ValueError, match=message):
        many.split_long_tailed(*arguments)


def test_long_tailed_file(tmp_path, many):
    split = many.split_long_tailed(18, 20, 9, -4, 5, 2)
    split.save(tmp_path / "split.json")
    again = Split.load(tmp_path / "split.json", many)
    for part in ("labeled", "unlabeled", "validation_indices"):
        np.testing.assert_array_equal(
            getattr(again, part), getattr(split, part)
        )
    assert (again.seed, again.labels_per_class) == (5, None)


def test_recorded_long_tail():
    """No release may change these: published results depend on them."""
    split = load("digits").split_long_tailed(3, 4, imbalance=3, seed=0)
    assert split.labeled.tolist() == [
        *(974, 1029, 786, 1107, 753, 306, 463, 477, 192, 87),
        *(46, 392, 1265, 404, 942),
    ]
    assert split.unlabeled.tolist() == [
        *(15, 46, 87, 185, 192, 209, 282, 306, 333, 366, 392, 404, 463, 477),
        *(591, 606, 648, 724, 729, 753, 786, 808, 861, 923, 926, 942, 948),
        *(974, 1023, 1029, 1052, 1107, 1119, 1187, 1265),
    ]
