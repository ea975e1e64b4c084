"""Resizing: every image of a data set has one height and width."""

import operator

import numpy as np
from numpy.typing import NDArray

PILLOW_MODES = {1: "L", 3: "RGB"}


def checked_image_size(
    image_size: tuple[int, int] | None,
) -> tuple[int, int] | None:
    """Returns `image_size` as a tuple of two positive ints, or `None`.

    Args:
        image_size: `None` or a pair `(height, width)`.

    Returns:
        `None` or `(height, width)`.

    Raises:
        ValueError: For anything else.
    """
    if image_size is None:
        return None
    try:
        height, width = (operator.index(side) for side in image_size)
    except (TypeError, ValueError):
        height = width = 0
    if height < 1 or width < 1:
        raise ValueError(
            "image_size must be (height, width), two positive integers; "
            f"received {image_size!r}"
        )
    return height, width


def resize(
    image: NDArray[np.uint8], image_size: tuple[int, int]
) -> NDArray[np.uint8]:
    """Resizes one image with Pillow, bilinear.

    Pillow widens the filter when it shrinks an image, so no pixel of the
    original is skipped.

    Args:
        image: uint8 array of shape `(height, width, channels)`, with 1 or 3
            channels.
        image_size: `(height, width)` of the result.

    Returns:
        uint8 array of shape `(*image_size, channels)`.

    Raises:
        ImportError: If Pillow is not installed.
        ValueError: For another number of channels.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError(
            "image_size=... resizes with Pillow: pip install pillow"
        ) from error
    channels = image.shape[-1]
    if channels not in PILLOW_MODES:
        raise ValueError(
            f"expected images of 1 or 3 channels; received {channels}"
        )
    height, width = image_size
    pixels = image[..., 0] if channels == 1 else image
    resized = Image.fromarray(np.ascontiguousarray(pixels)).resize(
        (width, height), Image.Resampling.BILINEAR
    )
    return np.asarray(resized).reshape(height, width, channels)
