"""torchvision's v2 functions on uint8 tensors.

Image by image; or with `whole_batch` on whole batches, where one op and one
value are drawn for the batch and not for each image.
"""

import numpy as np
import torch

try:
    from torchvision.transforms.v2 import functional as F
except RuntimeError:  # built for CUDA, next to a PyTorch for the CPU:
    # declare the detection ops it fails to load, which nothing here needs
    detection = torch.library.Library("torchvision", "FRAGMENT")
    for op in ("nms", "qnms"):
        detection.define(op + "(Tensor a, Tensor b, float c) -> Tensor")
    from torchvision.transforms.v2 import functional as F

from peers.job import OPS


def affine(image, degrees=0.0, shift=(0, 0), shear=(0.0, 0.0)):
    return F.affine(image, degrees, list(shift), 1.0, list(shear))


def slope(value):
    return float(np.degrees(np.arctan(value)))


NAMED = {
    "identity": lambda image, _: image,
    "autocontrast": lambda image, _: F.autocontrast(image),
    "equalize": lambda image, _: F.equalize(image),
    "posterize": lambda image, v: F.posterize(image, int(v)),
    "solarize": lambda image, v: F.solarize(image, min(v, 255)),
    "brightness": lambda image, v: F.adjust_brightness(image, v),
    "color": lambda image, v: F.adjust_saturation(image, v),
    "contrast": lambda image, v: F.adjust_contrast(image, v),
    "sharpness": lambda image, v: F.adjust_sharpness(image, v),
    "rotate": lambda image, v: F.rotate(image, v),
    "shear_x": lambda image, v: affine(image, shear=(slope(v), 0.0)),
    "shear_y": lambda image, v: affine(image, shear=(0.0, slope(v))),
    "translate_x": lambda i, v: affine(i, shift=(round(v * i.shape[-1]), 0)),
    "translate_y": lambda i, v: affine(i, shift=(0, round(v * i.shape[-2]))),
}
FUNCTIONS = [NAMED[name] for name in OPS]


def make(job, whole_batch=False):
    torch.set_num_threads(job.threads)
    rng = np.random.default_rng(job.seed)
    height, width, channels = job.shape
    padded = torch.from_numpy(job.padded()).permute(0, 3, 1, 2).contiguous()
    gray = torch.from_numpy(job.gray.copy()).view(channels, 1, 1)

    def weak(rows, out):
        flips, tops, lefts = job.moves(rng, len(out))
        for index, flip, top, left in zip(
            range(len(out)), flips, tops, lefts, strict=True
        ):
            image = padded[rows[index], :, top : top + height]
            image = image[..., left : left + width]
            out[index] = F.horizontal_flip(image) if flip else image
        return out

    def strong(rows, out):
        images = weak(rows, out)
        parts = [images] if whole_batch else images
        kinds, values = job.ops(rng, len(parts))
        for part, names, amounts in zip(parts, kinds, values, strict=True):
            image = part
            for name, amount in zip(names, amounts, strict=True):
                image = FUNCTIONS[name](image, float(amount))
            part[...] = image
        squares = job.squares(rng, len(images))
        for image, (top, bottom, left, right) in zip(
            images, squares, strict=True
        ):
            image[:, top:bottom, left:right] = gray
        return images

    def blank(rows):
        return torch.empty(
            len(rows), channels, height, width, dtype=torch.uint8
        )

    with torch.inference_mode():
        for labeled, unlabeled in job.rows(rng):
            yield (
                weak(labeled, blank(labeled)),
                weak(unlabeled, blank(unlabeled)),
                strong(unlabeled, blank(unlabeled)),
            )
