"""A Python loop over Pillow calls in one process.

Draws and crops are made as in `opencv_loop`; Pillow makes the ops, and NumPy
the flip and the square, which cost less there.
"""

import numpy as np
from PIL import Image

from peers.pillow_ops import FUNCTIONS


def make(job):
    rng = np.random.default_rng(job.seed)
    windows = np.lib.stride_tricks.sliding_window_view(
        job.padded(), job.shape[:2], axis=(1, 2)
    ).transpose(0, 1, 2, 4, 5, 3)

    def weak(rows):
        flip, top, left = job.moves(rng, len(rows))
        images = windows[rows, top, left]
        images[flip] = images[flip, :, ::-1]
        return images

    def strong(rows):
        images = weak(rows)
        planes = images if job.shape[2] == 3 else images[..., 0]
        kinds, values = job.ops(rng, len(rows))
        squares = job.squares(rng, len(rows)).tolist()
        color = job.gray if job.shape[2] == 3 else job.gray[0]
        for out, names, amounts, (top, bottom, left, right) in zip(
            planes, kinds.tolist(), values.tolist(), squares, strict=True
        ):
            image = Image.fromarray(out)
            for name, amount in zip(names, amounts, strict=True):
                image = FUNCTIONS[name](image, amount)
            out[...] = image
            out[top:bottom, left:right] = color
        return images

    for labeled, unlabeled in job.rows(rng):
        yield weak(labeled), weak(unlabeled), strong(unlabeled)
