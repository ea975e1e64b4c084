#include "filter_ops.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "turn_ops.h"

namespace keras_ssl::KERAS_SSL_ISA {
namespace {

/// Pillow's blend: single precision, then truncation.
void blend_row(const std::uint8_t* __restrict base,
               const std::uint16_t* __restrict other, float strength,
               std::uint8_t* __restrict to, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const int value = base[i];
    const auto change = static_cast<float>(other[i] - value);
    const float mixed = static_cast<float>(value) + strength * change;
    to[i] = static_cast<std::uint8_t>(static_cast<int>(mixed));
  }
}

/// Sums of each value and those `step` before and behind it, with the middle
/// one four times more, divided by 13. A half never occurs, so integers round
/// as Pillow's single precision does; 5042 / 2^16 divides right below 6553.
void smooth_row(const std::uint16_t* __restrict columns,
                const std::uint8_t* __restrict middle, std::size_t step,
                std::uint16_t* __restrict to, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto sum = static_cast<std::uint16_t>(columns[i] + columns[i + step] +
                                                columns[i + 2 * step] +
                                                4 * middle[i + step] + 6);
    to[i] = static_cast<std::uint16_t>(sum * 5042u >> 16);
  }
}

/// `rim` holds sums of the two outer rows, `sides` of the three inner ones.
void blur_row(const std::uint16_t* __restrict rim,
              const std::uint16_t* __restrict sides, std::size_t step,
              std::uint16_t* __restrict to, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto sum = static_cast<std::uint16_t>(
        rim[i] + rim[i + step] + rim[i + 2 * step] + rim[i + 3 * step] +
        rim[i + 4 * step] + sides[i] + sides[i + 4 * step] + 8);
    to[i] = static_cast<std::uint16_t>(sum >> 4);
  }
}

void add_rows(const std::uint8_t* __restrict a,
              const std::uint8_t* __restrict b,
              const std::uint8_t* __restrict c, std::uint16_t* __restrict to,
              std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    to[i] = static_cast<std::uint16_t>(a[i] + b[i] + c[i]);
  }
}

void add_rows(const std::uint8_t* __restrict a,
              const std::uint8_t* __restrict b, std::uint16_t* __restrict to,
              std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    to[i] = static_cast<std::uint16_t>(a[i] + b[i]);
  }
}

/// A box of 2 radius + 1 whole values and a part of the next one at each end,
/// in 24-bit fixed point.
struct Box {
  int radius;
  std::uint32_t whole;  // weight of a value inside
  std::uint32_t part;   // weight of the value at either end
};

/// Pillow's arithmetic: single precision wherever it rounds to it.
Box gaussian_box(float radius) {
  constexpr int kPasses = 3;
  const float variance = radius * radius / kPasses;
  const auto length = static_cast<float>(std::sqrt(12.0 * variance + 1.0));
  const auto inner = static_cast<float>(std::floor((length - 1.0) / 2.0));
  float rest = (2 * inner + 1) * (inner * (inner + 1) - 3 * variance);
  rest /= 6 * (variance - (inner + 1) * (inner + 1));
  const float box = inner + rest;
  const auto whole_radius = static_cast<std::uint32_t>(box);
  const auto whole =
      static_cast<std::uint32_t>(static_cast<float>(1 << 24) / (box * 2 + 1));
  const std::uint32_t part = ((1u << 24) - (whole_radius * 2 + 1) * whole) / 2;
  return {static_cast<int>(whole_radius), whole, part};
}

/// `sums` holds the box around the row before this one.
void box_row(const std::uint8_t* __restrict entering,
             const std::uint8_t* __restrict leaving,
             const std::uint8_t* __restrict next, const Box& box,
             std::uint32_t* __restrict sums, std::uint8_t* __restrict to,
             std::size_t count) {
  const std::uint32_t whole = box.whole;
  const std::uint32_t part = box.part;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t gone = leaving[i];
    const std::uint32_t sum = sums[i] + entering[i] - gone;
    sums[i] = sum;
    const std::uint32_t ends = gone + next[i];
    to[i] = static_cast<std::uint8_t>(
        (sum * whole + ends * part + (1u << 23)) >> 24);
  }
}

/// One box filter down the columns, for all columns at once.
void box_filter(const std::uint8_t* from, int rows, std::size_t count,
                const Box& box, std::uint32_t* sums, std::uint8_t* to) {
  const auto row = [&](int y) {
    const int inside = std::min(std::max(y, 0), rows - 1);
    return from + static_cast<std::size_t>(inside) * count;
  };
  // The box around row -1. What lies outside repeats the edge.
  const auto before = static_cast<std::uint32_t>(box.radius + 1);
  const int between = std::min(box.radius, rows - 1);
  const auto behind = static_cast<std::uint32_t>(box.radius - between);
  for (std::size_t i = 0; i < count; ++i) {
    sums[i] = before * row(0)[i] + behind * row(rows - 1)[i];
  }
  for (int y = 0; y < between; ++y) {
    const std::uint8_t* const here = row(y);
    for (std::size_t i = 0; i < count; ++i) sums[i] += here[i];
  }
  for (int y = 0; y < rows; ++y) {
    box_row(row(y + box.radius), row(y - box.radius - 1),
            row(y + box.radius + 1), box, sums,
            to + static_cast<std::size_t>(y) * count, count);
  }
}

/// Three box filters from `from` to `to`; both are written to.
void box_filters(std::uint8_t* from, int rows, std::size_t count,
                 const Box& box, std::uint32_t* sums, std::uint8_t* to) {
  box_filter(from, rows, count, box, sums, to);
  box_filter(to, rows, count, box, sums, from);
  box_filter(from, rows, count, box, sums, to);
}

}  // namespace

void smooth(ConstImage in, Image out, double strength, Workspace& workspace) {
  std::memcpy(out.pixels, in.pixels, in.shape.bytes());
  if (in.shape.height < 3 || in.shape.width < 3) return;
  const auto step = static_cast<std::size_t>(in.shape.channels);
  const std::size_t row = in.shape.row();
  const std::size_t inside = row - 2 * step;
  auto* const columns = workspace.array<std::uint16_t>(row);
  auto* const smoothed = workspace.array<std::uint16_t>(row);
  for (int y = 1; y < in.shape.height - 1; ++y) {
    add_rows(in.row(y - 1), in.row(y), in.row(y + 1), columns, row);
    smooth_row(columns, in.row(y), step, smoothed, inside);
    blend_row(in.row(y) + step, smoothed, static_cast<float>(strength),
              out.row(y) + step, inside);
  }
}

void blur(ConstImage in, Image out, double strength, Workspace& workspace) {
  std::memcpy(out.pixels, in.pixels, in.shape.bytes());
  if (in.shape.height < 5 || in.shape.width < 5) return;
  const auto step = static_cast<std::size_t>(in.shape.channels);
  const std::size_t row = in.shape.row();
  const std::size_t inside = row - 4 * step;
  auto* const rim = workspace.array<std::uint16_t>(row);
  auto* const sides = workspace.array<std::uint16_t>(row);
  auto* const blurred = workspace.array<std::uint16_t>(row);
  for (int y = 2; y < in.shape.height - 2; ++y) {
    add_rows(in.row(y - 2), in.row(y + 2), rim, row);
    add_rows(in.row(y - 1), in.row(y), in.row(y + 1), sides, row);
    blur_row(rim, sides, step, blurred, inside);
    blend_row(in.row(y) + 2 * step, blurred, static_cast<float>(strength),
              out.row(y) + 2 * step, inside);
  }
}

void gaussian_blur(ConstImage in, Image out, double radius,
                   Workspace& workspace) {
  const Box box = gaussian_box(static_cast<float>(radius));
  const Shape& shape = in.shape;
  const Shape turned = {shape.width, shape.height, shape.channels};
  auto* const a = workspace.array<std::uint8_t>(shape.bytes());
  auto* const b = workspace.array<std::uint8_t>(shape.bytes());
  auto* const sums =
      workspace.array<std::uint32_t>(std::max(shape.row(), turned.row()));
  transpose(in.pixels, shape.row(), shape, a);
  box_filters(a, turned.height, turned.row(), box, sums, b);
  transpose(b, turned.row(), turned, a);
  box_filters(a, shape.height, shape.row(), box, sums, out.pixels);
}

}  // namespace keras_ssl::KERAS_SSL_ISA
