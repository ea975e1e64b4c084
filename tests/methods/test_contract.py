"""What every method keeps: those in the registry, and those to come."""

import inspect
import json
import pathlib
import re

import cases
import keras
import numpy as np
import numpy_oracle as oracle
import pytest
from keras import ops
from keras.src.utils import naming

from keras_ssl import SSLModel, methods
from keras_ssl.losses import cross_entropy

NAMES = methods.names()
POLICIES = ("weak", "medium", "strong", "rotated", "identity")
SEMI_SUPERVISED = [name for name in NAMES if name != "supervised"]

# layers of the network that a term leaves alone, by name or place, and why
UNREACHED = {
    # labels must not shape the code, which is of unlabeled images alone
    ("m1", "unlabeled"): "classifier",
    # M1 is finished when M2 begins
    ("m1_m2", "unlabeled"): "encoder",
    ("m1_m2", "prior"): "encoder",
    # the same, seen from the first steps: M2 has not begun
    ("m1_m2", "first steps"): "classifier",
    # what these rebuild from is the code before the classifier's last layer
    ("auto_encoder", "reconstruction"): -1,
    ("pretrained_auto_encoder", "reconstruction"): -1,
    ("what_where_auto_encoder", "reconstruction"): -1,
    ("what_where_auto_encoder", "intermediate"): -1,
    # heads of their own on the features, beside the classifier's last layer
    ("remixmatch", "rotation"): -1,
    ("crmatch", "distance"): -1,
    ("crmatch", "rotation"): -1,
    ("comatch", "contrast"): -1,
    ("simmatch", "instance"): -1,
    ("abc", "ordinary"): -1,
    ("open_match", "detection"): -1,
    ("open_match", "entropy"): -1,
    ("open_match", "agreement"): -1,
    ("daso", "alignment"): -1,
    # the teacher's, which is another network
    ("meta_pseudo_labels", "unlabeled"): "all",
    ("meta_pseudo_labels", "feedback"): "all",
    # which is trained in the second stage
    ("pretrained_auto_encoder", "first steps"): -1,
}


def reached(made, name, term):
    """Whether a term changes each weight of a method's network."""
    place, network = UNREACHED.get((name, term)), made.network
    spared = []
    if place == "all":
        spared = network.trainable_variables
    elif isinstance(place, str):
        spared = network.get_layer(place).trainable_variables
    elif place is not None:
        spared = network.layers[place].trainable_variables
    spared = {id(variable) for variable in spared}
    return [id(v) not in spared for v in network.trainable_variables]


def own_arguments(cls):
    """Names of the arguments that the class itself adds."""
    if "__init__" not in vars(cls):
        return []
    parameters = inspect.signature(cls.__init__).parameters
    return [name for name in parameters if name not in ("self", "kwargs")]


def with_truth(cls, step):
    views, labels = cases.batch(cls, step)
    rng = np.random.default_rng(step)
    truth = rng.integers(0, cases.CLASSES, len(views["index"])).astype("int32")
    return {**views, "truth": truth}, labels


class Trained:
    """A method after two compiled steps, with what was before."""

    def __init__(self, name):
        self.name = name
        self.model = cases.model(name, network=cases.plain_network(True))
        self.cls = type(self.model)
        self.model.compile(total_steps=10)
        self.before = self.weights()
        self.logs = [
            self.model.train_on_batch(
                *with_truth(self.cls, step), return_dict=True
            )
            for step in range(2)
        ]

    def weights(self):
        return [
            ops.convert_to_numpy(variable).copy()
            for variable in self.model.network.trainable_variables
        ]


@pytest.fixture(scope="module", params=NAMES)
def trained(request):
    return Trained(request.param)


@pytest.fixture(scope="module", params=SEMI_SUPERVISED)
def half_way(request):
    """A method in the middle of its training, where every term counts."""
    made = cases.model(request.param, network=cases.plain_network())
    made.test_name = request.param
    oracle.at_progress(made, 0.5)
    for step in range(1, 5):  # other batches, to be remembered
        made.objective(oracle.tensors(cases.batch(type(made), step)))
    return made


def unmixed(made):
    """Mixes no example with another, whose place in the batch would matter."""
    if hasattr(made, "ratios"):
        made.ratios = lambda count: ops.ones((count,))
    return made


def reordered(cls, views, stream, order):
    """The views with the examples of a stream in another order."""
    moved = {name for name, (walk, _) in cls.views.items() if walk == stream}
    moved |= {f"turns/{name}" for name in moved}
    if stream == "unlabeled":
        moved.add("index")
    return {
        name: value[order] if name in moved else value
        for name, value in views.items()
    }


# In training ------------------------------------------------------------------


def test_it_trains(trained):
    assert all(np.isfinite(logs["loss"]) for logs in trained.logs)
    assert trained.logs[0]["loss"] != trained.logs[1]["loss"]
    expected = reached(trained.model, trained.name, "first steps")
    for before, after, changes in zip(
        trained.before, trained.weights(), expected, strict=True
    ):
        assert np.isfinite(after).all()
        assert (np.abs(before - after).max() > 1e-5) == changes
    assert trained.model.steps_taken() == 2


def test_it_reports_what_it_declares(trained):
    cls = trained.cls
    declared = {"loss", *cls.terms, *cls.monitors}
    for logs in trained.logs:
        assert set(logs) == declared
        assert logs["loss"] == pytest.approx(
            sum(logs[name] for name in cls.terms), rel=1e-5
        )


def test_its_configuration_makes_the_same_model_again(trained):
    config = json.dumps(trained.model.get_config())
    again = trained.cls.from_config(json.loads(config))
    assert json.dumps(again.get_config()) == config
    for name in {*own_arguments(trained.cls), *own_arguments(SSLModel)}:
        value = getattr(trained.model, name)
        if not isinstance(value, keras.Model):
            assert getattr(again, name) == value


def test_it_survives_saving(trained, tmp_path):
    path = tmp_path / "model.keras"
    trained.model.save(path)
    again = keras.saving.load_model(path)
    assert type(again) is trained.cls
    assert cases.digest(again) == cases.digest(trained.model)
    images = oracle.tensor(cases.batch(trained.cls, 7)[0]["labeled"])
    np.testing.assert_array_equal(
        ops.convert_to_numpy(again(images)),
        ops.convert_to_numpy(trained.model(images)),
    )
    assert again.steps_taken() == 2
    assert again.total_steps == 10


@pytest.mark.once
@pytest.mark.parametrize("name", NAMES)
def test_it_is_read_where_keras_counts_layers_from_the_beginning(
    name, tmp_path
):
    """As in a new process, where names that were taken are free again."""
    naming.reset_uids()
    made = methods.get(name)(cases.NETWORKS.get(name, cases.network)())
    made.build_state(cases.POOL)
    made.compile(total_steps=10)
    made.save(tmp_path / "model.keras")
    naming.reset_uids()
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert cases.digest(again) == cases.digest(made)


# Its objective ----------------------------------------------------------------


def test_its_unlabeled_terms_give_the_network_a_gradient(half_way):
    names = [name for name in half_way.terms if name != "supervised"]
    batch = cases.batch(type(half_way), 0)
    for name in names:
        for gradient, expected in zip(
            oracle.term_gradients(half_way, batch, name),
            reached(half_way, half_way.test_name, name),
            strict=True,
        ):
            assert np.isfinite(gradient).all()
            size = np.abs(gradient).max()
            assert (size > 1e-3) == expected, f"{name} misses the network"


def test_the_order_of_the_unlabeled_examples_does_not_matter(half_way):
    views, labels = cases.batch(type(half_way), 0)
    order = np.random.default_rng(0).permutation(len(views["index"]))
    unmixed(half_way)
    shuffled = reordered(type(half_way), views, "unlabeled", order)
    assert not np.array_equal(shuffled["index"], views["index"])
    (expected, monitors), (found, found_monitors) = oracle.evaluate(
        half_way, (views, labels), (shuffled, labels)
    )
    # VAT's perturbation is good to three digits
    assert found == pytest.approx(expected, rel=1e-3)
    assert found_monitors == pytest.approx(monitors)


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_the_labeled_examples_does_not_matter(name):
    made = cases.model(name, network=cases.plain_network())
    oracle.at_progress(made, 0.5)
    views, labels = cases.batch(type(made), 0)
    order = np.array([3, 1, 5, 0, 2, 4])
    unmixed(made)
    shuffled = reordered(type(made), views, "labeled", order)
    (expected, _), (found, _), (wrong, _) = oracle.evaluate(
        made, (views, labels), (shuffled, labels[order]), (shuffled, labels)
    )
    assert found == pytest.approx(expected, rel=1e-3)
    # and the labels do belong to their images
    assert wrong["supervised"] != pytest.approx(
        expected["supervised"], rel=1e-4
    )


@pytest.mark.parametrize("name", NAMES)
def test_color_images_and_the_smallest_batch_work(name, monkeypatch):
    monkeypatch.setattr(cases, "SHAPE", (8, 8, 3))
    made = cases.model(name, network=cases.plain_network())
    made.compile(total_steps=10)
    views, labels = cases.batch(type(made), 0, 1, 1)
    assert views["labeled"].shape == (1, 8, 8, 3)
    logs = made.train_on_batch(views, labels, return_dict=True)
    assert np.isfinite(logs["loss"])
    for variable in made.network.trainable_variables:
        assert np.isfinite(ops.convert_to_numpy(variable)).all()


# Its file and what it declares ------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_it_has_a_file_of_its_own_that_is_read_in_one_sitting(name):
    file = pathlib.Path(inspect.getsourcefile(methods.get(name)))
    assert file.parent == pathlib.Path(methods.__file__).parent
    assert file.stem == name
    assert len(file.read_text().splitlines()) <= 120


@pytest.mark.parametrize("name", NAMES)
def test_its_docstring_has_the_equations_and_the_paper(name):
    cls = methods.get(name)
    doc = inspect.getdoc(cls)
    assert re.search(r"^ {4,}\S.* (=|<-) ", doc, re.MULTILINE), "no equation"
    assert "Args:" in doc
    for argument in own_arguments(cls):
        assert f"\n    {argument}: " in doc
    if name != "supervised":
        module = inspect.getmodule(cls).__doc__
        assert re.search(r"\b(19|20)\d\d\b", module), "no year of a paper"


@pytest.mark.parametrize("name", NAMES)
def test_its_class_is_registered_under_its_name_and_exported(name):
    cls = methods.get(name)
    assert issubclass(cls, SSLModel)
    assert getattr(methods, cls.__name__) is cls
    assert cls.__name__.lower() == name.replace("_", "")
    registered = keras.saving.get_registered_object(f"keras_ssl>{cls.__name__}")
    assert registered is cls


@pytest.mark.parametrize("name", NAMES)
def test_it_declares_views_of_known_streams_and_policies(name):
    cls = methods.get(name)
    assert cls.views["labeled"][0] == "labeled"
    assert any(stream == "unlabeled" for stream, _ in cls.views.values()) or (
        name == "supervised"
    )
    for stream, policy in cls.views.values():
        assert stream.isidentifier()
        assert policy in POLICIES
    assert not {"index", "labels", "truth"} & set(cls.views)
    assert cls.unlabeled_ratio >= 1
    assert "supervised" in cls.terms
    reported = (*cls.terms, *cls.monitors)
    assert len(set(reported)) == len(reported)
    assert "loss" not in reported


# One more method --------------------------------------------------------------


class Toy(SSLModel):
    """Pulls the predictions of the unlabeled images to a temperature.

    L = H(y, p(x)) + mean_u (logit - temperature)^2
    """

    views = {"labeled": ("labeled", "weak"), "other": ("unlabeled", "strong")}
    monitors = ("spread",)

    def __init__(self, network, temperature=2.0, **kwargs):
        super().__init__(network, **kwargs)
        self.temperature = temperature

    def objective(self, batch):
        labeled, other = self.logits(batch["labeled"], batch["other"])
        distance = ops.square(other - self.temperature)
        self.monitor(spread=ops.std(other))
        return {
            "supervised": ops.mean(cross_entropy(batch["labels"], labeled)),
            "unlabeled": ops.mean(distance),
        }


def test_a_new_method_is_a_class_and_one_line_of_registration(
    monkeypatch, tmp_path
):
    monkeypatch.setitem(methods.METHODS, "toy", Toy)
    assert methods.names()[-1] == "toy"
    assert methods.get("toy") is Toy
    made = cases.model("toy", network=cases.plain_network(), temperature=0.5)
    before, monitors = oracle.evaluate(made, cases.batch(Toy, 0))
    made.compile()
    history = made.fit(cases.Stream(Toy), epochs=2, verbose=0).history
    assert set(history) == {"loss", *before, *monitors}
    assert made.steps_taken() == 10
    after, _ = oracle.evaluate(made, cases.batch(Toy, 0))
    assert sum(after.values()) < sum(before.values())
    made.save(tmp_path / "toy.keras")
    again = keras.saving.load_model(tmp_path / "toy.keras")
    assert again.temperature == 0.5
    assert cases.digest(again) == cases.digest(made)
    images = cases.batch(Toy, 0)[0]["labeled"]
    np.testing.assert_array_equal(
        again.predict(images, verbose=0), made.predict(images, verbose=0)
    )
