"""Policies as data: JSON and back, readable, checked when they are made."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from keras_ssl import _core
from keras_ssl.data import policies
from keras_ssl.data.policies import Op, Policy, Stage

SHIPPED = [
    policies.identity(),
    policies.weak(flip=False),
    policies.weak(flip=True),
    policies.strong(flip=False),
    policies.strong(flip=True, draws=1),
    Policy([policies.rand_augment(draws=0)]),
    policies.medium(flip=True),
    policies.kekmodel(flip=True),
    policies.google(flip=False),
    policies.ct_augment(flip=True),
    policies.ct_augment(flip=True, learned=False, cutout=False),
    policies.simclr(flip=True),
    policies.simclr(flip=True, size=(16, 24), blur=0.5),
    policies.rotated(policies.strong(flip=True)),
    policies.resize((16, 24)),
    policies.center_crop((16, 24)),
]


@pytest.mark.parametrize("policy", SHIPPED)
def test_survives_json(policy):
    config = json.loads(json.dumps(policy.to_config()))
    assert config == policy.to_config()
    assert Policy.from_config(config) == policy
    assert hash(Policy.from_config(config)) == hash(policy)


@pytest.mark.parametrize("policy", SHIPPED)
def test_the_core_applies_it(policy):
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), "uint8")
    shown = _core.apply_policy(policy.to_config(), image, 0, 0, "a", "b")
    assert shown.shape == (*(policy.size or (32, 32)), 3)


@pytest.mark.parametrize("policy", SHIPPED)
def test_repr_makes_it_again(policy):
    names = {"Op": Op, "Stage": Stage, "Policy": Policy}
    assert eval(repr(policy), names) == policy


def test_repr_is_readable():
    assert repr(policies.weak(flip=True)) == (
        "Policy([Op('crop', 0.125, 0.125), Op('flip', probability=0.5)])"
    )


def test_config_by_hand():
    assert policies.weak(flip=True).to_config() == [
        [1, [["crop", 1.0, 0.125, 0.125]]],
        [1, [["flip", 0.5, 0.0, 0.0]]],
    ]


def test_strong_is_weak_then_rand_augment_then_cutout():
    stages = policies.strong(flip=True).stages
    assert stages[:2] == policies.weak(flip=True).stages
    assert stages[2] == policies.rand_augment(3)
    assert stages[3] == Stage((Op("cutout", 0, 0.5),))
    assert len({op.name for op in stages[2].ops}) == len(stages[2].ops) == 14


def values_of(policy, name):
    """The nine values of an op, lowest level first."""
    (op,) = (
        op for stage in policy.stages for op in stage.ops if op.name == name
    )
    assert (op.levels, op.probability) == (9, 0.5)
    return [op.low + k * (op.high - op.low) / 8 for k in range(9)]


LEVELS = range(1, 10)


def test_kekmodel_by_its_formulas():
    policy = policies.kekmodel(flip=True, size=40)
    assert [int(v) for v in values_of(policy, "posterize")] == [
        int(level * 4 / 10) + 4 for level in LEVELS
    ]
    # a threshold cuts where the next whole number does
    assert [math.ceil(v) for v in values_of(policy, "solarize")][::-1] == [
        256 - int(level * 256 / 10) for level in LEVELS
    ]
    assert [int(v) for v in values_of(policy, "shift_x")] == [
        int(level / 10 * 0.3 * 40) for level in LEVELS
    ]
    np.testing.assert_allclose(
        values_of(policy, "rotate"), [int(level * 30 / 10) for level in LEVELS]
    )
    np.testing.assert_allclose(
        values_of(policy, "color"),
        [level / 10 * 0.9 + 0.05 for level in LEVELS],
    )
    assert policy.stages[-1].ops[0].high * 40 == 16


def test_google_by_its_formulas():
    policy = policies.google(flip=True)
    assert [int(v) for v in values_of(policy, "posterize")][::-1] == [
        4 - int(level * 4 / 10) for level in LEVELS
    ]
    assert [math.ceil(v) for v in values_of(policy, "solarize")][::-1] == [
        256 - int(level * 256 / 10) for level in LEVELS
    ]
    np.testing.assert_allclose(
        values_of(policy, "contrast"),
        [level * 1.8 / 10 + 0.1 for level in LEVELS],
    )
    assert [int(v) for v in values_of(policy, "shift_y")] == list(LEVELS)
    assert 1 + int(policy.stages[-1].ops[0].high * 32) == 16


def test_ct_augment_has_the_ops_of_the_reference():
    (stage,) = (s for s in policies.ct_augment(flip=True).stages if s.learned)
    assert stage.draws == 2
    assert len(stage.ops) == len({op.name for op in stage.ops}) == 19


def test_policies_add_up():
    both = policies.weak(flip=True) + policies.resize((8, 8))
    assert both.stages[0].ops[0].name == "crop"
    assert both.size == (8, 8)


def test_policies_are_frozen():
    with pytest.raises(AttributeError):
        Op("invert").low = 3


@pytest.mark.parametrize("name", policies.OPS)
def test_core_knows_every_op_and_the_same_limits(name):
    image = np.zeros((4, 4, 3), "uint8")
    limits = policies.OPS[name] or (0.0, 1.0)
    low, high = (0.5, 0.5) if name == "crop" else limits
    config = Policy([Op(name, low, high)]).to_config()
    _core.apply_policy(config, image, 0, 0, "a", "b")
    if policies.OPS[name] is None:
        return
    for low, high in ((limits[0] - 0.1, limits[0]), (limits[1], limits[1] + 1)):
        with pytest.raises(ValueError, match="expected"):
            Op(name, low, high)
        with pytest.raises(ValueError, match="expected"):
            _core.apply_policy(
                [[1, [[name, 1.0, low, high]]]], image, 0, 0, "a", "b"
            )


@given(some.floats(), some.floats(), some.floats())
def test_python_and_core_agree_on_numbers(low, high, probability):
    image = np.zeros((4, 4, 3), "uint8")
    stages = [[1, [["rotate", probability, low, high]]]]
    try:
        Op("rotate", low, high, probability)
    except ValueError:
        with pytest.raises(ValueError, match="expected"):
            _core.apply_policy(stages, image, 0, 0, "a", "b")
    else:
        _core.apply_policy(stages, image, 0, 0, "a", "b")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Op("rotat"), "unknown op 'rotat'. Did you mean rotate"),
        (lambda: Op("qqq"), "unknown op 'qqq'. There are: identity"),
        (lambda: Op("flip", probability=2), r"probability in \[0, 1\]"),
        (lambda: Op("rotate", 3, 1), r"low <= high for 'rotate', received"),
        (lambda: Op("shear_x", 0, 2), r"within \[-1.0, 1.0\] for 'shear_x'"),
        (lambda: Op("crop", 0, 0.5), "expected low == high < 1"),
        (lambda: Stage(()), "a stage of one `Op` or more"),
        (lambda: Stage(("flip",)), "a stage of one `Op` or more"),
        (lambda: Stage((Op("flip"),), -1), "at least 0, received -1"),
        (lambda: Stage((Op("flip"),), 1.5), "whole number of draws"),
        (lambda: Policy(["flip"]), "a policy of `Op` and `Stage`"),
        (lambda: Op("rotate", 0, 1, levels=-1), "whole number of levels"),
        (lambda: Op("blur", 0, 1, either_sign=True), "negative values"),
        (lambda: Stage((Op("flip"),), 2, distinct=True), "2 draws of 1"),
        (lambda: Stage((Op("flip"),), probability=-1), "for a stage"),
        (lambda: Policy((Op("resize"),), (0, 8)), "size .height, width."),
    ],
)
def test_refuses(make, message):
    with pytest.raises(ValueError, match=message):
        make()
