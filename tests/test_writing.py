import os
from contextlib import nullcontext

import pytest

from keras_ssl.writing import whole


def names(folder):
    return sorted(os.listdir(folder))


def test_a_file_appears_whole_and_alone(tmp_path):
    path = tmp_path / "new" / "scores.json"
    with whole(path) as unfinished:
        assert unfinished.suffix == ".json"
        unfinished.write_text("1")
        assert not path.exists()
    assert path.read_text() == "1"
    assert names(path.parent) == ["scores.json"]


def test_an_error_leaves_what_was_there(tmp_path):
    path = tmp_path / "scores.json"
    path.write_text("1")

    def fail():
        with whole(path) as unfinished:
            unfinished.write_text("2")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert path.read_text() == "1"
    assert names(tmp_path) == ["scores.json"]


def test_two_may_write_the_same(tmp_path):
    path = tmp_path / "scores.json"
    with whole(path) as first, whole(path) as second:
        first.write_text("1")
        second.write_text("2")
    assert path.read_text() == "1"  # which was renamed last
    assert names(tmp_path) == ["scores.json"]


@pytest.mark.parametrize("fails", [False, True])
def test_a_folder_takes_the_place_of_another(tmp_path, fails):
    path = tmp_path / "model"
    path.mkdir()
    (path / "old").touch()
    raised = pytest.raises(RuntimeError) if fails else nullcontext()
    with raised, whole(path) as unfinished:
        unfinished.mkdir()
        (unfinished / "new").touch()
        if fails:
            raise RuntimeError
    assert names(path) == ["old" if fails else "new"]
    assert names(tmp_path) == ["model"]
