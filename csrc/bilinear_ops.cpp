#include "bilinear_ops.h"

#include <algorithm>
#include <cstring>

#include "rotation.h"
#include "turn_ops.h"

namespace keras_ssl::KERAS_SSL_ISA {
namespace {

/// The image with its edges repeated once all around, so that the four
/// neighbors of every place stand at fixed distances.
struct Framed {
  const std::uint8_t* pixels;  // the corner of the frame
  std::size_t stride;
};

Framed framed(ConstImage in, Workspace& workspace) {
  const auto channels = static_cast<std::size_t>(in.shape.channels);
  const std::size_t row = in.shape.row();
  const std::size_t stride = row + 2 * channels;
  const int height = in.shape.height;
  auto* const pixels = workspace.array<std::uint8_t>(
      stride * static_cast<std::size_t>(height + 2));
  for (int y = -1; y <= height; ++y) {
    const std::uint8_t* const from =
        in.row(std::min(std::max(y, 0), height - 1));
    std::uint8_t* const to = pixels + static_cast<std::size_t>(y + 1) * stride;
    std::memcpy(to, from, channels);
    std::memcpy(to + channels, from, row);
    std::memcpy(to + channels + row, from + row - channels, channels);
  }
  return {pixels, stride};
}

/// Where the pixels of one row come from, and what their neighbors hold.
struct Line {
  double* x;
  double* y;
  std::int32_t* place;         // of the upper left neighbor in the frame
  double* right;               // per byte: weight of the right neighbors
  double* lower;               // per byte: weight of the lower neighbors
  std::uint8_t* neighbors[4];  // per byte: upper left, right, lower left, right
};

Line line_of(const Shape& shape, Workspace& workspace) {
  const auto width = static_cast<std::size_t>(shape.width);
  const std::size_t row = shape.row();
  Line line{};
  line.x = workspace.array<double>(width);
  line.y = workspace.array<double>(width);
  line.place = workspace.array<std::int32_t>(width);
  line.right = workspace.array<double>(row);
  line.lower = workspace.array<double>(row);
  for (auto& pixels : line.neighbors) {
    pixels = workspace.array<std::uint8_t>(row);
  }
  return line;
}

/// Pillow's order of operations, per pixel.
void find_sources(const AffineMap& map, double row, int width,
                  double* __restrict xs, double* __restrict ys) {
  for (int x = 0; x < width; ++x) {
    xs[x] = map.a * (x + 0.5) + map.b * row + map.c;
    ys[x] = map.d * (x + 0.5) + map.e * row + map.f;
  }
}

/// Turns coordinates into the place of the upper left neighbor, and into the
/// fractions by which they lie beyond its center.
void find_neighbors(int stride, int channels, int first, int last,
                    double* __restrict xs, double* __restrict ys,
                    std::int32_t* __restrict places) {
  for (int i = first; i < last; ++i) {
    const double x = xs[i] - 0.5;
    const double y = ys[i] - 0.5;
    // floor(), as neither is below -1/2
    const int column = static_cast<int>(x) - (x < 0.0 ? 1 : 0);
    const int row = static_cast<int>(y) - (y < 0.0 ? 1 : 0);
    xs[i] = x - column;
    ys[i] = y - row;
    places[i] = (row + 1) * stride + (column + 1) * channels;
  }
}

template <int kChannels>
void gather(const Framed& image, int first, int last, const Line& line) {
  // Three bytes are moved as four; the next pixel overwrites the last, and
  // arrays of the workspace have room behind them.
  constexpr int kWord = kChannels == 3 ? 4 : kChannels;
  for (int i = first; i < last; ++i) {
    const std::uint8_t* const from = image.pixels + line.place[i];
    const auto to = static_cast<std::size_t>(i) * kChannels;
    std::memcpy(line.neighbors[0] + to, from, kWord);
    std::memcpy(line.neighbors[1] + to, from + kChannels, kWord);
    std::memcpy(line.neighbors[2] + to, from + image.stride, kWord);
    std::memcpy(line.neighbors[3] + to, from + image.stride + kChannels, kWord);
    for (std::size_t c = 0; c < kChannels; ++c) {
      line.right[to + c] = line.x[i];
      line.lower[to + c] = line.y[i];
    }
  }
}

void mix(const std::uint8_t* __restrict upper_left,
         const std::uint8_t* __restrict upper_right,
         const std::uint8_t* __restrict lower_left,
         const std::uint8_t* __restrict lower_right,
         const double* __restrict right, const double* __restrict lower,
         std::size_t first, std::size_t last, std::uint8_t* __restrict to) {
  for (std::size_t i = first; i < last; ++i) {
    const double upper =
        upper_left[i] + (upper_right[i] - upper_left[i]) * right[i];
    const double below =
        lower_left[i] + (lower_right[i] - lower_left[i]) * right[i];
    const double value = upper + (below - upper) * lower[i];
    to[i] = static_cast<std::uint8_t>(static_cast<int>(value));
  }
}

/// The pixels of a row that come from inside the image. They stand together,
/// as coordinates only grow or only fall along a row.
std::pair<int, int> inside(const Line& line, const Shape& shape) {
  const auto is_inside = [&](int i) {
    return line.x[i] >= 0.0 && line.x[i] < shape.width && line.y[i] >= 0.0 &&
           line.y[i] < shape.height;
  };
  int first = 0;
  int last = shape.width;
  while (first < last && !is_inside(first)) ++first;
  while (first < last && !is_inside(last - 1)) --last;
  return {first, last};
}

void transform(ConstImage in, Image out, const AffineMap& map,
               Workspace& workspace) {
  const Shape& shape = in.shape;
  const int channels = shape.channels;
  const Framed image = framed(in, workspace);
  const Line line = line_of(shape, workspace);
  for (int y = 0; y < shape.height; ++y) {
    find_sources(map, y + 0.5, shape.width, line.x, line.y);
    const auto [first, last] = inside(line, shape);
    find_neighbors(static_cast<int>(image.stride), channels, first, last,
                   line.x, line.y, line.place);
    if (channels == 1) {
      gather<1>(image, first, last, line);
    } else {
      gather<3>(image, first, last, line);
    }
    const auto begin = static_cast<std::size_t>(first * channels);
    const auto end = static_cast<std::size_t>(last * channels);
    std::uint8_t* const to = out.row(y);
    std::memset(to, 0, begin);
    mix(line.neighbors[0], line.neighbors[1], line.neighbors[2],
        line.neighbors[3], line.right, line.lower, begin, end, to);
    std::memset(to + end, 0, shape.row() - end);
  }
}

}  // namespace

void rotate_bilinear(ConstImage in, Image out, double degrees,
                     Workspace& workspace) {
  const double turn = reduced_angle(degrees);
  // Pillow moves whole pixels at these angles.
  const bool square = in.shape.width == in.shape.height;
  if (turn == 180.0 || (square && (turn == 90.0 || turn == 270.0))) {
    return quarter_turn(in, out, static_cast<int>(turn / 90.0), workspace);
  }
  transform(in, out, rotation(turn, in.shape), workspace);
}

void shear_x_bilinear(ConstImage in, Image out, double factor,
                      Workspace& workspace) {
  transform(in, out, {1.0, factor, 0.0, 0.0, 1.0, 0.0}, workspace);
}

void shear_y_bilinear(ConstImage in, Image out, double factor,
                      Workspace& workspace) {
  transform(in, out, {1.0, 0.0, 0.0, factor, 1.0, 0.0}, workspace);
}

void translate_x_bilinear(ConstImage in, Image out, double fraction,
                          Workspace& workspace) {
  transform(in, out, {1.0, 0.0, fraction * in.shape.width, 0.0, 1.0, 0.0},
            workspace);
}

void translate_y_bilinear(ConstImage in, Image out, double fraction,
                          Workspace& workspace) {
  transform(in, out, {1.0, 0.0, 0.0, 0.0, 1.0, fraction * in.shape.height},
            workspace);
}

}  // namespace keras_ssl::KERAS_SSL_ISA
