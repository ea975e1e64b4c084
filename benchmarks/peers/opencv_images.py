"""OpenCV calls image by image, as the `__getitem__` of a data set is written.

Each image is flipped, padded, cropped and changed by calls of its own, with
draws of its own from Python's generator; a batch is stacked at the end. What
`opencv_loop` gains over this is what doing the draws, the padding and the crops
for whole batches brings.
"""

import random

import cv2
import numpy as np

from peers.job import HIGH, LOW
from peers.opencv_ops import FUNCTIONS

RANGES = list(zip(LOW.tolist(), HIGH.tolist(), strict=True))


def make(job):
    cv2.setNumThreads(0)
    rng = np.random.default_rng(job.seed)
    draw = random.Random(job.seed)
    for labeled, unlabeled in job.rows(rng):
        yield (
            np.stack([weak(job.images[row], draw) for row in labeled]),
            np.stack([weak(job.images[row], draw) for row in unlabeled]),
            np.stack([strong(job.images[row], job, draw) for row in unlabeled]),
        )


def weak(image, draw):
    height, width, _ = image.shape
    if draw.random() < 0.5:
        image = cv2.flip(image, 1)
    y, x = height // 8, width // 8
    padded = cv2.copyMakeBorder(image, y, y, x, x, cv2.BORDER_REFLECT_101)
    top, left = draw.randint(0, 2 * y), draw.randint(0, 2 * x)
    crop = padded[top : top + height, left : left + width]
    return crop.reshape(height, width, -1)


def strong(image, job, draw):
    image = np.ascontiguousarray(weak(image, draw))
    for _ in range(job.draws):
        number = draw.randrange(len(RANGES))
        low, high = RANGES[number]
        out = np.empty_like(image)
        FUNCTIONS[number](image, out, draw.uniform(low, high))
        image = out
    height, width, _ = image.shape
    side = draw.uniform(0, width / 2)
    top = max(0.0, draw.uniform(0, height) - side / 2)
    left = max(0.0, draw.uniform(0, width) - side / 2)
    image[int(top) : int(top + side) + 1, int(left) : int(left + side) + 1] = (
        job.gray
    )
    return image
