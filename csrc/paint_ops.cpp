#include "paint_ops.h"

#include <algorithm>
#include <cstring>

#include "kernels.h"
#include "pixel_ops.h"

namespace keras_ssl::KERAS_SSL_ISA {
namespace {

/// Columns [left, right) of rows [top, bottom).
struct Rectangle {
  int left, top, right, bottom;
};

/// Pillow's rectangle of real corners: they are truncated, and it includes all
/// of them.
Rectangle square(const Shape& shape, double side, double center_x,
                 double center_y) {
  if (side <= 0.0) return {0, 0, 0, 0};
  const int left = static_cast<int>(std::max(0.0, center_x - side / 2));
  const int top = static_cast<int>(std::max(0.0, center_y - side / 2));
  const int right =
      static_cast<int>(std::min<double>(shape.width, left + side));
  const int bottom =
      static_cast<int>(std::min<double>(shape.height, top + side));
  return {left, top, std::min(right + 1, shape.width),
          std::min(bottom + 1, shape.height)};
}

struct Color {
  std::uint8_t red, green, blue;
};

/// Paints the part of a rectangle that lies in the strip.
void paint(Strip strip, const Rectangle& place, const Color& color) {
  const int top = std::max(place.top, strip.first);
  const int bottom = std::min(place.bottom, strip.last);
  if (place.left >= place.right || top >= bottom) return;
  const auto step = static_cast<std::size_t>(strip.shape.channels);
  const std::size_t begin = static_cast<std::size_t>(place.left) * step;
  const std::size_t bytes =
      static_cast<std::size_t>(place.right) * step - begin;
  std::uint8_t* const painted = strip.row(top) + begin;
  if (step == 1) {
    std::memset(painted, gray_of(color.red, color.green, color.blue), bytes);
  } else {
    for (std::size_t i = 0; i < bytes; i += 3) {
      painted[i] = color.red;
      painted[i + 1] = color.green;
      painted[i + 2] = color.blue;
    }
  }
  for (int y = top + 1; y < bottom; ++y) {
    copy_bytes(strip.row(y) + begin, painted, bytes);
  }
}

}  // namespace

void cutout(Strip strip, double side, double center_x, double center_y) {
  paint(strip, square(strip.shape, side, center_x, center_y), {125, 123, 114});
}

void cutout_gray(Strip strip, double side, double center_x, double center_y) {
  paint(strip, square(strip.shape, side, center_x, center_y), {127, 127, 127});
}

void cutout_box(Strip strip, int side, int center_x, int center_y) {
  const int half = side / 2;
  paint(strip,
        {std::max(0, center_x - half), std::max(0, center_y - half),
         std::min(strip.shape.width, center_x + half),
         std::min(strip.shape.height, center_y + half)},
        {127, 127, 127});
}

void mark_gray(Image image, const std::uint8_t* inside) {
  const auto step = static_cast<std::size_t>(image.shape.channels);
  const std::size_t pixels = image.shape.bytes() / step;
  for (std::size_t i = 0; i < pixels; ++i) {
    if (inside[i] == 0) std::memset(image.pixels + i * step, 127, step);
  }
}

}  // namespace keras_ssl::KERAS_SSL_ISA
