"""The 14 ops as USB writes them with Pillow; nearest pixel, black outside."""

from PIL import Image, ImageEnhance, ImageOps

from peers.job import OPS


def affine(image, *coefficients):
    return image.transform(image.size, Image.Transform.AFFINE, coefficients)


NAMED = {
    "identity": lambda image, _: image,
    "autocontrast": lambda image, _: ImageOps.autocontrast(image),
    "equalize": lambda image, _: ImageOps.equalize(image),
    "posterize": lambda image, v: ImageOps.posterize(image, max(1, int(v))),
    "solarize": lambda image, v: ImageOps.solarize(image, v),
    "brightness": lambda image, v: ImageEnhance.Brightness(image).enhance(v),
    "color": lambda image, v: ImageEnhance.Color(image).enhance(v),
    "contrast": lambda image, v: ImageEnhance.Contrast(image).enhance(v),
    "sharpness": lambda image, v: ImageEnhance.Sharpness(image).enhance(v),
    "rotate": lambda image, v: image.rotate(v),
    "shear_x": lambda image, v: affine(image, 1, v, 0, 0, 1, 0),
    "shear_y": lambda image, v: affine(image, 1, 0, 0, v, 1, 0),
    "translate_x": lambda image, v: affine(
        image, 1, 0, v * image.size[0], 0, 1, 0
    ),
    "translate_y": lambda image, v: affine(
        image, 1, 0, 0, 0, 1, v * image.size[1]
    ),
}
FUNCTIONS = [NAMED[name] for name in OPS]
