"""The ops with explicit parameters as Pillow and NumPy compute them."""

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

WITHOUT_VALUE = (
    "identity",
    "autocontrast",
    "equalize",
    "invert",
    "flip",
    "grayscale",
)


NEAREST, BILINEAR = Image.Resampling.NEAREST, Image.Resampling.BILINEAR


def affine(*coefficients, filter=NEAREST):
    return lambda image: image.transform(
        image.size, Image.Transform.AFFINE, coefficients, filter
    )


def geometric(filter, suffix=""):
    """The ops that Pillow's affine transforms do."""
    return {
        f"rotate{suffix}": lambda degrees: lambda i: i.rotate(degrees, filter),
        f"shear_x{suffix}": lambda v: affine(1, v, 0, 0, 1, 0, filter=filter),
        f"shear_y{suffix}": lambda v: affine(1, 0, 0, v, 1, 0, filter=filter),
        f"translate_x{suffix}": lambda v: (
            lambda i: affine(1, 0, v * i.size[0], 0, 1, 0, filter=filter)(i)
        ),
        f"translate_y{suffix}": lambda v: (
            lambda i: affine(1, 0, 0, 0, 1, v * i.size[1], filter=filter)(i)
        ),
    }


def cutout(side, center_x, center_y, rgb=(125, 123, 114)):
    """USB's `CutoutAbs` around a given center."""

    def paint(image):
        if side <= 0:
            return image
        width, height = image.size
        left = int(max(0, center_x - side / 2))
        top = int(max(0, center_y - side / 2))
        right, bottom = min(width, left + side), min(height, top + side)
        color = Image.new("RGB", (1, 1), rgb).convert(image.mode)
        image = image.copy()
        ImageDraw.Draw(image).rectangle(
            (left, top, right, bottom), color.getpixel((0, 0))
        )
        return image

    return paint


def cutout_gray(side, center_x, center_y):
    """kekmodel's `CutoutAbs`: the same in another gray."""
    return cutout(side, center_x, center_y, rgb=(127, 127, 127))


def cutout_box(side, center_x, center_y):
    """Google's square: `side // 2` to each side, cut at the edges."""

    def paint(image):
        pixels = np.array(image)
        half = int(side) // 2
        rows = slice(max(0, int(center_y) - half), int(center_y) + half)
        columns = slice(max(0, int(center_x) - half), int(center_x) + half)
        pixels[rows, columns] = 127
        return Image.fromarray(pixels)

    return paint


FILTERS = ("lanczos", "bicubic", "bilinear", "box", "hamming", "nearest")


def rescale(fraction, number):
    """CTAugment's `rescale`."""

    def crop_and_resize(image):
        width, height = image.size
        cropped = image.crop(
            (
                fraction * width,
                fraction * height,
                width * (1 - fraction),
                height * (1 - fraction),
            )
        )
        name = FILTERS[int(number)]
        return cropped.resize(image.size, Image.Resampling[name.upper()])

    return crop_and_resize


def hue(shift):
    """torchvision's `adjust_hue`."""

    def turn(image):
        if image.mode == "L":
            return image
        h, s, v = image.convert("HSV").split()
        turned = np.array(h) + np.int32(shift * 255).astype("uint8")
        h = Image.fromarray(turned)
        return Image.merge("HSV", (h, s, v)).convert("RGB")

    return turn


def blended(filtered):
    """Blends an image with what `filtered` makes of it."""
    return lambda strength: lambda i: Image.blend(i, filtered(i), strength)


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
    **geometric(NEAREST),
    **geometric(BILINEAR, "_bilinear"),
    "cutout": cutout,
    "cutout_gray": cutout_gray,
    "cutout_box": cutout_box,
    "shift_x": lambda v: affine(1, 0, v, 0, 1, 0),
    "shift_y": lambda v: affine(1, 0, 0, 0, 1, v),
    "blend_autocontrast": blended(ImageOps.autocontrast),
    "blend_equalize": blended(ImageOps.equalize),
    "blend_invert": blended(ImageOps.invert),
    "rescale": rescale,
    "grayscale": lambda: lambda i: i.convert("L").convert(i.mode),
    "hue": hue,
    "smooth": blended(lambda image: image.filter(ImageFilter.SMOOTH)),
    "blur": blended(lambda image: image.filter(ImageFilter.BLUR)),
    "gaussian_blur": lambda radius: (
        lambda image: image.filter(ImageFilter.GaussianBlur(radius))
    ),
}


def crop(image, offset_y, offset_x):
    height, width, _ = image.shape
    pad_y, pad_x = abs(offset_y), abs(offset_x)
    padded = np.pad(
        image, ((pad_y, pad_y), (pad_x, pad_x), (0, 0)), mode="reflect"
    )
    top, left = pad_y + offset_y, pad_x + offset_x
    return padded[top : top + height, left : left + width]


def resized(image, box, size, filter_name):
    return through_pillow(
        lambda before: before.resize(
            size[::-1], Image.Resampling[filter_name.upper()], box
        ),
        image,
    )


def through_pillow(change, image):
    gray = image.shape[-1] == 1
    before = Image.fromarray(image[..., 0] if gray else image)
    after = np.asarray(change(before))
    return after[..., None] if gray else after


def apply_op(name, image, *values):
    if name == "crop":
        return crop(image, *values)
    if name == "quarter_turn":
        return np.rot90(image, values[0])
    return through_pillow(OPS[name](*values), image)
