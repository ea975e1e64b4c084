"""Own images: files of every kind, damaged ones, tables, interrupted calls."""

import json
import os

import numpy as np
import pytest
from PIL import Image

from keras_ssl.data import from_folder, image_cache, image_files

RED, WHITE = (255, 0, 0), (255, 255, 255)


def write(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = pixels if isinstance(pixels, Image.Image) else Image.new(*pixels)
    image.save(path, **options)
    return path


@pytest.fixture
def room(tmp_path):
    """Two classes, one image each; three unlabeled ones; one is damaged."""
    for place, gray in (
        ("labeled/day light/1.png", 250),
        ("labeled/ночь/a b.png", 9),
        ("unlabeled/1.png", 1),
        ("unlabeled/deep/down/2.PNG", 2),
        ("unlabeled/3.png", 3),
    ):
        write(tmp_path / place, ("L", (8, 6), gray))
    content = (tmp_path / "unlabeled/3.png").read_bytes()
    (tmp_path / "unlabeled/0 broken.png").write_bytes(content[:40])
    (tmp_path / "unlabeled/notes.txt").write_text("no image")
    return tmp_path


def load(room, *places, **options):
    return from_folder(
        *(room / place for place in places), cache=room / "cache", **options
    )


def test_folders_become_a_data_set_without_the_damaged_file(room):
    with pytest.warns(UserWarning, match="1 of 6 images cannot") as warned:
        data = load(room, "labeled", "unlabeled")
    assert "0 broken.png" in str(warned[0].message)
    assert data.class_names == ("day light", "ночь")
    images, labels = data.train
    assert isinstance(images, np.memmap)
    assert images.shape == (5, 6, 8, 1)
    assert images[:, 0, 0, 0].tolist() == [250, 9, 1, 3, 2]
    assert labels.tolist() == [0, 1, -1, -1, -1]
    split = data.split_given()
    assert split.labeled.tolist() == [0, 1]
    assert len(split.unlabeled) == 5


def test_a_second_call_decodes_nothing_and_a_changed_file_is_seen(
    room, monkeypatch
):
    (room / "unlabeled/0 broken.png").unlink()
    first = load(room, "labeled", "unlabeled").train[0]
    decoded = []
    real = image_files.decode

    def counted(path, *others):
        decoded.append(path)
        return real(path, *others)

    monkeypatch.setattr(image_files, "decode", counted)
    again = load(room, "labeled", "unlabeled").train[0]
    assert not decoded
    np.testing.assert_array_equal(first, again)
    path = write(room / "unlabeled/1.png", ("L", (8, 6), 77))
    os.utime(path, ns=(1, 1))
    changed = load(room, "labeled", "unlabeled").train[0]
    assert len(decoded) == 5
    assert changed[2].max() == 77


def test_an_interrupted_call_goes_on_where_it_stopped(room, monkeypatch):
    monkeypatch.setattr(image_cache, "PORTION", 2)
    real, decoded = image_files.decode, []

    def breaks_off(path, *others):
        decoded.append(path)
        if len(decoded) == 5:
            raise KeyboardInterrupt
        return real(path, *others)

    (room / "unlabeled/0 broken.png").unlink()
    with monkeypatch.context() as patched:
        patched.setattr(image_files, "decode", breaks_off)
        with pytest.raises(KeyboardInterrupt):
            load(room, "labeled", "unlabeled")
    (state,) = (room / "cache").glob(".building-*/state.json")
    assert json.loads(state.read_text())["done"] == 4
    monkeypatch.setattr(
        image_files, "decode", lambda *a: decoded.append(a) or real(*a)
    )
    decoded.clear()
    images = load(room, "labeled", "unlabeled").train[0]
    assert len(decoded) == 1
    assert images[:, 0, 0, 0].tolist() == [250, 9, 1, 3, 2]
    left = [path.name for path in (room / "cache").iterdir()]
    assert len(left) == 1
    assert not left[0].startswith(".")


def test_where_nothing_can_be_written_images_are_held_in_memory(room):
    (room / "unlabeled/0 broken.png").unlink()
    (room / "cache").write_text("a file in the way")
    images = load(room, "labeled", "unlabeled").train[0]
    assert not isinstance(images, np.memmap)
    assert len(images) == 5


def test_tables_of_paths(room):
    (room / "known.csv").write_text(
        "path,label\nlabeled/ночь/a b.png,night\nlabeled/day light/1.png,day\n"
        "unlabeled/1.png,\n",
        "utf-8",
    )
    (room / "others.csv").write_text("path\nunlabeled/deep/down/2.PNG\n")
    data = load(room, "known.csv", "others.csv")
    assert data.class_names == ("day", "night")
    assert data.train[1].tolist() == [1, 0, -1, -1]
    (room / "known.csv").write_text("file,label\n")
    with pytest.raises(ValueError, match="expected the columns path, label"):
        load(room, "known.csv")


def test_what_a_data_set_cannot_be_made_of(room):
    with pytest.raises(FileNotFoundError, match="nowhere is no folder and no"):
        load(room, "nowhere")
    with pytest.raises(ValueError, match="a folder for each class in"):
        load(room, "unlabeled/deep/down")
    with pytest.raises(ValueError, match=r"two classes .* received \['deep'\]"):
        load(room, "unlabeled")
    (room / "empty").mkdir()
    with pytest.raises(
        ValueError, match="holds no images: expected files that"
    ):
        load(room, "labeled", "empty")
    write(room / "test/dusk/1.png", ("L", (8, 6), 99))
    (room / "unlabeled/0 broken.png").unlink()
    with pytest.raises(ValueError, match="received dusk too"):
        load(room, "labeled", "unlabeled", "test")
    (room / "test.csv").write_text("path,label\nlabeled/day/1.png,\n")
    with pytest.raises(ValueError, match="received files without a label too"):
        load(room, "labeled", "unlabeled", "test.csv")
    for path in (room / "labeled").rglob("*.png"):
        path.write_bytes(b"")
    with pytest.raises(ValueError, match="none of 2 files is an image"):
        load(room, "labeled")
    with pytest.raises(ValueError, match="none of 2 images could be read"):
        load(room, "labeled", image_size=8, channels=1)


# One file ---------------------------------------------------------------------


def decoded(path, size=(4, 4), channels=3):
    return image_files.decode(path, size, channels)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "gif", "bmp", "tiff"])
def test_every_kind_of_file(tmp_path, suffix):
    path = write(tmp_path / f"1.{suffix}", ("RGB", (9, 9), RED))
    pixels = decoded(path)
    assert pixels.shape == (4, 4, 3)
    assert pixels.dtype == np.uint8
    assert np.abs(pixels.astype(int) - RED).max() <= 3


def test_images_are_turned_upright(tmp_path):
    pixels = np.zeros((4, 8, 3), np.uint8)
    pixels[:, :4] = 255  # the left half is white
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    path = write(tmp_path / "1.png", Image.fromarray(pixels), exif=exif)
    upright = decoded(path, (8, 4))
    assert upright[:4].min() == 255  # now the upper half is
    assert upright[4:].max() == 0
    assert image_files.usual_shape([str(path)]) == ((8, 4), 3)


def test_what_is_transparent_is_white(tmp_path):
    clear = write(tmp_path / "clear.png", ("RGBA", (4, 4), (0, 0, 0, 0)))
    assert decoded(clear).min() == 255
    assert decoded(clear, channels=1).min() == 255
    half = write(tmp_path / "half.png", ("LA", (4, 4), (0, 128)))
    assert set(decoded(half).ravel().tolist()) == {127}
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([0, 0, 255])
    path = write(tmp_path / "1.gif", palette, transparency=0)
    assert decoded(path).min() == 255


def test_16_bits_become_8(tmp_path):
    deep = Image.fromarray(np.full((4, 4), 257 * 100, np.uint16))
    path = write(tmp_path / "deep.png", deep)
    assert set(decoded(path).ravel().tolist()) == {100}
    assert image_files.usual_shape([str(path)]) == ((4, 4), 1)


def test_the_first_frame_and_a_cut_that_does_not_stretch(tmp_path):
    frames = [Image.new("L", (4, 4), gray) for gray in (200, 10)]
    path = tmp_path / "1.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    assert set(decoded(path, channels=1).ravel().tolist()) == {200}
    wide = np.zeros((4, 12), np.uint8)
    wide[:, 4:8] = 255  # only the middle is seen
    cut = write(tmp_path / "wide.png", Image.fromarray(wide))
    assert decoded(cut, channels=1).min() == 255


def test_the_usual_shape_of_several(tmp_path):
    paths = [
        write(tmp_path / f"{number}.png", ("L", (100 + number, 80), 0))
        for number in range(3)
    ]
    assert image_files.usual_shape(list(map(str, paths))) == ((64, 64), 1)
    small = [
        write(tmp_path / f"s{side}.png", ("RGB", (side, 30), 0))
        for side in (20, 24, 40)
    ]
    assert image_files.usual_shape(list(map(str, small))) == ((24, 24), 3)


def test_damaged_files_are_errors_of_two_kinds(tmp_path):
    path = tmp_path / "1.jpg"
    path.write_bytes(b"rubbish")
    with pytest.raises(OSError, match="cannot identify image"):
        decoded(path)
    with pytest.raises(OSError, match="No such file"):
        decoded(tmp_path / "2.jpg")
