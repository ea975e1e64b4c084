"""A Python loop over OpenCV calls in one process.

Draws are made for a batch at once, crops are copied by one indexing of all
windows of the padded store, and ops write into the batch in place.
"""

import cv2
import numpy as np

from peers.opencv_ops import FUNCTIONS


class Augmenter:
    """Makes batches from rows of the store; holds nothing that changes."""

    def __init__(self, job):
        cv2.setNumThreads(0)
        self.job = job
        windows = np.lib.stride_tricks.sliding_window_view(
            job.padded(), job.shape[:2], axis=(1, 2)
        )
        self.windows = windows.transpose(0, 1, 2, 4, 5, 3)

    def weak(self, rng, rows):
        flip, top, left = self.job.moves(rng, len(rows))
        images = self.windows[rows, top, left]
        if flip.any():
            flipped = images[flip]
            lines = flipped.reshape(-1, *flipped.shape[2:])
            images[flip] = cv2.flip(lines, 1).reshape(flipped.shape)
        return images

    def strong(self, rng, rows):
        images = self.weak(rng, rows)
        kinds, values = self.job.ops(rng, len(rows))
        squares = self.job.squares(rng, len(rows))
        spare, gray = np.empty(self.job.shape, np.uint8), self.job.gray
        for image, names, amounts, (top, bottom, left, right) in zip(
            images,
            kinds.tolist(),
            values.tolist(),
            squares.tolist(),
            strict=True,
        ):
            source, target = image, spare
            for name, amount in zip(names, amounts, strict=True):
                FUNCTIONS[name](source, target, amount)
                source, target = target, source
            if source is not image:
                image[...] = source
            image[top:bottom, left:right] = gray
        return images

    def batch(self, rng, rows):
        labeled, unlabeled = rows
        return (
            self.weak(rng, labeled),
            self.weak(rng, unlabeled),
            self.strong(rng, unlabeled),
        )


def make(job):
    rng = np.random.default_rng(job.seed)
    augmenter = Augmenter(job)
    for rows in job.rows(rng):
        yield augmenter.batch(rng, rows)
