"""Albumentations, one process; crops are taken from the padded store."""

import os

os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"

import albumentations as A
import cv2
import numpy as np


def geometry(**moves):
    return A.Affine(
        **{"scale": 1, "rotate": 0, "shear": 0, **moves},
        interpolation=cv2.INTER_NEAREST,
        p=1,
    )


def ops(channels):
    """The 14 ops; enhancements between 0.05 and 0.95 as elsewhere."""
    less = (-0.95, -0.05)  # relative to leaving the image as it is
    shear = (-17, 17)  # degrees: a tangent of 0.3
    return [
        A.NoOp(p=1),
        A.AutoContrast(p=1),
        A.Equalize(by_channels=True, p=1),
        A.Posterize(num_bits=(4, 8), p=1),
        A.Solarize(threshold_range=(0, 1), p=1),
        A.RandomBrightnessContrast(less, 0, p=1),
        A.RandomBrightnessContrast(0, less, p=1),
        A.ColorJitter(0, 0, (0.05, 0.95), 0, p=1)
        if channels == 3
        else A.NoOp(p=1),
        A.Blur(blur_limit=3, p=1),
        geometry(rotate=(-30, 30)),
        geometry(shear={"x": shear, "y": 0}),
        geometry(shear={"x": 0, "y": shear}),
        geometry(translate_percent={"x": (-0.3, 0.3), "y": 0}),
        geometry(translate_percent={"x": 0, "y": (-0.3, 0.3)}),
    ]


def make(job):
    cv2.setNumThreads(0)
    height, width, channels = job.shape
    moves = [A.RandomCrop(height, width, p=1), A.HorizontalFlip(p=0.5)]
    square = A.CoarseDropout(
        num_holes_range=(1, 1),
        hole_height_range=(0.01, 0.5),
        hole_width_range=(0.01, 0.5),
        fill=tuple(job.gray.tolist()),
        p=1,
    )
    weak = A.Compose(moves, seed=job.seed)
    strong = A.Compose(
        [*moves, A.SomeOf(ops(channels), job.draws, replace=True, p=1), square],
        seed=job.seed + 1,
    )
    padded = job.padded()

    def augmented(transform, rows):
        out = np.empty((len(rows), *job.shape), np.uint8)
        for image, row in zip(out, rows, strict=True):
            image[...] = transform(image=padded[row])["image"]
        return out

    for labeled, unlabeled in job.rows(np.random.default_rng(job.seed)):
        yield (
            augmented(weak, labeled),
            augmented(weak, unlabeled),
            augmented(strong, unlabeled),
        )
