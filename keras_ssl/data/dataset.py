"""A data set as plain data: images, labels, names."""

import dataclasses
import hashlib

import numpy as np
from numpy.typing import NDArray

from keras_ssl.data import policies
from keras_ssl.data import split as splitting

Pair = tuple[NDArray[np.uint8], NDArray[np.int32]]  # images and labels

FINGERPRINT_IMAGES = 64


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Images, labels and what they mean. Plain data; made by `load` and
    `from_arrays`.

    Attributes:
        name: Name of the data set.
        train: Pair of images, uint8 `(N, H, W, C)`, and labels, int32
            `(N,)`, -1 where unknown.
        test: The same for the test set, all labels known, or `None`.
        num_classes: Number of classes.
        class_names: Tuple of `num_classes` strings.
        flip: Whether a mirrored image keeps its label. `weak` and `strong`
            mirror images only if so.

    Example:

    >>> import keras_ssl
    >>> keras_ssl.data.load("digits")
    <Dataset digits: 1297 train, 500 test, 8x8x1, 10 classes>
    """

    name: str
    train: Pair
    test: Pair | None
    num_classes: int
    class_names: tuple[str, ...]
    flip: bool = True

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.image_shape))
        test = f"{len(self.test[1])} test" if self.test else "no test"
        return (
            f"<Dataset {self.name}: {len(self.train[1])} train, {test}, "
            f"{shape}, {self.num_classes} classes>"
        )

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """`(height, width, channels)`."""
        height, width, channels = self.train[0].shape[1:]
        return height, width, channels

    @property
    def weak(self) -> policies.Policy:
        """The recommended weak augmentation, a `policies.Policy`."""
        return policies.weak(flip=self.flip)

    @property
    def strong(self) -> policies.Policy:
        """The recommended strong augmentation, a `policies.Policy`."""
        return policies.strong(flip=self.flip)

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of the training set, to recognize it by.

        It covers the number, shape and labels of the training images and the
        bytes of 64 of them, evenly spaced, so that it is quick for any size.
        """
        images, labels = self.train
        digest = hashlib.sha256(repr(images.shape).encode())
        digest.update(np.ascontiguousarray(labels, "<i4").data)
        for number in range(FINGERPRINT_IMAGES):
            image = images[number * len(images) // FINGERPRINT_IMAGES]
            digest.update(np.ascontiguousarray(image).data)
        return digest.hexdigest()

    def split(
        self,
        labels_per_class: int,
        seed: int = 0,
        validation_per_class: int = 0,
    ) -> splitting.Split:
        """Chooses which training images count as labeled.

        Args:
            labels_per_class: Labeled images of each class, at least 1.
            seed: Integer that decides which ones.
            validation_per_class: Images of each class held out of training,
                labeled and unlabeled alike. Default 0.

        Returns:
            A `Split`.

        Raises:
            ValueError: If a class has too few labels.

        Example:

        >>> import keras_ssl
        >>> data = keras_ssl.data.load("digits")
        >>> data.split(labels_per_class=2, seed=0)
        <Split digits: 20 labeled, 1297 unlabeled, seed 0>
        """
        return splitting.draw(
            self, labels_per_class, seed, validation_per_class
        )
