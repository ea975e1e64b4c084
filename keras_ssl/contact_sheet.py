"""A picture of many images, each above a line of text."""

import numpy as np
from numpy.typing import NDArray

from keras_ssl.data.image_size import PILLOW_MODES

COLUMNS = 8
GAP = 8
LINE = 14  # height of a line of text in pixels
TILE = 112  # side of an image on the sheet


def contact_sheet(
    images: list[NDArray[np.uint8]],
    captions: list[str],
    columns: int = COLUMNS,
) -> NDArray[np.uint8]:
    """Images in rows, each above its caption, on white.

    Small images are enlarged in whole steps, so that their pixels stay sharp;
    large ones are made smaller.

    Args:
        images: uint8 `(height, width, channels)` each, 1 or 3 channels.
        captions: a short line for each; what does not fit is cut off.
        columns: images in a row. Defaults to 8.

    Returns:
        uint8 `(height, width, 3)`.

    Raises:
        ValueError: there are no images, or not as many captions.
    """
    from PIL import Image, ImageDraw

    if not images or len(images) != len(captions):
        raise ValueError(
            "expected at least one image and a caption for each; received "
            f"{len(images)} images and {len(captions)} captions"
        )
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    wide, high = TILE + GAP, TILE + LINE + GAP
    sheet = Image.new("RGB", (columns * wide + GAP, rows * high + GAP), "white")
    for place, (pixels, caption) in enumerate(
        zip(images, captions, strict=True)
    ):
        left = GAP + place % columns * wide
        top = GAP + place // columns * high
        sheet.paste(_tile(pixels), (left, top))
        text = Image.new("RGB", (TILE, LINE), "white")
        ImageDraw.Draw(text).text((0, 1), _printable(caption), fill="black")
        sheet.paste(text, (left, top + TILE))
    return np.asarray(sheet)


def _tile(pixels: NDArray[np.uint8]) -> "Image.Image":  # type: ignore[name-defined]  # noqa: F821
    """An image in a square of the sheet, in its middle."""
    from PIL import Image

    height, width, channels = pixels.shape
    mode = PILLOW_MODES[channels]
    flat = pixels[..., 0] if channels == 1 else pixels
    image = Image.fromarray(np.ascontiguousarray(flat)).convert(mode)
    side = max(height, width)
    if side <= TILE:
        scale, how = TILE // side, Image.Resampling.NEAREST
        size = width * scale, height * scale
    else:
        how = Image.Resampling.BILINEAR
        size = max(1, width * TILE // side), max(1, height * TILE // side)
    square = Image.new("RGB", (TILE, TILE), (235, 235, 235))
    image = image.convert("RGB").resize(size, how)
    square.paste(image, ((TILE - size[0]) // 2, (TILE - size[1]) // 2))
    return square


def _printable(caption: str) -> str:
    """A caption as Pillow's own font, which is Latin-1, can write it."""
    return caption.encode("latin-1", "replace").decode("latin-1")
