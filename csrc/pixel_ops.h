// Ops that change values and need more than a table for it: other channels,
// neighbors, or a place to paint.
//
// Every function equals Pillow's operation of that name byte for byte, in
// mode L (one channel) and RGB (three). Those of rows make a strip of the
// result, which does not overlap `in`.
#pragma once

#include <algorithm>

#include "image.h"
#include "isa.h"

namespace keras_ssl::KERAS_SSL_ISA {

inline std::uint8_t gray_of(int red, int green, int blue) {
  return static_cast<std::uint8_t>(
      (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16);
}

/// Pillow's blend: factor 0 is `base`, 1 is `value`, and factors outside
/// [0, 1] extrapolate. Single precision, then truncation.
inline std::uint8_t blend(int base, int value, float factor) {
  const float mixed =
      static_cast<float>(base) + factor * static_cast<float>(value - base);
  return static_cast<std::uint8_t>(
      static_cast<int>(std::min(std::max(mixed, 0.0f), 255.0f)));
}

/// The mean gray as Pillow rounds it.
int mean_gray(ConstImage image);

/// Blends with the gray version; leaves one-channel images as they are.
void color_rows(ConstImage in, Strip out, float factor);

/// Blends with a smoothed version.
void sharpness_rows(ConstImage in, Strip out, float factor);

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
