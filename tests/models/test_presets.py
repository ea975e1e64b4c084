"""Presets: what is shipped, what is written, and how either fails."""

import errno
import json
import os
import pathlib
import sys
import time
import types

import cases
import keras
import numpy as np
import pytest
from keras import ops

import keras_ssl
from keras_ssl import methods, models
from keras_ssl.models import preset_folder, preset_saving

IMAGES = np.random.default_rng(0).integers(0, 256, (5, *cases.SHAPE), np.uint8)
SHIPPED = models.list_presets()


def trained(cls=methods.FixMatch, **kwargs):
    """A model whose weights, average and step are all different."""
    model = cls(cases.plain_network(normalize=True), **kwargs)
    for number, average in enumerate(model.averages):
        average.assign(average * (1.0 + 0.01 * number))
    model.step.assign(7)
    return model


def logits(model):
    return preset_folder.logits_of(model, IMAGES)


def values(model):
    return [
        ops.convert_to_numpy(variable).tobytes() for variable in model.variables
    ]


# Those that come with the package --------------------------------------------


def test_there_are_presets_under_30_megabytes_together():
    assert "fixmatch_small_cnn_digits_20" in SHIPPED
    files = [path for path in models.SHIPPED.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 30e6


@pytest.mark.once
def test_the_guide_has_every_shipped_preset_with_its_scores():
    guide = pathlib.Path(__file__).parents[2] / "docs" / "models.md"
    rows = {}
    for line in guide.read_text("utf-8").splitlines():
        if line.startswith("| `") and line.count("|") == 5:
            name, _, accuracy, alone = line.strip("| ").split(" | ")
            rows[name.strip("`")] = float(accuracy), float(alone)
    scores = {name: models.describe(name)["score"] for name in SHIPPED}
    assert rows == {
        name: (
            pytest.approx(100 * score["test_accuracy"], abs=0.006),
            pytest.approx(100 * score["supervised"]["mean"], abs=0.006),
        )
        for name, score in scores.items()
    }


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_preset_predicts_here_what_it_predicted_there(name):
    folder = models.find(name)
    seconds = []
    for _ in range(2):  # the faster one: other work slows this process down
        began = time.process_time()
        model = models.load(name)
        seconds.append(time.process_time() - began)
    assert preset_folder.difference(folder, model) < 1e-4
    about = models.describe(name)
    assert about["name"] == name
    assert about["license"]
    assert len(about["class_names"]) == about["num_classes"]
    assert (
        about["score"]["test_accuracy"] > about["score"]["supervised"]["mean"]
    )
    assert min(seconds) < 2, seconds


@pytest.mark.once
@pytest.mark.parametrize("name", SHIPPED)
def test_a_score_is_reproduced_on_the_real_test_set(name):
    from keras_ssl import preset_commands

    about = models.describe(name)
    if about["data"] != "digits" and not os.environ.get("KERAS_SSL_DATA"):
        pytest.skip(f"{about['data']} is not at hand: set KERAS_SSL_DATA")
    test = keras_ssl.data.load(about["data"]).test
    score = preset_commands.measure(models.load(name), test)
    published = about["score"]
    assert score["test_images"] == published["test_images"] >= 500
    # as many images as lie on the border between two classes may differ
    assert score["test_accuracy"] == pytest.approx(
        published["test_accuracy"], abs=2 / score["test_images"]
    )


# What is written --------------------------------------------------------------


def test_a_preset_predicts_as_the_model_did(tmp_path):
    model = trained()
    before = values(model)
    expected = logits(model)
    path = model.save_to_preset(tmp_path / "mine", images=IMAGES)
    assert values(model) == before  # the model is as it was
    again = models.load(str(path))
    np.testing.assert_allclose(logits(again), expected, rtol=1e-5, atol=1e-5)
    assert models.check(str(path)) < 1e-4
    assert again.steps_taken() == 0
    assert again.is_pretrained
    assert not again.compiled
    assert {file.name for file in path.iterdir()} == {
        "README.md", "config.json", "expected.npz", "metadata.json",
        "model.weights.h5", "preset.json",
    }  # fmt: skip
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine"]
    # the average has taken the place of the weights, and is stored once
    for weight, average in again._averaged_pairs():
        np.testing.assert_array_equal(
            ops.convert_to_numpy(weight), ops.convert_to_numpy(average)
        )
    plain = keras.saving.load_model(path)  # Keras itself reads it
    np.testing.assert_array_equal(logits(plain), logits(again))


def test_an_optimizer_and_what_is_known_of_single_examples_stay_behind(
    tmp_path,
):
    model = methods.FlexMatch(cases.plain_network(), unlabeled_size=5000)
    model.compile(keras.optimizers.Adam())
    expected = logits(model)
    path = model.save_to_preset(tmp_path / "mine")
    config = json.loads((path / "config.json").read_text())
    assert "compile_config" not in config
    assert config["config"]["unlabeled_size"] is None
    assert (path / "model.weights.h5").stat().st_size < 30_000
    again = models.load(str(path))
    again.build_state(40)  # another number of images
    np.testing.assert_allclose(logits(again), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.once
def test_half_the_bytes_for_kernels_alone(tmp_path):
    model = methods.FixMatch(keras_ssl.networks.MLP(hidden=(60,)))
    images = np.zeros((1, 28, 28, 1), np.uint8)
    whole = model.save_to_preset(tmp_path / "whole", images=images)
    half = model.save_to_preset(tmp_path / "half", images=images, float16=True)
    size = {
        path.name: (path / "model.weights.h5").stat().st_size
        for path in (whole, half)
    }
    kernels = sum(
        4 * np.prod(v.shape) for v in model.network.weights if len(v.shape) > 1
    )
    assert 0.4 * kernels < size["whole"] - size["half"] < 0.6 * kernels
    again = models.load(str(half))
    assert {v.dtype for v in again.network.weights} == {"float32"}
    for name in ("moving_variance", "bias"):
        for old, new in zip(
            model.network.weights, again.network.weights, strict=True
        ):
            if old.name == name:
                np.testing.assert_array_equal(
                    ops.convert_to_numpy(old), ops.convert_to_numpy(new)
                )
    assert models.check(str(half)) < 1e-4
    assert models.describe(str(half))["weights"] == "float16"


@pytest.mark.once
def test_a_preset_without_its_weights_begins_anew(tmp_path):
    path = trained().save_to_preset(tmp_path / "mine")
    fresh = models.load(str(path), weights=False)
    assert not fresh.is_pretrained
    old, new = trained().network.weights[-2], fresh.network.weights[-2]
    assert new.shape == old.shape
    kernel = ops.convert_to_numpy(new)
    assert kernel.std() > 0
    assert not np.array_equal(kernel, ops.convert_to_numpy(old))


@pytest.mark.once
def test_random_weights_are_skipped_only_while_a_preset_is_read():
    from keras_ssl.models import initializers

    with initializers.skipped():
        assert not np.any(cases_kernel())
    assert np.any(cases_kernel())


def cases_kernel():
    layer = keras.layers.Dense(3)
    layer.build((None, 4))
    return ops.convert_to_numpy(layer.kernel)


# How it fails -----------------------------------------------------------------


@pytest.fixture
def preset(tmp_path):
    return trained().save_to_preset(tmp_path / "mine", images=IMAGES)


@pytest.mark.once
def test_an_unknown_name_lists_the_closest():
    with pytest.raises(ValueError, match="Did you mean fixmatch_small_cnn_dig"):
        models.load("fixmatch_small_cnn_digit_20")


@pytest.mark.once
def test_damaged_missing_and_newer_files_are_told(preset):
    weights = preset / "model.weights.h5"
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + b"x")
    with pytest.raises(
        ValueError, match=r"weights.h5 is damaged: expected SHA"
    ):
        models.load(str(preset))
    weights.unlink()
    with pytest.raises(ValueError, match="received no file"):
        models.load(str(preset))
    about = json.loads((preset / "preset.json").read_text())
    (preset / "preset.json").write_text(json.dumps({**about, "format": 2}))
    with pytest.raises(ValueError, match="newer version .*pip install --up"):
        models.load(str(preset))
    (preset / "preset.json").write_text("{")
    with pytest.raises(ValueError, match="is damaged"):
        models.load(str(preset))
    (preset / "preset.json").unlink()
    with pytest.raises(ValueError, match="is no preset: it has no preset.json"):
        models.load(str(preset))


@pytest.mark.once
def test_a_preset_is_not_overwritten_unasked(preset, tmp_path):
    with pytest.raises(FileExistsError, match="overwrite=True"):
        trained().save_to_preset(preset)
    trained().save_to_preset(preset, overwrite=True, about={"license": "mit"})
    assert models.describe(str(preset))["license"] == "mit"
    other = tmp_path / "holiday pictures"
    other.mkdir()
    with pytest.raises(FileExistsError, match="is no preset"):
        trained().save_to_preset(other, overwrite=True)


@pytest.mark.once
def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch, preset):
    def full(*arguments, **others):
        raise OSError(errno.ENOSPC, "No space left on device")

    before = models.describe(str(preset))
    monkeypatch.setattr(preset_saving.weight_file, "shrink", full)
    for folder in (preset, tmp_path / "new"):
        with pytest.raises(OSError, match="No space left"):
            trained().save_to_preset(folder, overwrite=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine"]
    assert models.describe(str(preset)) == before


# Hubs -------------------------------------------------------------------------


@pytest.fixture
def hub(monkeypatch, preset):
    """A client of Hugging Face that knows one repository."""
    client = types.ModuleType("huggingface_hub")

    def snapshot_download(repo_id, revision, library_name):
        if repo_id != "somebody/mine":
            raise ConnectionError("the line is dead")
        return str(preset)

    client.snapshot_download = snapshot_download
    monkeypatch.setitem(sys.modules, "huggingface_hub", client)
    return client


@pytest.mark.once
def test_a_preset_on_a_hub_is_downloaded(hub):
    model = models.load("hf://somebody/mine@main")
    assert isinstance(model, methods.FixMatch)
    with pytest.raises(OSError, match="try again. ConnectionError: the line"):
        models.load("hf://somebody/else")


@pytest.mark.once
def test_a_download_that_arrived_damaged_is_not_loaded(hub, preset):
    with open(preset / "config.json", "a") as file:
        file.write(" ")
    with pytest.raises(ValueError, match="config.json is damaged"):
        models.load("hf://somebody/mine")


@pytest.mark.once
@pytest.mark.parametrize(
    ("handle", "client"),
    [("hf://a/b", "huggingface_hub"), ("kaggle://a/b/keras/c", "kagglehub")],
)
def test_a_missing_client_names_the_install_line(handle, client, monkeypatch):
    monkeypatch.setitem(sys.modules, client, None)
    with pytest.raises(ImportError, match=r"pip install 'keras_ssl\[hub\]'"):
        models.load(handle)
    with pytest.raises(ValueError, match="expected hf://owner/repository or"):
        models.load("ftp://somewhere")


@pytest.mark.once
def test_a_preset_is_uploaded_whole(hub, preset):
    sent = []
    hub.HfApi = lambda: types.SimpleNamespace(
        create_repo=lambda **given: sent.append(given),
        upload_folder=lambda **given: sent.append(given),
    )
    models.push(str(preset), "hf://somebody/mine")
    assert sent[1] == {"repo_id": "somebody/mine", "folder_path": str(preset)}


# Another number of classes ----------------------------------------------------


def test_with_other_classes_only_the_head_is_new(tmp_path):
    path = trained().save_to_preset(tmp_path / "mine")
    old, new = models.load(str(path)), models.load(str(path), num_classes=7)
    assert logits(new).shape == (len(IMAGES), 7)
    assert type(new) is methods.FixMatch
    assert new.is_pretrained
    pairs = list(zip(old.network.layers, new.network.layers, strict=True))
    for one, other in pairs[:-1]:
        for before, after in zip(one.weights, other.weights, strict=True):
            np.testing.assert_array_equal(
                ops.convert_to_numpy(before), ops.convert_to_numpy(after)
            )
    assert pairs[-1][1].units == 7
    same = models.load(str(path), num_classes=cases.CLASSES)
    np.testing.assert_array_equal(logits(same), logits(old))


@pytest.mark.once
def test_a_head_may_end_in_a_normalization():
    model = methods.Ladder(cases.ladder_network())
    new = keras_ssl.fine_tuning.with_classes(model, 3)
    assert logits(new).shape == (len(IMAGES), 3)
    first = model.network.layers[1].get_weights()[0]
    np.testing.assert_array_equal(new.network.layers[1].get_weights()[0], first)


@pytest.mark.once
def test_a_network_without_a_head_is_an_error():
    images = keras.Input(cases.SHAPE)
    network = keras.Model(images, keras.layers.Flatten()(images))
    with pytest.raises(ValueError, match="no last layer with 64 units"):
        keras_ssl.fine_tuning.head(network)


# The command ------------------------------------------------------------------


@pytest.mark.once
def test_a_run_becomes_a_preset_by_one_command(tmp_path, capsys):
    from keras_ssl import cli

    backend = ["--backend", keras.backend.backend()]
    run = str(tmp_path / "run")
    small = ["--network", "mlp", "--labels-per-class", "2", "--batch-size", "4"]
    train = ["train", "--method", "supervised", *small, "--epochs", "1"]
    train += ["--steps-per-epoch", "2", "--out", run, *backend]
    assert cli.main(train) == 0
    like = {"data": "digits", "labels_per_class": 2, "method": "supervised"}
    other = tmp_path / "others.jsonl"  # which its score has nothing to do with
    other.write_text(
        "\n".join(
            json.dumps({**like, **difference, "test_accuracy": 0.5, "seed": 7})
            for difference in (
                {"network": "small_cnn"},
                {"network": "mlp", "long_tailed": [20, 60, 10]},
                {"network": "mlp", "data": "mnist"},
            )
        )
    )
    compare = ["--compare", run, run, str(other)]
    assert cli.main(["save-preset", run, *compare, *backend]) == 0
    name = "supervised_mlp_digits_20"
    folder = tmp_path / "run" / "preset" / name
    about = models.describe(str(folder))
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert about["score"]["test_accuracy"] == pytest.approx(
        result["test_accuracy"]
    )
    assert about["score"]["in_the_run"] == result["test_accuracy"]
    assert about["score"]["trainings"]["trainings"] == 1
    assert about["class_names"] == [str(digit) for digit in range(10)]
    capsys.readouterr()
    assert cli.main(["evaluate", str(folder), *backend]) == 0
    assert "; published" in capsys.readouterr().out
    assert cli.main(["describe", str(folder)]) == 0
    assert f"# {name}" in capsys.readouterr().out
    about["score"]["test_accuracy"] += 0.01
    (folder / "preset.json").write_text(json.dumps(about))
    assert cli.main(["evaluate", str(folder), *backend]) == 1
    assert "is not reproduced" in capsys.readouterr().err


@pytest.mark.once
def test_an_unfinished_run_makes_no_preset(tmp_path, capsys):
    from keras_ssl import cli

    (tmp_path / "config.json").write_text("{}")
    assert cli.main(["save-preset", str(tmp_path)]) == 1
    assert "is not finished" in capsys.readouterr().err
