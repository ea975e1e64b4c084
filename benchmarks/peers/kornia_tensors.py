"""Kornia on whole batches: crops, flips and squares differ from image to image.

So do the parameters of its ops, but the ops are the same for a batch; therefore
`per_image` makes the ops on batches of one image.
"""

import functools

import kornia.augmentation as K
import numpy as np
import torch


def ops(channels):
    less, still = (0.05, 0.95), (0.0, 0.0)
    geometry = {"resample": "nearest", "p": 1.0}
    return [
        torch.nn.Identity(),
        K.RandomAutoContrast(p=1.0),
        K.RandomEqualize(p=1.0),
        K.RandomPosterize((4.0, 8.0), p=1.0),
        K.RandomSolarize((0.0, 1.0), still, p=1.0),
        K.RandomBrightness(less, p=1.0),
        K.RandomSaturation(less, p=1.0)
        if channels == 3
        else torch.nn.Identity(),
        K.RandomContrast(less, p=1.0),
        K.RandomSharpness(less, p=1.0),
        K.RandomRotation(30.0, **geometry),
        K.RandomAffine(0.0, shear=(-17.0, 17.0, 0.0, 0.0), **geometry),
        K.RandomAffine(0.0, shear=(0.0, 0.0, -17.0, 17.0), **geometry),
        K.RandomAffine(0.0, translate=(0.3, 0.0), **geometry),
        K.RandomAffine(0.0, translate=(0.0, 0.3), **geometry),
    ]


def make(job, per_image=False):
    torch.set_num_threads(job.threads)
    torch.manual_seed(job.seed)
    padded = torch.from_numpy(job.padded()).permute(0, 3, 1, 2)
    choices = ops(job.shape[2])
    crop = K.RandomCrop(job.shape[:2], p=1.0, cropping_mode="slice")
    flip = K.RandomHorizontalFlip(p=0.5)
    square = K.RandomErasing((0.0001, 0.25), (1.0, 1.0), value=0.48, p=1.0)
    rng = np.random.default_rng(job.seed)

    def weak(rows):
        images = padded[torch.from_numpy(rows)].to(torch.float32).div_(255)
        return flip(crop(images))

    def strong(rows):
        images = weak(rows)
        parts = images.split(1 if per_image else len(images))
        parts = [
            functools.reduce(
                lambda part, kind: choices[kind](part), kinds, part
            )
            for part, kinds in zip(parts, drawn(len(parts)), strict=True)
        ]
        return square(torch.cat(parts))

    def drawn(count):
        return rng.integers(len(choices), size=(count, job.draws))

    with torch.inference_mode():
        for labeled, unlabeled in job.rows(rng):
            yield weak(labeled), weak(unlabeled), strong(unlabeled)
