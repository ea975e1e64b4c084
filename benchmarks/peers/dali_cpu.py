"""NVIDIA DALI on the CPU: its own augmentations, one drawn for each image.

Each draw is an `apply_trivial_augment` (one op, random magnitude) over the 14
ops with USB's ranges; crops are taken from the padded store, the square is
`fn.erase`. Two pipelines, because all outputs of one have the same batch size.
"""

import numpy as np
from nvidia.dali import fn, pipeline_def, types
from nvidia.dali.auto_aug import augmentations as a
from nvidia.dali.auto_aug import trivial_augment
from nvidia.dali.auto_aug.core import augmentation

from peers.job import RATIO


@augmentation(mag_range=(0.05, 0.95))
def gray_contrast(data, parameter):
    """DALI's contrast weighs three channels; this is the one of one."""
    mean = fn.reductions.mean(data, axis_names="HW", keep_dims=True)
    return fn.cast_like(mean + (data - mean) * parameter, data)


def ops(shape):
    height, width, channels = shape
    less = {"mag_range": (0.05, 0.95), "randomly_negate": False}
    return [
        a.identity,
        a.auto_contrast,
        a.equalize,
        a.posterize.augmentation((4, 8)),
        a.solarize.augmentation((0, 256)),
        a.brightness.augmentation(**less, mag_to_param=float),
        a.color.augmentation(**less, mag_to_param=float)
        if channels == 3
        else a.identity.augmentation(name="color"),
        a.contrast.augmentation(**less, mag_to_param=float)
        if channels == 3
        else gray_contrast,
        a.sharpness.augmentation(
            **less, mag_to_param=a.sharpness_kernel_shifted
        ),
        a.rotate.augmentation((0, 30), True),
        a.shear_x.augmentation((0, 0.3), True),
        a.shear_y.augmentation((0, 0.3), True),
        a.translate_x_no_shape.augmentation((0, 0.3 * width), True),
        a.translate_y_no_shape.augmentation((0, 0.3 * height), True),
    ]


@pipeline_def(device_id=None, enable_conditionals=True)
def views(source, job, with_strong):
    height, width, channels = job.shape
    images = fn.external_source(source, batch=True, layout="HWC")

    def weak():
        cropped = fn.crop(
            images,
            crop=(height, width),
            crop_pos_x=fn.random.uniform(range=(0, 1)),
            crop_pos_y=fn.random.uniform(range=(0, 1)),
        )
        return fn.flip(cropped, horizontal=fn.random.coin_flip())

    if not with_strong:
        return weak()
    strong = weak()
    for _ in range(job.draws):
        strong = trivial_augment.apply_trivial_augment(
            ops(job.shape),
            strong,
            num_magnitude_bins=31,
            fill_value=0,
            interp_type=types.INTERP_NN,
        )
    side = fn.random.uniform(range=(0, 0.5))
    square = fn.erase(
        strong,
        anchor=fn.random.uniform(range=(0, 1), shape=2) - side / 2,
        shape=fn.stack(side, side),
        axis_names="HW",
        normalized=True,
        fill_value=job.gray.tolist(),
    )
    return weak(), square


def make(job):
    padded = job.padded()

    def pipeline(batch_size, split, with_strong):
        rng = np.random.default_rng(job.seed)
        return views(
            (padded[rows[split]] for rows in job.rows(rng)),
            job,
            with_strong,
            batch_size=batch_size,
            num_threads=job.threads,
            seed=job.seed + split,
        )

    labeled = pipeline(job.batch_size, 0, False)
    unlabeled = pipeline(RATIO * job.batch_size, 1, True)
    labeled.build()
    unlabeled.build()
    while True:
        outputs = *labeled.run(), *unlabeled.run()
        yield tuple(output.as_array() for output in outputs)
