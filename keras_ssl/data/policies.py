"""The published policies.

    policies.strong(flip=True)
    policies.weak(flip=True) + policies.Policy((policies.Op("invert"),))

Sources: weak and strong augmentation as FixMatch (arXiv 2001.07685) names them;
RandAugment (arXiv 1909.13719) as TorchSSL and USB, as kekmodel's FixMatch and
as google-research/fixmatch draw it; CTAugment (ReMixMatch, arXiv 1911.09785);
SimCLR (arXiv 2002.05709), which CoMatch and SimMatch use.
"""

from keras_ssl.data.op import OPS, Op
from keras_ssl.data.policy import Policy, Stage

__all__ = [
    "OPS",
    "Op",
    "Policy",
    "Stage",
    "center_crop",
    "color_jitter",
    "ct_augment",
    "google",
    "identity",
    "kekmodel",
    "medium",
    "rand_augment",
    "resize",
    "rotated",
    "simclr",
    "strong",
    "weak",
]

ENHANCEMENTS = ("brightness", "color", "contrast", "sharpness")
MOVES = ("shear_x", "shear_y", "translate_x", "translate_y")


def identity() -> Policy:
    """Shows the images as they are."""
    return Policy()


def weak(flip: bool) -> Policy:
    """Shifts by up to an eighth of each side, and flips half of the images.

    The crop pads by reflection, as FixMatch does and USB does after it. The
    order is USB's: crop, then flip.

    Args:
        flip: whether left and right may be swapped; not for digits or text.
    """
    crop = Op("crop", 0.125, 0.125)
    return Policy((crop, Op("flip", probability=0.5)) if flip else (crop,))


def rand_augment(draws: int = 3) -> Stage:
    """RandAugment as TorchSSL and USB draw it, without its cutout.

    It differs from the paper (arXiv 1909.13719): there is no magnitude "m",
    every op draws its own value from a fixed range instead, and an op that is
    drawn is always applied. The enhancements only weaken (factors below 1), and
    signs come from the ranges.

    Args:
        draws: how many of the 14 ops an image gets ("n").
    """
    return Stage(
        (
            Op("identity"),
            Op("autocontrast"),
            Op("equalize"),
            Op("posterize", 4, 8),
            Op("solarize", 0, 256),
            *(Op(name, 0.05, 0.95) for name in ENHANCEMENTS),
            Op("rotate", -30, 30),
            *(Op(name, -0.3, 0.3) for name in MOVES),
        ),
        draws,
    )


def strong(flip: bool, draws: int = 3) -> Policy:
    """Weak augmentation, RandAugment and a gray square, as in USB's FixMatch.

    The square's side is uniform between zero and half of the width. Its center
    is uniform over the image; USB's code draws it between 1 and the width.

    Args:
        flip: as for `weak`.
        draws: as for `rand_augment`.
    """
    return Policy(
        (*weak(flip).stages, rand_augment(draws), Op("cutout", 0, 0.5))
    )


def medium(flip: bool) -> Policy:
    """USB's medium augmentation, for SequenceMatch: `strong` with one draw.

    Args:
        flip: as for `weak`.
    """
    return strong(flip, draws=1)


def _in_nine_levels(
    name: str, low: float, high: float, either_sign: bool = False
) -> Op:
    """One of the levels 1 to 9, applied half of the time."""
    return Op(name, low, high, 0.5, levels=9, either_sign=either_sign)


def kekmodel(flip: bool, size: int = 32) -> Policy:
    """Strong augmentation of kekmodel's FixMatch in PyTorch.

    Two ops out of 14, each applied with probability 0.5 at one of nine
    magnitudes; then a square of 16 pixels, gray 127.

    Args:
        flip: as for `weak`.
        size: width of the images in pixels, by which translations are cut to
            whole pixels. Defaults to 32.
    """
    ops = (
        Op("identity"),
        Op("autocontrast", probability=0.5),
        Op("equalize", probability=0.5),
        _in_nine_levels("posterize", 4.4, 7.6),
        _in_nine_levels("solarize", 25.6, 230.4),
        *(_in_nine_levels(name, 0.14, 0.86) for name in ENHANCEMENTS),
        _in_nine_levels("rotate", 3, 27, either_sign=True),
        _in_nine_levels("shear_x", 0.03, 0.27, either_sign=True),
        _in_nine_levels("shear_y", 0.03, 0.27, either_sign=True),
        _in_nine_levels("shift_x", 0.03 * size, 0.27 * size, either_sign=True),
        _in_nine_levels("shift_y", 0.03 * size, 0.27 * size, either_sign=True),
    )
    side = min(16 / size, 1.0)
    return Policy(
        (*weak(flip).stages, Stage(ops, 2), Op("cutout_gray", side, side))
    )


def google(flip: bool, size: int = 32) -> Policy:
    """Strong augmentation "rac" of google-research/fixmatch.

    Two ops out of 14, each applied with probability 0.5 at one of nine levels,
    harsher than `strong`: enhancements also strengthen, posterizing keeps 1 to
    4 bits. What comes from outside turns gray, and a gray square of 16 pixels
    is cut out. Translations are by 1 to 9 pixels, whatever the size.

    The reference works on floats and shows 0 where this shows gray 127.

    Args:
        flip: as for `weak`.
        size: smaller side of the images in pixels, for the square. Defaults to
            32.
    """
    ops = (
        Op("identity"),
        Op("autocontrast", probability=0.5),
        Op("equalize", probability=0.5),
        _in_nine_levels("posterize", 1.39, 4.59),  # 4 - int(0.4 * level)
        _in_nine_levels("solarize", 25.6, 230.4),
        *(_in_nine_levels(name, 0.28, 1.72) for name in ENHANCEMENTS),
        _in_nine_levels("rotate", 3, 27, either_sign=True),
        _in_nine_levels("shear_x", 0.03, 0.27, either_sign=True),
        _in_nine_levels("shear_y", 0.03, 0.27, either_sign=True),
        _in_nine_levels("shift_x", 1, 9, either_sign=True),
        _in_nine_levels("shift_y", 1, 9, either_sign=True),
    )
    side = min(15.5 / size, 1.0)  # 1 + int(side * size) pixels
    return Policy(
        (
            *weak(flip).stages,
            Stage(ops, 2),
            Op("gray_outside"),
            Op("cutout_box", side, side),
        )
    )


def ct_augment(
    flip: bool, depth: int = 2, learned: bool = True, cutout: bool = True
) -> Policy:
    """CTAugment (ReMixMatch, section 3.2.2), ops and ranges of Google's code.

    What makes it CTAugment are the rates that
    `keras_ssl.data.ct_augment.CTAugment` learns for the values; without them
    all values are equally likely, which is what a probe of it draws.

    Two roundings of the reference are left out: angles are not whole degrees,
    and thresholds of "solarize" may differ by one gray level. Its translations
    are by at most 0.3 pixels, that is none; they are kept.

    Args:
        flip: as for `weak`.
        depth: ops that an image gets. Defaults to 2.
        learned: whether the rates apply; `False` for a probe.
        cutout: whether a gray square of half the smaller side follows, as in
            FixMatch. Defaults to `True`.
    """
    ops = (
        Op("blend_autocontrast", 0, 1),
        Op("blur", 0, 1),
        *(Op(name, 0.1, 2) for name in ENHANCEMENTS),
        Op("cutout_box", 0, 0.499),
        Op("blend_equalize", 0, 1),
        Op("blend_invert", 0, 1),
        Op("identity"),
        Op("posterize", 1, 8.999),
        Op("rescale", 0, 0.25),
        Op("rotate", -45, 45),
        Op("shear_x", -0.3, 0.3),
        Op("shear_y", -0.3, 0.3),
        Op("smooth", 0, 1),
        Op("solarize", 0, 255.999),
        Op("shift_x", -0.3, 0.3),
        Op("shift_y", -0.3, 0.3),
    )
    square = (Op("cutout_box", 0.499, 0.499),) if cutout else ()
    stage = Stage(ops, depth, learned=learned)
    return Policy((*weak(flip).stages, stage, *square))


def color_jitter(strength: float = 0.5, probability: float = 0.8) -> Stage:
    """Brightness, contrast, saturation and hue, changed in random order.

    torchvision's `ColorJitter(0.8 s, 0.8 s, 0.8 s, 0.2 s)`, as SimCLR sets it.

    Args:
        strength: s, 0 to 1.25. Defaults to 0.5, that is 0.4, 0.4, 0.4, 0.1.
        probability: how likely all of it happens. Defaults to 0.8.
    """
    spread, turn = 0.8 * strength, 0.2 * strength
    names = ("brightness", "contrast", "color")
    ops = (Op(name, max(0, 1 - spread), 1 + spread) for name in names)
    return Stage((*ops, Op("hue", -turn, turn)), 4, True, probability)


def simclr(
    flip: bool,
    size: tuple[int, int] | None = None,
    area: float = 0.2,
    strength: float = 0.5,
    blur: float = 0.0,
) -> Policy:
    """Random resized crop, flip, color jitter and grayscale, as in SimCLR.

    The defaults are those of CoMatch on CIFAR-10 (salesforce/CoMatch [M], of
    SimMatch the same); SimCLR itself has `area=0.08`, `strength=1` and, on
    ImageNet, `blur=0.5`.

    Args:
        flip: as for `weak`.
        size: `(height, width)` of the result. Defaults to that of the image.
        area: the smallest part of the area that a crop keeps.
        strength: of the color jitter, as for `color_jitter`.
        blur: how likely a Gaussian blur of 0.1 to 2 pixels follows.
    """
    flips = (Op("flip", probability=0.5),) if flip else ()
    return Policy(
        (
            Op("resized_crop", area, 1),
            *flips,
            color_jitter(strength),
            Op("grayscale", probability=0.2),
            Op("gaussian_blur", 0.1, 2, probability=blur),
        ),
        size,
    )


def rotated(policy: Policy) -> Policy:
    """A policy, then a turn by 0 to 3 right angles, counter-clockwise.

    Batches tell the number of turns as "turns/<view>", which ReMixMatch (arXiv
    1911.09785) and CRMatch predict. Images are square.
    """
    return policy + Policy((Op("quarter_turn", 0, 3, levels=4),))


def resize(size: tuple[int, int]) -> Policy:
    """Scales whole images to `(height, width)`, whatever their proportions.

    Pillow's bilinear filter, which averages where it shrinks.
    """
    return Policy((Op("resize"),), size)


def center_crop(size: tuple[int, int], keep: float = 0.875) -> Policy:
    """Scales the middle of an image to `(height, width)`, for evaluation.

    Args:
        size: of the result; the part that is kept has its proportions.
        keep: how much of the sides is kept at most. Defaults to 0.875, that is
            224 of 256 pixels.
    """
    return Policy((Op("center_crop", keep, keep),), size)
