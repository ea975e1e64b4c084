"""SSLClassifier: what scikit-learn expects of a classifier."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

from keras_ssl import SSLClassifier


def blobs(rows=60, seed=0):
    """Two classes of rows far from each other, and one useless feature."""
    rng = np.random.default_rng(seed)
    labels = np.arange(rows) % 2
    table = rng.normal(0, 0.3, (rows, 5)) + 10 * labels[:, None]
    table[:, 4] = 7.0
    return table, labels


def small(**kwargs):
    return SSLClassifier(
        epochs=1, steps_per_epoch=30, batch_size=4, unlabeled_ratio=2, **kwargs
    )


def test_a_table_with_few_labels_is_learned():
    table, labels = blobs()
    known = np.where(np.arange(60) < 6, labels, -1)
    classifier = small().fit(table, known)
    assert classifier.classes_.tolist() == [0, 1]
    assert classifier.n_features_in_ == 5
    test, truth = blobs(seed=1)
    assert classifier.score(test, truth) == 1.0
    probabilities = classifier.predict_proba(test)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.once
def test_labels_may_be_words_and_the_same_seed_gives_the_same_model():
    table, labels = blobs()
    words = np.array(["hot", "cold"], object)[labels]
    words[20:] = ""
    one, other = (small().fit(table, words) for _ in range(2))
    assert one.classes_.tolist() == ["cold", "hot"]
    assert set(one.predict(table)) == {"cold", "hot"}
    np.testing.assert_array_equal(
        one.predict_proba(table), other.predict_proba(table)
    )


@pytest.mark.once
def test_images_stay_images(digits):
    images, labels = digits.dataset.train
    known = np.full(len(labels), -1)
    known[digits.labeled] = labels[digits.labeled]
    classifier = small(network="mlp").fit(images[..., 0], known)
    assert classifier.predict(images[:7]).shape == (7,)
    with pytest.raises(ValueError, match="expected images, as fit got"):
        classifier.predict(np.zeros((2, 3)))


@pytest.mark.once
def test_what_scikit_learn_expects_of_arguments():
    classifier = small(arguments={"threshold": 0.8})
    assert clone(classifier).get_params() == classifier.get_params()
    with pytest.raises(NotFittedError):
        classifier.predict(np.zeros((2, 3)))
    table, labels = blobs(6)
    with pytest.raises(ValueError, match="at least two classes; received 1"):
        classifier.fit(table, np.where(labels, -1, 0))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        classifier.fit(table, labels[:3])
    with pytest.raises(ValueError, match="NaN"):
        classifier.fit(np.full((6, 2), np.nan), labels)
    with pytest.raises(ValueError, match="Did you mean fixmatch"):
        small(method="fixmach").fit(table, labels)
    with pytest.raises(ValueError, match="shows images rotated, which rows"):
        small(method="crmatch").fit(table, labels)
    with pytest.raises(ValueError, match="requires y to be passed"):
        small().fit(table, None)


# Checks of scikit-learn that cannot hold for it, and why.
EXPECTED_FAILURES = {
    "check_classifiers_classes": "its labels are -1 and 1, and -1 is how "
    "scikit-learn's own semi-supervised estimators mark an unknown label",
}


@pytest.mark.slow
@pytest.mark.once
@parametrize_with_checks(
    [SSLClassifier(epochs=1, steps_per_epoch=20, batch_size=16)],
    expected_failed_checks=lambda estimator: EXPECTED_FAILURES,
)
def test_what_scikit_learn_checks_of_an_estimator(estimator, check):
    check(estimator)
