"""The ops with explicit parameters as Pillow and NumPy compute them."""

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

WITHOUT_VALUE = ("identity", "autocontrast", "equalize", "invert", "flip")


def affine(*coefficients):
    return lambda image: image.transform(
        image.size, Image.Transform.AFFINE, coefficients
    )


def cutout(side, center_x, center_y):
    """USB's `CutoutAbs` around a given center."""

    def paint(image):
        if side <= 0:
            return image
        width, height = image.size
        left = int(max(0, center_x - side / 2))
        top = int(max(0, center_y - side / 2))
        right, bottom = min(width, left + side), min(height, top + side)
        color = Image.new("RGB", (1, 1), (125, 123, 114)).convert(image.mode)
        image = image.copy()
        ImageDraw.Draw(image).rectangle(
            (left, top, right, bottom), color.getpixel((0, 0))
        )
        return image

    return paint


# name -> explicit parameters -> image -> image
OPS = {
    "identity": lambda: lambda image: image,
    "autocontrast": lambda: ImageOps.autocontrast,
    "equalize": lambda: ImageOps.equalize,
    "invert": lambda: ImageOps.invert,
    "flip": lambda: ImageOps.mirror,
    "posterize": lambda bits: lambda image: ImageOps.posterize(image, bits),
    "solarize": lambda value: lambda image: ImageOps.solarize(image, value),
    "brightness": lambda f: lambda i: ImageEnhance.Brightness(i).enhance(f),
    "color": lambda f: lambda i: ImageEnhance.Color(i).enhance(f),
    "contrast": lambda f: lambda i: ImageEnhance.Contrast(i).enhance(f),
    "sharpness": lambda f: lambda i: ImageEnhance.Sharpness(i).enhance(f),
    "rotate": lambda degrees: lambda image: image.rotate(degrees),
    "shear_x": lambda v: affine(1, v, 0, 0, 1, 0),
    "shear_y": lambda v: affine(1, 0, 0, v, 1, 0),
    "translate_x": lambda v: lambda i: affine(1, 0, v * i.size[0], 0, 1, 0)(i),
    "translate_y": lambda v: lambda i: affine(1, 0, 0, 0, 1, v * i.size[1])(i),
    "cutout": cutout,
}


def crop(image, offset_y, offset_x):
    height, width, _ = image.shape
    pad_y, pad_x = abs(offset_y), abs(offset_x)
    padded = np.pad(
        image, ((pad_y, pad_y), (pad_x, pad_x), (0, 0)), mode="reflect"
    )
    top, left = pad_y + offset_y, pad_x + offset_x
    return padded[top : top + height, left : left + width]


def apply_op(name, image, *values):
    if name == "crop":
        return crop(image, *values)
    gray = image.shape[-1] == 1
    before = Image.fromarray(image[..., 0] if gray else image)
    after = np.asarray(OPS[name](*values)(before))
    return after[..., None] if gray else after
