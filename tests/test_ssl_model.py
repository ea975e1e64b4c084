"""SSLModel: the joint pass, the step, the moving average, what is reported."""

import re

import cases
import keras
import numpy as np
import numpy_oracle as oracle
import pytest
from keras import ops

from keras_ssl import SSLModel, backend, methods
from keras_ssl.reporting import GUESSES, Calibration, EffectiveClasses
from keras_ssl.scores import calibration_error

BATCH = cases.batch(methods.FixMatch, 0)
VIEWS, LABELS = BATCH
TRUTH = np.array([3, 1, 3, 3, -1, 1, 2, 3, -1, 0, 3, 1], "int32")


def numbers(values):
    return [ops.convert_to_numpy(value).copy() for value in values]


def compiled(model, **arguments):
    model.compile(keras.optimizers.SGD(0.1), total_steps=10, **arguments)
    return model


class Stepped:
    """A FixMatch model after each of two steps, and what `fit` reported."""

    def __init__(self):
        self.model = compiled(cases.model("fixmatch"))
        self.weights, self.averages, self.logs = [], [], []
        self.remember()
        for step in range(2):
            views, labels = cases.batch(methods.FixMatch, step)
            self.logs.append(
                self.model.train_on_batch(
                    {**views, "truth": TRUTH}, labels, return_dict=True
                )
            )
            self.remember()

    def remember(self):
        network = self.model.network
        self.weights.append(numbers(network.trainable_variables))
        self.averages.append(numbers(self.model.averages))


@pytest.fixture(scope="module")
def stepped():
    return Stepped()


@pytest.fixture(scope="module")
def averaged_logits(stepped):
    """Inference logits of averaged weights and live batch statistics."""
    network = cases.network()
    pairs = [
        *zip(network.trainable_variables, stepped.averages[-1], strict=True),
        *zip(
            network.non_trainable_variables,
            numbers(stepped.model.network.non_trainable_variables),
            strict=True,
        ),
    ]
    for variable, value in pairs:
        variable.assign(value)
    images = oracle.scaled(VIEWS["weak"]).astype("float32")
    return ops.convert_to_numpy(network(images, training=False))


# The moving average -----------------------------------------------------------


def test_the_average_starts_as_a_copy_of_the_weights(stepped):
    for average, weight in zip(
        stepped.averages[0], stepped.weights[0], strict=True
    ):
        np.testing.assert_array_equal(average, weight)


@pytest.mark.parametrize(("step", "decay"), [(0, 1 / 10), (1, 2 / 11)])
def test_each_step_mixes_the_new_weights_into_the_average(stepped, step, decay):
    for old, new, weight in zip(
        stepped.averages[step],
        stepped.averages[step + 1],
        stepped.weights[step + 1],
        strict=True,
    ):
        np.testing.assert_allclose(
            new, decay * old + (1 - decay) * weight, rtol=1e-5, atol=1e-7
        )
    moved = [
        np.abs(a - b).max()
        for a, b in zip(
            stepped.weights[step + 1], stepped.averages[step + 1], strict=True
        )
    ]
    assert max(moved) > 1e-4  # the two are not the same


def test_predict_uses_the_average_and_the_live_batch_statistics(
    stepped, averaged_logits
):
    found = stepped.model.predict(VIEWS["weak"], verbose=0)
    np.testing.assert_allclose(found, averaged_logits, rtol=1e-4, atol=1e-5)
    (live,) = numbers(
        [stepped.model.network(oracle.scaled(VIEWS["weak"]).astype("float32"))]
    )
    assert np.abs(found - live).max() > 1e-3


def test_evaluate_uses_the_average_and_reports_no_training_monitor(
    stepped, averaged_logits
):
    labels = np.maximum(TRUTH, 0)
    found = stepped.model.evaluate(
        VIEWS["weak"], labels, verbose=0, return_dict=True
    )
    expected = np.mean(oracle.cross_entropy(labels, averaged_logits))
    accuracy = np.mean(averaged_logits.argmax(axis=1) == labels)
    assert found == {
        "loss": pytest.approx(expected, rel=1e-4),
        "accuracy": pytest.approx(accuracy),
    }


def test_evaluation_changes_no_variable(stepped):
    before = cases.digest(stepped.model)
    stepped.model(ops.convert_to_tensor(VIEWS["weak"]))
    stepped.model.predict(VIEWS["weak"], verbose=0)
    assert cases.digest(stepped.model) == before


def test_in_training_mode_the_present_weights_are_used(stepped):
    with backend.scope():
        found = stepped.model(
            ops.convert_to_tensor(VIEWS["weak"]), training=True
        )
        found = ops.convert_to_numpy(found)
    (expected,) = oracle.network_logits(stepped.model.network, VIEWS["weak"])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_without_decay_there_is_no_average_and_the_weights_are_used():
    model = cases.model("fixmatch", network=cases.plain_network(), ema_decay=0)
    assert model.averages == []
    images = oracle.scaled(VIEWS["weak"]).astype("float32")
    np.testing.assert_allclose(
        numbers([model(ops.convert_to_tensor(VIEWS["weak"]))]),
        numbers([model.network(images, training=False)]),
        rtol=1e-5,
        atol=1e-6,
    )
    compiled(model, run_eagerly=True)
    model.train_on_batch(*BATCH)
    assert model.averages == []


# One joint pass ---------------------------------------------------------------


class Counting(keras.layers.Layer):
    """Notes how often it is called, and on how many images."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.sizes = []

    def call(self, x):
        self.sizes.append(x.shape[0])
        return x


def test_logits_are_the_parts_of_one_joint_training_pass():
    counting = Counting()
    images = keras.Input(cases.SHAPE)
    network = keras.Model(images, cases.network()(counting(images)))
    model = methods.FixMatch(network)
    names = ("labeled", "weak", "strong")
    counting.sizes.clear()
    with backend.scope():
        parts = model.logits(
            *(ops.convert_to_tensor(VIEWS[name]) for name in names)
        )
        found = numbers(ops.stop_gradient(part) for part in parts)
    assert counting.sizes == [6 + 12 + 12]
    expected = oracle.network_logits(network, *(VIEWS[name] for name in names))
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == np.float32
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_batch_normalization_sees_labeled_and_unlabeled_as_one_batch(stepped):
    network = cases.network()  # as it was before the first step
    first, normalization = network.layers[1:3]
    joint = np.concatenate(
        [oracle.scaled(VIEWS[k]) for k in ("labeled", "weak", "strong")]
    )
    activations = ops.convert_to_numpy(first(joint.astype("float32")))
    expected = 0.1 * activations.mean(axis=(0, 1, 2))  # from 0, momentum 0.9
    model = cases.model("fixmatch")
    batch = oracle.tensors(BATCH)
    mean, *_ = oracle.statistics(model, lambda: model.objective(batch))
    np.testing.assert_allclose(mean, expected, rtol=1e-4, atol=1e-6)
    assert normalization.moving_mean.shape == mean.shape


def test_images_and_logits_of_a_low_precision_network_are_float32():
    policy = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy("mixed_bfloat16")
    try:
        model = methods.FixMatch(cases.plain_network())
    finally:
        keras.mixed_precision.set_dtype_policy(policy)
    with backend.scope():
        images = ops.convert_to_tensor(VIEWS["weak"])
        (logits,) = model.logits(images)
        scaled = model.normalize(images)
    assert keras.backend.standardize_dtype(scaled.dtype) == "float32"
    assert keras.backend.standardize_dtype(logits.dtype) == "float32"


# Images -----------------------------------------------------------------------


def test_pixels_are_scaled_from_minus_1_to_1():
    model = methods.Supervised(cases.plain_network())
    pixels = np.array([0, 51, 204, 255], "uint8").reshape(1, 4, 1, 1)
    found = ops.convert_to_numpy(model.normalize(ops.convert_to_tensor(pixels)))
    np.testing.assert_allclose(
        found.ravel(), [-1.0, -0.6, 0.6, 1.0], rtol=1e-6, atol=1e-7
    )


@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_other_than_uint8_images_are_refused_with_the_way_to_scale(dtype):
    model = methods.Supervised(cases.plain_network())
    images = ops.convert_to_tensor(np.zeros((2, *cases.SHAPE), dtype))
    with pytest.raises(ValueError, match=f"received {dtype}") as error:
        model(images)
    assert "(255 * images).round().astype('uint8')" in str(error.value)


def test_predict_refuses_images_scaled_to_1():
    model = compiled(methods.Supervised(cases.plain_network()))
    images = np.random.default_rng(0).uniform(0, 1, (2, *cases.SHAPE))
    with pytest.raises(ValueError, match="expected uint8 images"):
        model.predict(images.astype("float32"), verbose=0)


def test_a_network_without_weights_is_refused():
    with pytest.raises(ValueError, match="expected a built network"):
        methods.Supervised(keras.Sequential([keras.layers.Dense(2)]))


# What a method declares, and what is reported ---------------------------------


class Undeclared(SSLModel):
    """Returns or reports what it did not announce."""

    returned = ("supervised", "unlabeled")
    reported = "supervised"

    def objective(self, batch):
        (logits,) = self.logits(batch["labeled"])
        loss = ops.mean(ops.square(logits))
        self.monitor(**{self.reported: loss})
        return dict.fromkeys(self.returned, loss)


@pytest.mark.parametrize(
    "returned",
    [
        ("supervised",),
        ("supervised", "surprise"),
        ("supervised", "unlabeled", "surprise"),
    ],
)
def test_terms_other_than_the_declared_are_an_error(returned):
    model = compiled(Undeclared(cases.plain_network()), run_eagerly=True)
    model.returned = returned
    with pytest.raises(ValueError, match="Undeclared.objective must return"):
        model.train_on_batch(*BATCH)


def test_an_undeclared_monitor_is_an_error():
    model = compiled(Undeclared(cases.plain_network()), run_eagerly=True)
    model.reported = "surprise"
    with pytest.raises(ValueError, match="reports 'surprise', which is missi"):
        model.train_on_batch(*BATCH)


def test_a_method_without_objective_says_so():
    model = SSLModel(cases.plain_network())
    with pytest.raises(NotImplementedError):
        model.objective({})


def test_the_logs_hold_the_terms_their_sum_and_the_monitors(stepped):
    logs = stepped.logs[0]
    assert set(logs) == {
        "loss",
        "supervised",
        "unlabeled",
        *GUESSES,
    }
    model = cases.model("fixmatch")  # the weights before the first step
    terms, monitors = oracle.evaluate(model, BATCH)
    assert logs["supervised"] == pytest.approx(terms["supervised"], rel=1e-5)
    assert logs["unlabeled"] == pytest.approx(terms["unlabeled"], rel=1e-5)
    assert logs["loss"] == pytest.approx(sum(terms.values()), rel=1e-5)
    assert logs["mask_rate"] == pytest.approx(monitors["mask_rate"])


def test_only_used_guesses_of_known_truth_count_for_their_accuracy(stepped):
    model = cases.model("fixmatch")
    _, weak, _ = oracle.network_logits(
        model.network, VIEWS["labeled"], VIEWS["weak"], VIEWS["strong"]
    )
    p = oracle.softmax(weak)
    used = (p.max(axis=1) >= model.threshold) & (TRUTH >= 0)
    assert used.sum() < np.sum(TRUTH >= 0)
    expected = np.mean(p.argmax(axis=1)[used] == TRUTH[used])
    assert 0 < expected < 1
    assert stepped.logs[0]["pseudo_label_accuracy"] == pytest.approx(expected)


def test_the_classes_of_the_used_guesses_are_counted(stepped):
    model = cases.model("fixmatch")
    _, weak, _ = oracle.network_logits(
        model.network, VIEWS["labeled"], VIEWS["weak"], VIEWS["strong"]
    )
    p = oracle.softmax(weak)
    guess, used = p.argmax(axis=1), p.max(axis=1) >= model.threshold
    shares = np.bincount(guess[used]) / used.sum()
    shares = shares[shares > 0]
    expected = np.exp(-np.sum(shares * np.log(shares)))
    assert 1 < expected < len(np.unique(guess))
    logs = stepped.logs[0]
    assert logs["pseudo_label_classes"] == pytest.approx(expected, rel=1e-5)
    known = TRUTH >= 0
    assert logs["pseudo_label_calibration"] == pytest.approx(
        calibration_error(p[known], TRUTH[known]), rel=1e-4
    )


def test_before_the_first_used_guess_there_are_no_classes():
    metric = EffectiveClasses(3, "classes")
    assert float(metric.result()) == 0
    guess = ops.convert_to_tensor(np.array([0, 1, 2, 2], "int32"))
    metric.update_state(guess, ops.convert_to_tensor([1.0, 1.0, 0.0, 0.0]))
    assert float(metric.result()) == pytest.approx(2)
    metric.update_state(guess, ops.convert_to_tensor([0.0, 0.0, 1.0, 0.0]))
    assert float(metric.result()) == pytest.approx(3)


def test_confidence_that_rounds_above_1_counts_with_the_surest():
    metric = Calibration("calibration")
    assert float(metric.result()) == 0
    guessed = ops.convert_to_tensor([[1.0000001, 0.0], [0.98, 1.0], [0.1, 0.0]])
    metric.update_state(guessed, ops.convert_to_tensor([1.0, 1.0, 0.0]))
    assert float(metric.result()) == pytest.approx(0.49, rel=1e-5)


def test_the_accuracy_of_pseudo_labels_is_reported_only_with_truth():
    model = methods.FixMatch(cases.plain_network())
    compiled(model, run_eagerly=True)
    logs = model.train_on_batch(*BATCH, return_dict=True)
    assert "mask_rate" in logs
    assert "pseudo_label_classes" in logs
    assert "pseudo_label_accuracy" not in logs
    assert "pseudo_label_calibration" not in logs


# The step ---------------------------------------------------------------------


def test_a_step_is_gradient_descent_on_the_sum_of_the_terms(stepped):
    model = cases.model("fixmatch")
    gradients = oracle.term_gradients(model, BATCH, "supervised", "unlabeled")
    for before, after, gradient in zip(
        *stepped.weights[:2], gradients, strict=True
    ):
        # as far as gradients agree, and a weight's last digit in each of them
        scale = np.abs(gradient).max()
        digit = np.finfo("float32").eps * np.abs(before).max()
        atol = 0.1 * (2e-6 + 2e-4 * scale) + 2 * digit
        np.testing.assert_allclose(
            after, before - 0.1 * gradient, rtol=0, atol=atol
        )


def test_the_model_counts_its_steps(stepped):
    assert stepped.model.steps_taken() == 2
    assert int(stepped.model.optimizer.iterations.value) == 2


def test_progress_goes_from_0_to_1():
    model = methods.Supervised(cases.plain_network())
    model.total_steps = 4
    for step, expected in [(0, 0.0), (1, 0.25), (4, 1.0), (9, 1.0)]:
        model.step.assign(step)
        assert float(model.progress()) == expected


def test_progress_needs_the_length_of_the_training():
    model = methods.Supervised(cases.plain_network())
    with pytest.raises(ValueError, match=re.escape("compile(total_steps=")):
        model.progress()


def test_a_new_training_step_under_low_precision_keeps_float32_losses():
    policy = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy("mixed_float16")
    try:
        model = methods.FixMatch(cases.plain_network(), threshold=0.5)
        compiled(model, run_eagerly=True)  # with a scaled loss
        before = numbers(model.network.trainable_variables)
        exact = methods.FixMatch(cases.plain_network(), threshold=0.5)
        logs = model.train_on_batch(*BATCH, return_dict=True)
    finally:
        keras.mixed_precision.set_dtype_policy(policy)
    terms, _ = oracle.evaluate(exact, BATCH)
    # the logits are float16: three digits; the reported loss is not scaled
    assert logs["loss"] == pytest.approx(sum(terms.values()), rel=1e-2)
    after = numbers(model.network.trainable_variables)
    assert all(np.isfinite(value).all() for value in after)
    assert np.abs(before[0] - after[0]).max() > 1e-4


def test_float_images_in_a_training_batch_are_refused():
    model = cases.model("fixmatch")
    model.compile(total_steps=10)
    views, labels = cases.batch(type(model), 0)
    views["strong"] = views["strong"].astype("float32")
    with pytest.raises(ValueError, match="expected uint8 images"):
        model.train_on_batch(views, labels)


def test_a_layer_may_be_frozen_after_the_model_is_made(tmp_path):
    model = cases.model("fixmatch")
    first = model.network.layers[1]
    first.trainable = False
    model.compile(total_steps=10)
    before = ops.convert_to_numpy(first.kernel)
    for step in range(2):
        model.train_on_batch(*cases.batch(type(model), step))
    np.testing.assert_array_equal(ops.convert_to_numpy(first.kernel), before)
    trained = ops.convert_to_numpy(model.network.trainable_variables[0])
    assert (trained != 0).any()
    assert np.isfinite(
        model.predict(np.zeros((2, *cases.SHAPE), "uint8"))
    ).all()
    model.save(tmp_path / "frozen.keras")
    loaded = keras.saving.load_model(tmp_path / "frozen.keras")
    images = cases.batch(type(model), 7)[0]["weak"]
    np.testing.assert_array_equal(
        loaded.predict(images, verbose=0), model.predict(images, verbose=0)
    )
