// Affine transforms as Pillow sees them, and its rotation among them.
#pragma once

#include <cmath>

#include "image.h"
#include "isa.h"

namespace keras_ssl::KERAS_SSL_ISA {

/// Output to input: source x = a x + b y + c, source y = d x + e y + f.
struct AffineMap {
  double a, b, c, d, e, f;
};

/// Rounds to 15 decimals as Python's round() does. The product is exact in
/// two parts, and dividing the integer by 10^15 rounds once.
inline double rounded_to_15(double value) {
  constexpr double kScale = 1e15;
  const double product = value * kScale;
  const double residue = std::fma(value, kScale, -product);
  const double floor = std::floor(product);
  const double rest = (product - floor) + residue;
  return (rest > 0.5 ? floor + 1.0 : floor) / kScale;
}

/// An angle in [0, 360), as Python's % 360.0 makes it.
inline double reduced_angle(double degrees) {
  const double turn = std::fmod(degrees, 360.0);
  return turn < 0.0 ? turn + 360.0 : turn;
}

/// Counter-clockwise around the center of an image, by a reduced angle.
inline AffineMap rotation(double degrees, const Shape& shape) {
  constexpr double kRadiansPerDegree = 3.141592653589793 / 180.0;
  const double angle = -(degrees * kRadiansPerDegree);
  const double cosine = rounded_to_15(std::cos(angle));
  const double sine = rounded_to_15(std::sin(angle));
  const double center_x = shape.width / 2.0;
  const double center_y = shape.height / 2.0;
  AffineMap map = {cosine, sine, 0.0, -sine, cosine, 0.0};
  map.c = map.a * -center_x + map.b * -center_y + center_x;
  map.f = map.d * -center_x + map.e * -center_y + center_y;
  return map;
}

}  // namespace keras_ssl::KERAS_SSL_ISA
