// Ops that paint over pixels.
#pragma once

#include "image.h"
#include "isa.h"

namespace keras_ssl::KERAS_SSL_ISA {

/// Paints the square of side `side` around (center_x, center_y): the lower
/// corner is clamped first and the side counted from there, and the far edges
/// belong to the square. As USB and, with its own gray, kekmodel do.
void cutout(Strip strip, double side, double center_x, double center_y);
void cutout_gray(Strip strip, double side, double center_x, double center_y);

/// Paints `side / 2` pixels to each side of a pixel's upper left corner, as
/// Google's code does.
void cutout_box(Strip strip, int side, int center_x, int center_y);

/// Paints the pixels gray that are zero in `inside`, which has one channel.
void mark_gray(Image image, const std::uint8_t* inside);

}  // namespace keras_ssl::KERAS_SSL_ISA
