"""CRMatch: features that tell the strength of a view."""

import cases
import numpy as np
import numpy_oracle as oracle
import pytest

from keras_ssl.methods import CRMatch

BATCH = cases.batch(CRMatch, 0)
VIEWS, LABELS = BATCH


def test_the_objective_equals_the_oracle():
    made = cases.model("crmatch")
    images = [oracle.scaled(VIEWS[name]) for name in CRMatch.views]
    labeled, weak, strong, _ = oracle.network_logits(made.network, *images)
    features = [oracle.features(made.network, view) for view in images]
    p = oracle.softmax(weak)
    guess, mask = p.argmax(axis=1), p.max(axis=1) >= 0.5
    assert 0 < mask.sum() < len(mask)
    # around the mean of the features, so that there are both signs
    kernel, bias = made.strength.trainable_variables
    mean = np.concatenate(features[1:3]).mean(axis=0)
    bias.assign(-mean @ oracle.value(kernel))
    one, other = (oracle.head(made.strength, f) for f in features[1:3])
    cosine = np.array(
        [
            a @ b / np.linalg.norm(a) / np.linalg.norm(b)
            for a, b in zip(one, other, strict=True)
        ]
    )
    assert cosine.min() < 0 < cosine[mask].max()
    turned = oracle.head(made.turns, features[3])
    found, monitors = oracle.evaluate(made, BATCH)
    expected = {
        "supervised": oracle.cross_entropy(LABELS, labeled),
        "unlabeled": mask * oracle.cross_entropy(guess, strong),
        "distance": mask * np.maximum(cosine, 0),
        "rotation": oracle.cross_entropy(VIEWS["turns/rotated"], turned),
    }
    for name, values in expected.items():
        assert found[name] == pytest.approx(np.mean(values), rel=1e-4), name
    assert monitors["mask_rate"] == pytest.approx(mask.mean())
