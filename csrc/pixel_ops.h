// Ops that change values: each pixel of the result stands where it stood.
//
// Every function equals Pillow's operation of that name byte for byte, in
// mode L (one channel) and RGB (three). `in` and `out` have the same shape
// and may be the same memory, except for sharpness, which reads neighbors.
#pragma once

#include "image.h"

namespace keras_ssl {

void copy_pixels(ConstImage in, Image out);

/// Stretches each channel to the full range.
void autocontrast(ConstImage in, Image out);
/// Flattens the histogram of each channel.
void equalize(ConstImage in, Image out);
void invert(ConstImage in, Image out);
/// Keeps the `bits` (1 to 8) highest bits of each value.
void posterize(ConstImage in, Image out, int bits);
/// Inverts the values at or above `threshold`.
void solarize(ConstImage in, Image out, double threshold);

// The enhancements blend the image with a degenerate version of itself:
// factor 1 is the image, factor 0 the degenerate one, and factors outside
// [0, 1] extrapolate.

/// Blends with black.
void brightness(ConstImage in, Image out, float factor);
/// Blends with the gray version; leaves one-channel images as they are.
void color(ConstImage in, Image out, float factor);
/// Blends with the mean gray.
void contrast(ConstImage in, Image out, float factor);
/// Blends with a smoothed version; `out` must not overlap `in`.
void sharpness(ConstImage in, Image out, float factor);

/// Paints the square of side `side` around (center_x, center_y) gray, as USB
/// does: the lower corner is clamped first and the side counted from there,
/// and the far edges belong to the square.
void cutout(ConstImage in, Image out, double side, double center_x,
            double center_y);

}  // namespace keras_ssl
