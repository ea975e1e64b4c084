"""Pictures of what a generative model makes, written while it learns."""

import os
import pathlib
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_ssl.writing import whole

COLUMNS = 10


def grid(
    images: NDArray[np.uint8], columns: int = COLUMNS, gap: int = 2
) -> NDArray[np.uint8]:
    """Images side by side as one.

    Args:
        images: uint8 `(n, height, width, channels)`.
        columns: images in a row. Defaults to 10.
        gap: white pixels between two of them. Defaults to 2.

    Returns:
        uint8 `(height, width, channels)` of the whole grid; places without an
        image are white.

    Raises:
        ValueError: other arrays.

    Example:

    >>> page = grid(np.zeros((20, 28, 28, 1), np.uint8))
    >>> page.shape
    (58, 298, 1)
    """
    if images.dtype != np.uint8 or images.ndim != 4:
        raise ValueError(
            "expected uint8 images (n, height, width, channels); received "
            f"{images.dtype} {images.shape}"
        )
    n, height, width, channels = images.shape
    rows = -(-n // columns)
    page = np.full(
        (rows * (height + gap), columns * (width + gap), channels),
        255,
        np.uint8,
    )
    for place, image in enumerate(images):
        top = place // columns * (height + gap)
        left = place % columns * (width + gap)
        page[top : top + height, left : left + width] = image
    return page[: len(page) - gap, : page.shape[1] - gap]


class SampleGrid(keras.callbacks.Callback):
    """Writes what the model draws and rebuilds as a PNG after some epochs.

    Above, ten rows of new images, a column for each class where the model can
    be told one; below, images and their reconstructions in turns.

    Args:
        path: folder of the pictures, `epoch_0001.png` and so on.
        images: uint8 `(n, height, width, channels)`, to reconstruct; a multiple
            of ten fills the rows.
        epochs: numbers of the epochs, from 1. `None`, the default: 1, 2, 5, 10,
            20, 50, 100 and so on, and the last one.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        images: NDArray[np.uint8],
        epochs: list[int] | None = None,
    ) -> None:
        super().__init__()
        self.path = pathlib.Path(path)
        self.images = images
        self.epochs = epochs

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self._is_due(epoch + 1):
            rows = self.rows()
            if len(rows):
                save_png(self.path / f"epoch_{epoch + 1:04}.png", grid(rows))

    def _is_due(self, epoch: int) -> bool:
        if self.epochs is not None:
            return epoch in self.epochs
        leading = int(str(epoch).rstrip("0"))
        return leading in (1, 2, 5) or epoch == self.params["epochs"]

    def rows(self) -> NDArray[np.uint8]:
        """The images of a picture in order, none if the model makes none."""
        model, shape = self.model, self.images.shape[1:]
        parts = [np.zeros((0, *shape), np.uint8)]
        if model.draw is not None:
            count = COLUMNS * COLUMNS
            classes = np.arange(count) % COLUMNS
            classes = np.minimum(classes, model.network.output_shape[-1] - 1)
            labels = classes if model.conditional else None
            parts.append(model.generate(count, labels))
        if model.rebuild is not None:
            rebuilt = model.reconstruct(self.images)
            for i in range(0, len(rebuilt), COLUMNS):
                row = slice(i, i + COLUMNS)
                parts += [self.images[row], rebuilt[row]]
        return np.concatenate(parts)


def save_png(path: pathlib.Path, image: NDArray[np.uint8]) -> None:
    """Writes one image `(height, width, channels)`, whole or not at all."""
    from PIL import Image

    is_gray = image.shape[-1] == 1
    picture = Image.fromarray(image[..., 0] if is_gray else image)
    with whole(path) as unfinished:
        picture.save(unfinished, format="png")
