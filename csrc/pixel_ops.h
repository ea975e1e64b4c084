// Ops that change values and need more than a table for it: other channels or
// neighbors.
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

}  // namespace keras_ssl::KERAS_SSL_ISA
