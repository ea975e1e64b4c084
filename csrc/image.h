// Images as the ops see them: uint8, rows of interleaved channels, memory
// owned by somebody else.
#pragma once

#include <cstddef>
#include <cstdint>

namespace keras_ssl {

/// Larger images would leave the range of the 16.16 fixed-point coordinates
/// that rotations and shears use.
constexpr int kLargestSide = 8192;

struct Shape {
  int height = 0;
  int width = 0;
  int channels = 0;

  std::size_t row() const {
    return static_cast<std::size_t>(width) * static_cast<std::size_t>(channels);
  }
  std::size_t bytes() const { return static_cast<std::size_t>(height) * row(); }
};

inline bool operator==(const Shape& a, const Shape& b) {
  return a.height == b.height && a.width == b.width && a.channels == b.channels;
}

struct ConstImage {
  const std::uint8_t* pixels;
  Shape shape;

  const std::uint8_t* row(int y) const {
    return pixels + static_cast<std::size_t>(y) * shape.row();
  }
};

struct Image {
  std::uint8_t* pixels;
  Shape shape;

  std::uint8_t* row(int y) const {
    return pixels + static_cast<std::size_t>(y) * shape.row();
  }
  operator ConstImage() const { return {pixels, shape}; }
};

/// Rows [first, last) of an image, in memory that holds no others. Ops take it
/// by value: bytes written could otherwise be its own, for all the compiler
/// knows, and it would read it again after each.
struct Strip {
  std::uint8_t* pixels;  // of row `first`
  Shape shape;           // of the whole image
  int first;
  int last;

  std::uint8_t* row(int y) const {
    return pixels + static_cast<std::size_t>(y - first) * shape.row();
  }
  std::size_t bytes() const {
    return static_cast<std::size_t>(last - first) * shape.row();
  }
};

}  // namespace keras_ssl
