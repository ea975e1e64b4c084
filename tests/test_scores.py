"""Scores of predictions against numbers made by hand."""

import numpy as np
import pytest

from keras_ssl.scores import calibration_error, score

pytestmark = pytest.mark.once


def test_rare_classes_count_as_much_as_frequent_ones():
    labels = [0] * 8 + [1, 1]
    guess = [0] * 8 + [0, 1]
    found = score(10.0 * np.eye(3)[guess], labels)
    assert found["accuracy"] == 0.9
    assert found["balanced_accuracy"] == pytest.approx((1 + 0.5) / 2)
    # precision 8 / 9 and recall 1; precision 1 and recall 1 / 2
    assert found["macro_f1"] == pytest.approx((16 / 17 + 2 / 3) / 2)


def test_the_loss_is_the_cross_entropy_however_large_the_logits():
    found = score([[1000.0, 0.0], [0.0, 0.0]], [1, 0])
    assert found["loss"] == pytest.approx((1000 + np.log(2)) / 2)


def test_confidence_that_is_right_as_often_has_no_error():
    p = np.array([[0.8, 0.2]] * 5)
    assert calibration_error(p, [0, 0, 0, 0, 1]) == pytest.approx(0.0)
    assert calibration_error(p, [1] * 5) == pytest.approx(0.8)


def test_bins_do_not_make_up_for_each_other():
    p = np.array([[0.9, 0.1], [0.6, 0.4]])
    assert calibration_error(p, [1, 0]) == pytest.approx((0.9 + 0.4) / 2)
    # in one bin they do
    close = np.array([[0.95, 0.05], [0.95, 0.05]])
    assert calibration_error(close, [1, 0]) == pytest.approx(0.45)


def test_full_and_even_confidence_have_bins():
    assert calibration_error(np.array([[1.0, 0.0]]), [0]) == 0.0
    even = np.full((4, 4), 0.25)
    assert calibration_error(even, [0, 1, 2, 3]) == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("logits", "labels"), [(np.zeros((0, 2)), []), (np.zeros((2, 2)), [0])]
)
def test_numbers_that_do_not_fit_are_refused(logits, labels):
    with pytest.raises(ValueError, match="as many labels"):
        score(logits, labels)
