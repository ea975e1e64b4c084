"""The cache of decoded arrays: a folder that exists is whole."""

import json

import numpy as np
import pytest

from keras_ssl.data import array_cache


def write(folder, count=3):
    with array_cache.building(folder) as room:
        images = np.arange(count * 4, dtype=np.uint8).reshape(count, 2, 2, 1)
        array_cache.write_images(room / "train_images.npy", images, count)
        np.save(room / "train_labels.npy", np.zeros(count, np.int32))
        (room / "about.json").write_text(json.dumps({"has_test": False}))
    return images


def test_round_trip(tmp_path):
    folder = array_cache.folder_of(tmp_path, "emnist/letters", "3.1.0")
    assert folder.name == "emnist-letters-3.1.0"
    images = write(folder)
    train, test, about = array_cache.read(folder)
    np.testing.assert_array_equal(train[0], images)
    assert test is None
    assert about == {"has_test": False}


def test_newest_version_is_found_by_number(tmp_path):
    for version in ("2.0.0", "10.0.0"):
        array_cache.folder_of(tmp_path, "a", version).mkdir(parents=True)
    array_cache.folder_of(tmp_path, "a/b", "11.0.0").mkdir()
    array_cache.folder_of(tmp_path, "a", "12.0.0", (8, 9)).mkdir()
    assert array_cache.find(tmp_path, "a").name == "a-10.0.0"
    assert array_cache.find(tmp_path, "a", "2.0.0").name == "a-2.0.0"
    found = array_cache.find(tmp_path, "a", image_size=(8, 9))
    assert found.name == "a-12.0.0-8x9"
    assert array_cache.find(tmp_path, "a", "3.0.0") is None
    assert array_cache.find(tmp_path / "absent", "a") is None


def test_interrupted_building_leaves_nothing(tmp_path):
    folder = array_cache.folder_of(tmp_path, "a", "1.0.0")
    with pytest.raises(KeyboardInterrupt), array_cache.building(folder):
        raise KeyboardInterrupt
    assert not list(folder.parent.iterdir())


def test_killed_building_is_invisible_and_removable(tmp_path):
    folder = array_cache.folder_of(tmp_path, "a", "1.0.0")
    left = folder.with_name(f"{array_cache.UNFINISHED}{folder.name}-0")
    left.mkdir(parents=True)
    assert array_cache.find(tmp_path, "a") is None
    array_cache.remove_unfinished(tmp_path)
    assert not left.exists()


def test_first_of_two_builders_wins(tmp_path):
    folder = array_cache.folder_of(tmp_path, "a", "1.0.0")
    with array_cache.building(folder) as late:
        (late / "file").touch()
        write(folder)
    assert len(array_cache.read(folder)[0][0]) == 3
    assert list(folder.parent.iterdir()) == [folder]


@pytest.mark.parametrize(
    "damage", ["about.json", "train_images.npy", "train_labels.npy"]
)
def test_damage_is_noticed(tmp_path, damage):
    folder = array_cache.folder_of(tmp_path, "a", "1.0.0")
    write(folder)
    content = (folder / damage).read_bytes()
    (folder / damage).write_bytes(content[: len(content) - 2])
    with pytest.raises(ValueError, match="is damaged"):
        array_cache.read(folder)
    (folder / damage).unlink()
    with pytest.raises(ValueError, match="is damaged"):
        array_cache.read(folder)


def test_numbers_of_images_are_compared(tmp_path):
    images = np.zeros((2, 2, 2, 1), np.uint8)
    with pytest.raises(ValueError, match="expected 3 images; received 2"):
        array_cache.write_images(tmp_path / "images.npy", images, 3)
