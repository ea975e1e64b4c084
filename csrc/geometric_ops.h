// Ops that change places: each pixel of the result is a pixel of the image.
//
// `in` and `out` have the same shape and must not overlap. Rotations, shears
// and translations take the nearest pixel, leave black what lies outside, and
// equal Pillow byte for byte.
#pragma once

#include "image.h"

namespace keras_ssl {

/// Counter-clockwise around the center.
void rotate(ConstImage in, Image out, double degrees);
/// Reads row y from x + factor * y.
void shear_x(ConstImage in, Image out, double factor);
/// Reads column x from y + factor * x.
void shear_y(ConstImage in, Image out, double factor);
/// Reads from x + fraction * width.
void translate_x(ConstImage in, Image out, double fraction);
/// Reads from y + fraction * height.
void translate_y(ConstImage in, Image out, double fraction);
/// Left becomes right.
void flip(ConstImage in, Image out);
/// Reads from (y + offset_y, x + offset_x) of the image mirrored at its edges,
/// the edge itself not repeated: -1 is 1, and n is n - 2. An offset must be
/// smaller than the side along it.
void crop(ConstImage in, Image out, int offset_y, int offset_x);

}  // namespace keras_ssl
