"""The contact sheet: where images and captions stand."""

import numpy as np
import pytest

from keras_ssl.contact_sheet import GAP, LINE, TILE, contact_sheet

pytestmark = pytest.mark.once


def tile(sheet, row, column):
    top = GAP + row * (TILE + LINE + GAP)
    left = GAP + column * (TILE + GAP)
    return sheet[top : top + TILE, left : left + TILE]


def test_images_stand_in_rows_above_their_captions():
    images = [np.full((8, 8, 1), gray, np.uint8) for gray in (0, 50, 100)]
    sheet = contact_sheet(images, ["1: a?", "2: ночь?", "3: " + "x" * 99], 2)
    assert sheet.dtype == np.uint8
    assert sheet.shape == (
        2 * (TILE + LINE + GAP) + GAP, 2 * (TILE + GAP) + GAP, 3,
    )  # fmt: skip
    for (row, column), gray in (((0, 0), 0), ((0, 1), 50), ((1, 0), 100)):
        assert (tile(sheet, row, column) == gray).all()
    assert (tile(sheet, 1, 1) == 255).all()
    assert sheet[GAP + TILE : GAP + TILE + LINE, GAP : GAP + 30].min() < 128
    assert (sheet[:, GAP + TILE : GAP + TILE + GAP] == 255).all()  # cut off


def test_small_images_stay_sharp_and_wide_ones_whole():
    pixels = np.zeros((4, 8, 3), np.uint8)
    pixels[:, ::2] = (9, 8, 7)
    shown = tile(contact_sheet([pixels], ["1"]), 0, 0)
    values = {tuple(x) for x in shown.reshape(-1, 3).tolist()}
    assert values == {(9, 8, 7), (0, 0, 0), (235, 235, 235)}
    large = np.zeros((300, 100, 1), np.uint8)
    shown = tile(contact_sheet([large], ["1"]), 0, 0)
    assert np.count_nonzero(shown[0, :, 0] == 0) == 100 * TILE // 300


def test_images_and_captions_must_be_as_many():
    with pytest.raises(ValueError, match="received 0 images and 0 captions"):
        contact_sheet([], [])
    with pytest.raises(ValueError, match="a caption for each"):
        contact_sheet([np.zeros((2, 2, 1), np.uint8)], [])
