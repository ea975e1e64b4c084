"""What every generative model shares: bytes in and out, batches, errors."""

import cases
import keras
import numpy as np
import pytest
from keras import ops

from keras_ssl import generative, sample_grid
from keras_ssl.generative import Generative


class Mirror(Generative):
    """Codes are flattened images, so that everything can be said by hand."""

    terms = ("supervised",)
    conditional = True

    def draw(self, n, labels, seed):
        shape = (n, *self.network.input_shape[1:])
        if labels is None:
            return keras.random.uniform(shape, seed=seed)
        labels = ops.reshape(ops.cast(labels, "float32"), (-1, 1, 1, 1))
        return ops.ones(shape) * labels / 255.0

    def rebuild(self, images):
        return 1.0 - images

    def code(self, images):
        return ops.reshape(images, (-1, 64))


class Blind(Generative):
    """Has a code and nothing else; not conditional."""

    def code(self, images):
        return ops.mean(images, axis=(1, 2, 3))


class Drawing(Mirror):
    """Draws, but knows no classes and rebuilds nothing."""

    conditional = False
    rebuild = None


def pictures(n):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (n, *cases.SHAPE)).astype("uint8")


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(generative, "BATCH", 7)


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("n", [0, 1, 7, 20])
def test_images_come_back_in_order_whatever_their_number(n):
    model, images = Mirror(cases.plain_network()), pictures(n)
    np.testing.assert_array_equal(model.reconstruct(images), 255 - images)
    codes = model.encode(images)
    assert codes.dtype == np.float32
    np.testing.assert_allclose(codes, images.reshape(n, 64) / 255.0, rtol=1e-6)
    labels = np.arange(n) % cases.CLASSES
    drawn = model.generate(n, labels)
    assert drawn.shape == (n, *cases.SHAPE)
    np.testing.assert_array_equal(drawn[:, 0, 0, 0], labels)


@pytest.mark.usefixtures("small_batches")
def test_a_seed_draws_the_same_images_and_every_image_another():
    model = Mirror(cases.plain_network())
    first = model.generate(20, seed=3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, model.generate(20, seed=3))
    assert (first != model.generate(20, seed=4)).mean() > 0.9
    assert len(np.unique(first, axis=0)) == 20


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1], "expected labels as 3 integers"),
        ([0.0, 1.0, 2.0], "received float64 of shape"),
        ([0, 1, 4], "expected labels from 0 to 3; received 0 to 4"),
        ([0, -1, 2], "received -1 to 2"),
    ],
)
def test_wrong_labels_are_a_clear_error(labels, message):
    with pytest.raises(ValueError, match=message):
        Mirror(cases.plain_network()).generate(3, labels)


def test_what_a_method_cannot_do_is_a_clear_error():
    model = Blind(cases.plain_network())
    with pytest.raises(NotImplementedError, match="Blind does not generate"):
        model.generate(3)
    with pytest.raises(NotImplementedError, match="Blind does not reconst"):
        model.reconstruct(pictures(1))
    with pytest.raises(ValueError, match="cannot draw an image of a given"):
        Drawing(cases.plain_network()).generate(1, [0])
    with pytest.raises(ValueError, match="expected uint8 images"):
        model.encode(pictures(1) / 255.0)


def test_images_beyond_black_and_white_are_clipped_and_rounded():
    model = Mirror(cases.plain_network())
    values = np.array([-0.3, 0.0, 0.5, 127.6 / 255, 1.0, 1.7], "float32")
    found = model._as_bytes(ops.convert_to_tensor(values))
    assert found.tolist() == [0, 0, 128, 128, 255, 255]
    model.pixel_range = (-1.0, 1.0)
    found = model._as_bytes(ops.convert_to_tensor(values))
    assert found.tolist() == [89, 128, 191, 191, 255, 255]


# The pictures -----------------------------------------------------------------


def test_a_grid_lays_images_row_by_row():
    images = np.arange(1, 6, dtype=np.uint8).reshape(5, 1, 1, 1)
    page = sample_grid.grid(images, columns=3, gap=1)[..., 0]
    white = 255
    assert page.tolist() == [
        [1, white, 2, white, 3],
        [white] * 5,
        [4, white, 5, white, white],
    ]
    with pytest.raises(ValueError, match="expected uint8 images"):
        sample_grid.grid(images / 2)


def epochs_written(folder, model, number, **arguments):
    callback = sample_grid.SampleGrid(folder, pictures(20), **arguments)
    callback.set_model(model)
    callback.set_params({"epochs": number})
    for epoch in range(number):
        callback.on_epoch_end(epoch)
    return sorted(int(path.stem.split("_")[1]) for path in folder.iterdir())


def test_pictures_are_written_after_some_epochs_and_the_last(tmp_path):
    model = Mirror(cases.plain_network())
    assert epochs_written(tmp_path / "a", model, 23) == [1, 2, 5, 10, 20, 23]
    assert epochs_written(tmp_path / "b", model, 9, epochs=[3, 4]) == [3, 4]


def test_a_picture_shows_samples_by_class_and_reconstructions(tmp_path):
    from PIL import Image

    images = pictures(20)
    model = Mirror(cases.plain_network())
    rows = sample_grid.SampleGrid(tmp_path, images)
    rows.set_model(model)
    rows = rows.rows().reshape(14, 10, *cases.SHAPE)
    # the columns are classes, of which the last one fills up
    assert rows[:10, :, 0, 0, 0].tolist() == [[0, 1, 2, *[3] * 7]] * 10
    np.testing.assert_array_equal(rows[10], images[:10])
    np.testing.assert_array_equal(rows[11], 255 - images[:10])
    np.testing.assert_array_equal(rows[12], images[10:])
    path = tmp_path / "one.png"
    sample_grid.save_png(path, images[0])
    np.testing.assert_array_equal(
        np.asarray(Image.open(path)), images[0, ..., 0]
    )
    assert [file.name for file in tmp_path.iterdir()] == ["one.png"]


def test_a_model_without_pictures_writes_none(tmp_path):
    callback = sample_grid.SampleGrid(tmp_path / "none", pictures(20))
    callback.set_model(Blind(cases.plain_network()))
    callback.set_params({"epochs": 1})
    callback.on_epoch_end(0)
    assert not (tmp_path / "none").exists()
