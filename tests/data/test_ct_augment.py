"""CTAugment: the reference's rates, and batches that follow them exactly."""

import json
import random

import numpy as np
import pytest

from keras_ssl import _core
from keras_ssl.data import policies
from keras_ssl.data.ct_augment import CTAugment

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 3), "uint8")


def sampler(ring=2, **arguments):
    return _core.Sampler(
        streams=[
            ("labeled", IMAGES, list(range(8)), 4),
            ("unlabeled", IMAGES, None, 12),
        ],
        views=[
            (
                "probe",
                "labeled",
                policies.ct_augment(
                    True, learned=False, cutout=False
                ).to_config(),
            ),
            ("strong", "unlabeled", policies.ct_augment(True).to_config()),
        ],
        seed=3,
        ring=ring,
        **arguments,
    )


def names():
    stages = policies.ct_augment(flip=True).stages
    return [op.name for op in next(s for s in stages if s.learned).ops]


def test_has_the_bins_of_the_reference():
    with sampler() as batches:
        bins = [[len(b) for b in w] for w in CTAugment(batches).weights]
    by_name = dict(zip(names(), bins, strict=True))
    assert by_name.pop("identity") == []
    assert by_name.pop("posterize") == [8]
    assert by_name.pop("rescale") == [17, 6]
    assert all(counts == [17] for counts in by_name.values())


def test_update_by_the_reference():
    """`update_rates` and `rate_to_p`, written out for a few probes."""
    with sampler() as batches:
        learner = CTAugment(batches)
        weights = [[np.ones(len(b)) for b in w] for w in learner.weights]
        generator = random.Random(0)
        for step in range(30):
            proximity = [generator.random() for _ in range(4)]
            choices, levels = batches.drawn("probe", step)
            for image in range(4):
                for slot in (2, 3):  # after crop and flip
                    op = choices[image, slot]
                    for rate, level in zip(
                        weights[op], levels[image, slot], strict=False
                    ):
                        place = int(level * len(rate) * 0.999)
                        rate[place] = (
                            rate[place] * 0.99 + proximity[image] * 0.01
                        )
            learner.update(step, proximity)
        rates = learner.rates()
        for op, of_op in enumerate(weights):
            for level, rate in enumerate(of_op):
                np.testing.assert_allclose(learner.weights[op][level], rate)
                expected = rate + 0.01
                expected /= expected.max()
                expected[expected < 0.8] = 0
                np.testing.assert_allclose(rates[op][level], expected)


def test_levels_avoid_bins_that_do_harm():
    with sampler() as batches:
        learner = CTAugment(batches)
        for of_op in learner.weights:
            for bins in of_op:
                bins[len(bins) // 2 :] = 0.1
        batches.set_rates("strong", 0, learner.rates())
        high = []
        for step in range(20):
            choices, levels = batches.drawn("strong", step)
            op = choices[:, 2:4]
            high += (
                levels[:, 2:4][op != names().index("identity")].ravel().tolist()
            )
            batches.batch(step)
        assert 0.4 < max(high) <= 0.5  # 8 of 17 bins, 4 of 8, 3 of 6


def test_what_is_learned_holds_from_its_step_on():
    with sampler() as batches, sampler() as untouched:
        learner = CTAugment(batches, delay=4)
        for of_op in learner.weights:
            for bins in of_op:
                bins[1:] = 0.0
        learner.update(0, [1.0] * 4)
        for step in range(8):
            same = np.array_equal(
                batches.batch(step)["strong"], untouched.batch(step)["strong"]
            )
            assert same == (step < 4)


@pytest.mark.parametrize("rings", [(2, 2), (0, 5), (3, 1)])
def test_goes_on_exactly(rings):
    def train(batches, learner, steps):
        shown = []
        for step in steps:
            shown.append(batches.batch(step)["strong"].tobytes())
            close = np.random.default_rng(step).random(4) ** 3
            learner.update(step, close)
        return shown

    with sampler(rings[0], threads=1) as batches:
        learner = CTAugment(batches, delay=6)
        train(batches, learner, range(10))
        state = json.loads(json.dumps(learner.state()))
        expected = train(batches, learner, range(10, 20))
    with sampler(rings[1], threads=3) as batches:
        learner = CTAugment(batches, delay=6)
        learner.restore(state)
        assert train(batches, learner, range(10, 20)) == expected
        assert len(set(expected)) == 10


def test_rates_that_were_forgotten_are_not_made_up():
    with sampler() as batches:
        rates = CTAugment(batches).rates()
        for step in range(1, 300):
            batches.set_rates("strong", step, rates)
        batches.batch(299)
        with pytest.raises(RuntimeError, match="older rates are forgotten"):
            batches.batch(3)


@pytest.mark.parametrize(
    ("view", "rates", "message"),
    [
        ("probe", [], "a view with a learned stage"),
        ("strong", [[]], "expected rates for 19 ops, received 1"),
        ("other", [], "the name of a view, received 'other'"),
        ("strong", [[[-1.0]]] * 19, "finite rates of 0 or more, received -1"),
        ("strong", [[[0.0]]] * 19, "a finite sum above 0"),
        ("strong", [[[1.0]] * 3] * 19, "at most 2 levels"),
    ],
)
def test_refuses_rates(view, rates, message):
    with sampler() as batches, pytest.raises(ValueError, match=message):
        batches.set_rates(view, 0, rates)


def test_refuses_the_wrong_proximity():
    with sampler() as batches:
        learner = CTAugment(batches)
        for proximity in ([1.0] * 3, [2.0] * 4, [float("nan")] * 4):
            with pytest.raises(ValueError, match="the proximity of 4 probes"):
                learner.update(0, proximity)
        with pytest.raises(ValueError, match="expected weights of bins"):
            learner.restore({"weights": [[[1.0]]], "coming": []})
        with pytest.raises(ValueError, match="a delay of 1 step"):
            CTAugment(batches, delay=0)
