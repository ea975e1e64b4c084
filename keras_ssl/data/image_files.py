"""Image files of any kind and size as pixels of one kind and size."""

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_ssl.data.image_size import PILLOW_MODES

SUFFIXES = (
    ".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff",
)  # fmt: skip
GRAY = ("1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "F")
DEEP = ("I", "I;16", "I;16B", "I;16L")
LOOKED_AT = 200  # files whose header decides the size and the channels
LARGEST = 64  # side of images whose size nobody has chosen


def decode(
    path: str | os.PathLike[str], image_size: tuple[int, int], channels: int
) -> NDArray[np.uint8]:
    """The pixels of a file.

    Turned upright as EXIF says. Of an animation the first frame; transparent
    parts are white; 16 bits become 8. An image of another shape is cut at two
    opposite edges, never stretched, and resized by Pillow, bilinear.

    Args:
        path: a file that Pillow can read.
        image_size: `(height, width)` of the result.
        channels: 1 or 3.

    Returns:
        uint8 `(height, width, channels)`.

    Raises:
        OSError: the file cannot be read, or is cut off.
        ValueError: it is no image.
    """
    from PIL import Image

    try:
        with Image.open(path) as image:
            if image.format == "JPEG":  # decodes a smaller image at once
                side = 2 * max(image_size)  # it may yet be turned
                image.draft(None, (side, side))
            return pixels(image, image_size, channels)
    except OSError:
        raise
    except Exception as error:  # Pillow raises many kinds for damaged files
        raise ValueError(f"{type(error).__name__}: {error}") from error


def pixels(
    image: Any, image_size: tuple[int, int] | None, channels: int
) -> NDArray[np.uint8]:
    """The pixels of one of Pillow's images, made as `decode` says.

    Args:
        image: a `PIL.Image.Image`.
        image_size: `(height, width)` of the result; `None`: its own.
        channels: 1 or 3.

    Returns:
        uint8 `(height, width, channels)`.
    """
    from PIL import Image, ImageOps

    upright = ImageOps.exif_transpose(image)
    flat = _opaque(_eight_bits(upright)).convert(PILLOW_MODES[channels])
    height, width = image_size or flat.size[::-1]
    if flat.size != (width, height):
        flat = ImageOps.fit(flat, (width, height), Image.Resampling.BILINEAR)
    return np.asarray(flat, np.uint8).reshape(height, width, channels)


def _eight_bits(image: Any) -> Any:
    """An image of 16 bits, or of numbers, as one of 8."""
    from PIL import Image

    if image.mode in DEEP:
        values = np.clip(np.asarray(image, np.int64), 0, 65535)
        return Image.fromarray((values / 257).round().astype(np.uint8))
    if image.mode == "F":
        values = np.nan_to_num(np.asarray(image, np.float64))
        return Image.fromarray(np.clip(values, 0, 255).round().astype(np.uint8))
    return image


def _opaque(image: Any) -> Any:
    """An image with what is transparent in it painted white."""
    from PIL import Image

    if not image.has_transparency_data:
        return image
    image = image.convert("RGBA")
    return Image.alpha_composite(
        Image.new("RGBA", image.size, (255, 255, 255, 255)), image
    )


def usual_shape(
    paths: list[str],
) -> tuple[tuple[int, int], int]:
    """The size and channels that suit files, from the headers of 200 of them.

    If all have one size, it is that, up to 64 pixels; else a square with the
    median of their shorter sides, up to 64. One channel if all are gray.

    Args:
        paths: files.

    Returns:
        `(height, width)` and 1 or 3.

    Raises:
        ValueError: none of them is an image.
    """
    from PIL import Image

    sizes, channels = [], 1
    every = max(1, len(paths) // LOOKED_AT)
    for path in paths[::every][:LOOKED_AT]:
        try:
            with Image.open(path) as image:
                turned = image.getexif().get(0x0112, 1) >= 5
                size = image.size if turned else image.size[::-1]
                sizes.append(size)  # (height, width), upright
                if image.mode not in GRAY:
                    channels = 3
        except Exception:  # noqa: S112 (decode will say what is wrong with it)
            continue
    if not sizes:
        raise ValueError(
            f"none of {len(paths)} files is an image that can be read: "
            f"{', '.join(map(str, paths[:3]))}"
        )
    if len(set(sizes)) == 1 and max(sizes[0]) <= LARGEST:
        return sizes[0], channels
    side = int(min(LARGEST, np.median([min(size) for size in sizes])))
    return (side, side), channels
