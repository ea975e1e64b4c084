"""Registry: a misspelled name is answered with the closest ones."""

import pytest

from keras_ssl import methods, networks, registry

THINGS = {"fixmatch": 1, "flexmatch": 2, "vat": None}


def test_a_known_name_gives_its_entry_even_if_that_is_empty():
    assert registry.look_up(THINGS, "method", "flexmatch") == 2
    assert registry.look_up(THINGS, "method", "vat") is None


def test_a_misspelled_name_is_answered_with_the_closest_first():
    with pytest.raises(ValueError, match="unknown method 'fixmtch'") as error:
        registry.look_up(THINGS, "method", "fixmtch")
    assert "Did you mean fixmatch" in str(error.value)
    assert str(error.value).endswith("There are: fixmatch, flexmatch, vat")


def test_a_name_like_none_gets_the_list_without_a_guess():
    with pytest.raises(ValueError, match="There are: fixmatch") as error:
        registry.look_up(THINGS, "method", "zzzz")
    assert "Did you mean" not in str(error.value)


@pytest.mark.parametrize("name", [None, 3])
def test_something_else_than_a_name_is_answered_too(name):
    with pytest.raises(ValueError, match="There are: fixmatch"):
        registry.look_up(THINGS, "method", name)


@pytest.mark.parametrize(
    ("room", "name", "hint"),
    [(methods, "fix_match", "fixmatch"), (networks, "smallcnn", "small_cnn")],
)
def test_the_rooms_answer_a_misspelled_name(room, name, hint):
    with pytest.raises(ValueError, match=f"Did you mean {hint}"):
        room.get(name)


@pytest.mark.parametrize("room", [methods, networks])
def test_every_name_of_a_room_can_be_got(room):
    assert len(set(room.names())) == len(room.names())
    for name in room.names():
        assert callable(room.get(name))
