"""The ops of the core and the ranges that policies may draw from."""

NO_VALUE = (0.0, 0.0)
PART = (0.0, 1.0)
BOTH_WAYS = (-1.0, 1.0)
FACTOR = (0.0, 100.0)
DEGREES = (-360.0, 360.0)
SHIFT = (-8192.0, 8192.0)
OPS = {
    "identity": NO_VALUE,
    "autocontrast": NO_VALUE,
    "equalize": NO_VALUE,
    "invert": NO_VALUE,
    "posterize": (0.0, 8.0),
    "solarize": (0.0, 256.0),
    "brightness": FACTOR,
    "color": FACTOR,
    "contrast": FACTOR,
    "sharpness": FACTOR,
    "rotate": DEGREES,
    "shear_x": BOTH_WAYS,
    "shear_y": BOTH_WAYS,
    "translate_x": BOTH_WAYS,
    "translate_y": BOTH_WAYS,
    "shift_x": SHIFT,
    "shift_y": SHIFT,
    "flip": NO_VALUE,
    "crop": (0.0, 0.99),
    "cutout": PART,
    "cutout_gray": PART,
    "cutout_box": PART,
    "blend_autocontrast": PART,
    "blend_equalize": PART,
    "blend_invert": PART,
    "smooth": PART,
    "blur": PART,
    "gaussian_blur": (0.0, 1000.0),
    "rescale": (0.0, 0.25),
    "rotate_bilinear": DEGREES,
    "shear_x_bilinear": BOTH_WAYS,
    "shear_y_bilinear": BOTH_WAYS,
    "translate_x_bilinear": BOTH_WAYS,
    "translate_y_bilinear": BOTH_WAYS,
    "grayscale": NO_VALUE,
    "hue": (-0.5, 0.5),
    "quarter_turn": (0.0, 3.0),
    "noise": (0.0, 255.0),
    "gray_outside": NO_VALUE,
    "resize": NO_VALUE,
    "center_crop": PART,
    "resized_crop": PART,
}
RESIZING = ("resize", "center_crop", "resized_crop")
