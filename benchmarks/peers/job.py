"""The job that every peer of the benchmark does: the batch of a FixMatch step.

A batch is `batch_size` labeled images under weak augmentation, seven times as
many unlabeled ones under weak augmentation, and the same ones under strong
augmentation, in the order of a full shuffle.

Weak: a flip of half of the images and a random crop after padding each side by
an eighth, by reflection. Strong: weak, then `draws` of the 14 RandAugment ops
of USB with a random value each, then a gray square of up to half of the width.
"""

import collections.abc
import dataclasses

import numpy as np

from keras_ssl.data import policies

LABELED = 250  # images with a label: the first of the store
RATIO = 7
GRAY = np.array([125, 123, 114], np.uint8)  # of the square; USB's
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # USB's for CIFAR-10

OPS = tuple(op.name for op in policies.rand_augment().ops)
LOW = np.array([op.low for op in policies.rand_augment().ops])
HIGH = np.array([op.high for op in policies.rand_augment().ops])


@dataclasses.dataclass(frozen=True)
class Job:
    """What a peer is asked for.

    Args:
        images: the store, uint8 `(count, height, width, channels)`.
        batch_size: labeled images of a batch.
        draws: how many ops an image gets under strong augmentation.
        threads: how many threads a peer that has threads may use.
        seed: of whatever the peer draws.
    """

    images: np.ndarray
    batch_size: int
    draws: int
    threads: int
    seed: int

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.images.shape[1:]

    @property
    def gray(self) -> np.ndarray:
        """The color of the square, one value for each channel."""
        return GRAY[: self.shape[2]]

    def padded(self) -> np.ndarray:
        """The whole store with reflected borders, made once.

        With it a random crop is a copy of rows; without it, many libraries
        spend more time on reflection than on all the rest.
        """
        height, width, _ = self.shape
        pad_y, pad_x = height // 8, width // 8
        return np.pad(
            self.images,
            ((0, 0), (pad_y, pad_y), (pad_x, pad_x), (0, 0)),
            mode="reflect",
        )

    def rows(
        self, rng: np.random.Generator
    ) -> collections.abc.Iterator[tuple[np.ndarray, np.ndarray]]:
        """Endlessly the rows of a batch: labeled ones, unlabeled ones."""
        labeled = _shuffled(rng, LABELED, self.batch_size)
        unlabeled = _shuffled(rng, len(self.images), RATIO * self.batch_size)
        return zip(labeled, unlabeled, strict=True)

    def moves(self, rng: np.random.Generator, count: int) -> tuple:
        """Of each image: whether it is flipped; the crop's top and left."""
        height, width, _ = self.shape
        return (
            rng.random(count) < 0.5,
            rng.integers(2 * (height // 8) + 1, size=count),
            rng.integers(2 * (width // 8) + 1, size=count),
        )

    def ops(self, rng: np.random.Generator, count: int) -> tuple:
        """Places in `OPS` and values of the ops, each `(count, draws)`."""
        kinds = rng.integers(len(OPS), size=(count, self.draws))
        return kinds, rng.uniform(LOW[kinds], HIGH[kinds])

    def squares(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Top, bottom, left and right of the gray squares, `(count, 4)`."""
        height, width, _ = self.shape
        side = rng.uniform(0, width / 2, count)
        top = np.maximum(0, rng.uniform(0, height, count) - side / 2)
        left = np.maximum(0, rng.uniform(0, width, count) - side / 2)
        bottom, right = top + side + 1, left + side + 1  # clipped by slicing
        return np.stack([top, bottom, left, right], axis=1).astype(int)


def _shuffled(rng, count, batch_size):
    """Endlessly batches of rows; every pass shows each row once."""
    rows = np.empty(0, int)
    while True:
        while len(rows) < batch_size:
            rows = np.concatenate([rows, rng.permutation(count)])
        yield rows[:batch_size]
        rows = rows[batch_size:]


def make_images(
    count: int, shape: tuple[int, int, int], seed: int
) -> np.ndarray:
    """Pictures of smooth blobs under fine noise, all about equally bright.

    Like photographs they have neighbors of similar color and do not fill the
    range of values; being equally bright, they let a spread of brightness after
    augmentation be told from one before.
    """
    rng = np.random.default_rng(seed)
    height, width, channels = shape
    images = np.empty((count, *shape), np.uint8)
    y, x = np.arange(height) * 4 // height, np.arange(width) * 4 // width
    for start in range(0, count, 100):
        part = images[start : start + 100]
        blobs = rng.normal(0, 35, (len(part), 4, 4, channels))
        blobs -= blobs.mean(axis=(1, 2), keepdims=True)
        noise = rng.normal(118, 12, part.shape).astype(np.float32)
        noise += blobs[:, y][:, :, x].astype(np.float32)
        part[...] = np.clip(noise, 0, 255)
    return images
