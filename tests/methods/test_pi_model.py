"""Pi-model: two views, one prediction, gradient through both."""

import cases
import numpy as np
import numpy_oracle as oracle
import pytest
from keras import ops

from keras_ssl.methods import PiModel

BATCH = cases.batch(PiModel, 0)


def test_the_objective_equals_the_oracle():
    made = cases.model("pi_model", unlabeled_weight=3.0)
    terms, _ = oracle.evaluate(oracle.at_progress(made, 0.1), BATCH)
    views, labels = BATCH
    labeled, first, second = oracle.network_logits(
        made.network, views["labeled"], views["first"], views["second"]
    )
    distance = (oracle.softmax(first) - oracle.softmax(second)) ** 2
    assert terms == {
        "supervised": pytest.approx(
            np.mean(oracle.cross_entropy(labels, labeled)), rel=1e-5
        ),
        # over examples and classes; a quarter of the ramp
        "unlabeled": pytest.approx(0.25 * 3.0 * np.mean(distance), rel=1e-5),
    }


@pytest.mark.parametrize(
    ("progress", "weight"), [(0.0, 0.0), (0.2, 0.5), (0.4, 1.0), (0.9, 1.0)]
)
def test_the_weight_rises_over_the_first_40_percent(progress, weight):
    full, _ = oracle.evaluate(
        oracle.at_progress(cases.model("pi_model", ramp=0.0), 0.5), BATCH
    )
    found, _ = oracle.evaluate(
        oracle.at_progress(cases.model("pi_model"), progress), BATCH
    )
    assert full["unlabeled"] > 0.01
    assert found["unlabeled"] == pytest.approx(
        weight * full["unlabeled"], rel=1e-5
    )


def test_two_equal_views_cost_nothing():
    made = oracle.at_progress(
        cases.model("pi_model", network=cases.plain_network()), 1.0
    )
    views, labels = BATCH
    terms, _ = oracle.evaluate(
        made, ({**views, "second": views["first"]}, labels)
    )
    assert terms["unlabeled"] == 0.0


def test_the_gradient_flows_through_both_branches():
    made = oracle.at_progress(
        cases.model("pi_model", unlabeled_weight=1.0), 1.0
    )
    views, _ = BATCH

    def with_stopped(branch):
        def distance():
            _, *pair = made.logits(
                *(
                    oracle.tensor(views[v])
                    for v in ("labeled", "first", "second")
                )
            )
            pair[branch] = ops.stop_gradient(pair[branch])
            first, second = map(ops.softmax, pair)
            return ops.mean(ops.square(first - second))

        return oracle.gradients(made, distance)

    through_first, through_second = with_stopped(1), with_stopped(0)
    for gradients in (through_first, through_second):
        assert max(np.abs(g).max() for g in gradients) > 1e-3
    oracle.assert_same_gradients(
        oracle.term_gradients(made, BATCH, "unlabeled"),
        [a + b for a, b in zip(through_first, through_second, strict=True)],
    )
