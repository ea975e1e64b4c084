"""Generative: models that also draw, rebuild or encode images.

A method says how in tensors; NumPy in and out, bytes and batches are here.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike, NDArray

from keras_ssl import backend
from keras_ssl.backend import Tensor
from keras_ssl.ssl_model import SSLModel

BATCH = 500  # images at a time, so that memory does not depend on their number


class Generative(SSLModel):
    """An `SSLModel` whose networks know more of an image than its class.

    Its images span 0 to 1, as the generative papers have them, and are not
    augmented.

    A subclass overrides what it has of the following, all in tensors of float
    images `(batch, height, width, channels)` in `pixel_range`:

    - `draw(n, labels, seed)`: n new images; `labels` are int32 `(n,)`, or
      `None` if they do not matter, and always so unless `conditional` is set;
      `seed` is a `keras.random.SeedGenerator`;
    - `rebuild(images)`: the images, through the code and back;
    - `code(images)`: what is between, `(batch, ...)`.
    """

    views = {
        "labeled": ("labeled", "identity"),
        "unlabeled": ("unlabeled", "identity"),
    }
    pixel_range = (0.0, 1.0)
    default_network = "mlp"

    conditional = False
    draw: Callable[..., Tensor] | None = None
    rebuild: Callable[..., Tensor] | None = None
    code: Callable[..., Tensor] | None = None

    def generate(
        self, n: int, labels: ArrayLike | None = None, seed: int = 0
    ) -> NDArray[np.uint8]:
        """New images.

        Args:
            n: how many.
            labels: class numbers, integers `(n,)`, where the method can draw an
                image of a given class. `None`, the default: any classes.
            seed: the same seed draws the same images. Defaults to 0.

        Returns:
            uint8 `(n, height, width, channels)`.

        Raises:
            NotImplementedError: the method does not generate.
            ValueError: labels of another number than n, out of range, or for
                a method that does not know what it draws.
        """
        draw = self._ability("draw", "generate images")
        if labels is not None:
            labels = self._checked_labels(labels, n)
        generator = keras.random.SeedGenerator(seed)
        return self._in_portions(
            n,
            lambda part: self._as_bytes(
                draw(
                    part.stop - part.start,
                    None if labels is None else labels[part],
                    generator,
                )
            ),
        )

    def reconstruct(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Images as they come back from the code.

        Args:
            images: uint8 `(batch, height, width, channels)`.

        Returns:
            The same shape and dtype.

        Raises:
            NotImplementedError: the method does not reconstruct.
        """
        rebuild = self._ability("rebuild", "reconstruct images")
        return self._in_portions(
            len(images),
            lambda part: self._as_bytes(rebuild(self.normalize(images[part]))),
        )

    def encode(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The codes of images.

        Args:
            images: uint8 `(batch, height, width, channels)`.

        Returns:
            float32 `(batch, ...)`; what it means stands in the method's
            docstring.

        Raises:
            NotImplementedError: the method has no code.
        """
        code = self._ability("code", "encode images")
        return self._in_portions(
            len(images),
            lambda part: ops.convert_to_numpy(
                ops.cast(code(self.normalize(images[part])), "float32")
            ),
        )

    def _ability(self, hook: str, what: str) -> Callable[..., Tensor]:
        function = getattr(self, hook)
        if function is None:
            raise NotImplementedError(
                f"{type(self).__name__} does not {what}; the docstring of "
                "each method says what it can do beside classifying"
            )
        return function

    def _in_portions(
        self, n: int, function: Callable[[slice], NDArray[Any]]
    ) -> NDArray[Any]:
        """`function` of consecutive slices of 0 to n, joined.

        In one scope, which drops what the networks update, but not before the
        last portion: the draws of the second must not repeat the first's.
        """
        with backend.no_grad(), backend.scope():
            return np.concatenate(
                [
                    function(slice(i, min(i + BATCH, n)))
                    for i in range(0, max(n, 1), BATCH)
                ]
            )

    def _checked_labels(self, labels: ArrayLike, n: int) -> NDArray[np.int32]:
        labels = np.asarray(labels)
        classes = self.network.output_shape[-1]
        if labels.shape != (n,) or labels.dtype.kind not in "iu":
            raise ValueError(
                f"expected labels as {n} integers, one for each image; "
                f"received {labels.dtype} of shape {labels.shape}"
            )
        if not self.conditional:
            raise ValueError(
                f"{type(self).__name__} cannot draw an image of a given class; "
                "leave labels out"
            )
        if n and not 0 <= labels.min() <= labels.max() < classes:
            raise ValueError(
                f"expected labels from 0 to {classes - 1}; received "
                f"{labels.min()} to {labels.max()}"
            )
        return labels.astype(np.int32)

    def _as_bytes(self, images: Tensor) -> NDArray[np.uint8]:
        """Float images in `pixel_range` as uint8, rounded and clipped."""
        low, high = self.pixel_range
        values = ops.convert_to_numpy(ops.cast(images, "float32"))
        values = (values - low) * (255.0 / (high - low))
        return np.clip(np.rint(values), 0, 255).astype(np.uint8)
