#include "geometric_ops.h"

#include <cmath>
#include <cstring>

namespace keras_ssl {
namespace {

/// Output to input: source x = a x + b y + c, source y = d x + e y + f.
struct Affine {
  double a, b, c, d, e, f;
};

template <int kChannels>
void move_pixel(const std::uint8_t* from, std::uint8_t* to) {
  for (int channel = 0; channel < kChannels; ++channel) {
    to[channel] = from[channel];
  }
}

int fixed_point(double value) {
  return static_cast<int>(std::floor(value * 65536.0 + 0.5));
}

/// Pillow walks the source in 16.16 fixed point; floating point would pick
/// another pixel now and then.
template <int kChannels>
void transform(ConstImage in, Image out, const Affine& m) {
  const auto width = static_cast<unsigned>(in.shape.width);
  const auto height = static_cast<unsigned>(in.shape.height);
  const int step_x = fixed_point(m.a);
  const int step_y = fixed_point(m.d);
  int row_x = fixed_point(m.c + m.a * 0.5 + m.b * 0.5);
  int row_y = fixed_point(m.f + m.d * 0.5 + m.e * 0.5);
  std::memset(out.pixels, 0, out.shape.bytes());
  for (int y = 0; y < out.shape.height; ++y) {
    std::uint8_t* to = out.row(y);
    int source_x = row_x;
    int source_y = row_y;
    for (int x = 0; x < out.shape.width; ++x, to += kChannels) {
      // A negative coordinate turns into a huge one, which is outside too.
      const auto from_x = static_cast<unsigned>(source_x >> 16);
      const auto from_y = static_cast<unsigned>(source_y >> 16);
      if (from_x < width && from_y < height) {
        move_pixel<kChannels>(
            in.row(static_cast<int>(from_y)) + from_x * kChannels, to);
      }
      source_x += step_x;
      source_y += step_y;
    }
    row_x += fixed_point(m.b);
    row_y += fixed_point(m.e);
  }
}

/// Source coordinates along one axis. Adding up, as Pillow does, may round
/// where a multiplication would not; -1 stands for outside.
class Line {
 public:
  Line(double step, double offset, int length)
      : place_(offset + step * 0.5), step_(step), length_(length) {}

  int next() {
    const double place = place_;
    place_ += step_;
    return place < 0.0 || place >= length_ ? -1 : static_cast<int>(place);
  }

 private:
  double place_;
  double step_;
  int length_;
};

/// Transforms without a mixed term: rows stay rows, so whole runs of columns
/// that move together are copied row by row.
void transform_axes(ConstImage in, Image out, const Affine& m) {
  const auto channels = static_cast<std::size_t>(in.shape.channels);
  const int width = in.shape.width;
  std::memset(out.pixels, 0, out.shape.bytes());
  Line columns(m.a, m.c, width);
  int from_x = columns.next();
  for (int x = 0; x < width;) {
    const int run_x = x;
    const int run_from = from_x;
    do {
      ++x;
      from_x = columns.next();
    } while (x < width && run_from >= 0 && from_x == run_from + (x - run_x));
    if (run_from < 0) continue;
    const auto to = static_cast<std::size_t>(run_x) * channels;
    const auto from = static_cast<std::size_t>(run_from) * channels;
    const auto bytes = static_cast<std::size_t>(x - run_x) * channels;
    Line rows(m.e, m.f, in.shape.height);
    for (int y = 0; y < out.shape.height; ++y) {
      const int from_y = rows.next();
      if (from_y < 0) continue;
      std::memcpy(out.row(y) + to, in.row(from_y) + from, bytes);
    }
  }
}

void transform(ConstImage in, Image out, const Affine& m) {
  if (m.b == 0.0 && m.d == 0.0) {
    transform_axes(in, out, m);
  } else if (in.shape.channels == 1) {
    transform<1>(in, out, m);
  } else {
    transform<3>(in, out, m);
  }
}

/// Rounds to 15 decimals as Python's round() does. The product is exact in
/// two parts, and dividing the integer by 10^15 rounds once.
double round_15(double value) {
  constexpr double kScale = 1e15;
  const double product = value * kScale;
  const double residue = std::fma(value, kScale, -product);
  const double floor = std::floor(product);
  const double rest = (product - floor) + residue;
  return (rest > 0.5 ? floor + 1.0 : floor) / kScale;
}

template <int kChannels>
void reverse_columns(const std::uint8_t* from, std::uint8_t* to, int width) {
  for (int x = 0; x < width; ++x) {
    move_pixel<kChannels>(from + (width - 1 - x) * kChannels,
                          to + x * kChannels);
  }
}

void reverse_columns(ConstImage in, int from_y, Image out, int to_y) {
  if (in.shape.channels == 1) {
    reverse_columns<1>(in.row(from_y), out.row(to_y), in.shape.width);
  } else {
    reverse_columns<3>(in.row(from_y), out.row(to_y), in.shape.width);
  }
}

/// A quarter turn of a square image; `counter_clockwise` picks the direction.
void quarter_turn(ConstImage in, Image out, bool counter_clockwise) {
  const int side = in.shape.width;
  const int channels = in.shape.channels;
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      const int from_y = counter_clockwise ? x : side - 1 - x;
      const int from_x = counter_clockwise ? side - 1 - y : y;
      std::memcpy(out.row(y) + x * channels, in.row(from_y) + from_x * channels,
                  static_cast<std::size_t>(channels));
    }
  }
}

int reflect(int index, int length) {
  if (index < 0) return -index;
  if (index >= length) return 2 * length - 2 - index;
  return index;
}

}  // namespace

void rotate(ConstImage in, Image out, double degrees) {
  constexpr double kRadiansPerDegree = 3.141592653589793 / 180.0;
  double turn = std::fmod(degrees, 360.0);
  if (turn < 0.0) turn += 360.0;
  // Pillow moves whole pixels at these angles.
  if (turn == 180.0) {
    for (int y = 0; y < in.shape.height; ++y) {
      reverse_columns(in, in.shape.height - 1 - y, out, y);
    }
    return;
  }
  if ((turn == 90.0 || turn == 270.0) && in.shape.width == in.shape.height) {
    return quarter_turn(in, out, turn == 90.0);
  }
  const double angle = -(turn * kRadiansPerDegree);
  const double cosine = round_15(std::cos(angle));
  const double sine = round_15(std::sin(angle));
  const double center_x = in.shape.width / 2.0;
  const double center_y = in.shape.height / 2.0;
  Affine m = {cosine, sine, 0.0, -sine, cosine, 0.0};
  m.c = m.a * -center_x + m.b * -center_y + center_x;
  m.f = m.d * -center_x + m.e * -center_y + center_y;
  transform(in, out, m);
}

void shear_x(ConstImage in, Image out, double factor) {
  transform(in, out, {1.0, factor, 0.0, 0.0, 1.0, 0.0});
}

void shear_y(ConstImage in, Image out, double factor) {
  transform(in, out, {1.0, 0.0, 0.0, factor, 1.0, 0.0});
}

void translate_x(ConstImage in, Image out, double fraction) {
  transform(in, out, {1.0, 0.0, fraction * in.shape.width, 0.0, 1.0, 0.0});
}

void translate_y(ConstImage in, Image out, double fraction) {
  transform(in, out, {1.0, 0.0, 0.0, 0.0, 1.0, fraction * in.shape.height});
}

void flip(ConstImage in, Image out) {
  for (int y = 0; y < in.shape.height; ++y) reverse_columns(in, y, out, y);
}

void crop(ConstImage in, Image out, int offset_y, int offset_x) {
  const int width = in.shape.width;
  const auto channels = static_cast<std::size_t>(in.shape.channels);
  // The middle of a row is one copy; only the mirrored ends go by pixel.
  const int first = offset_x < 0 ? -offset_x : 0;
  const int last = offset_x > 0 ? width - offset_x : width;
  for (int y = 0; y < in.shape.height; ++y) {
    const std::uint8_t* from = in.row(reflect(y + offset_y, in.shape.height));
    std::uint8_t* to = out.row(y);
    const auto copy = [&](int x, int from_x, int count) {
      std::memcpy(to + static_cast<std::size_t>(x) * channels,
                  from + static_cast<std::size_t>(from_x) * channels,
                  static_cast<std::size_t>(count) * channels);
    };
    for (int x = 0; x < first; ++x) copy(x, reflect(x + offset_x, width), 1);
    copy(first, first + offset_x, last - first);
    for (int x = last; x < width; ++x) {
      copy(x, reflect(x + offset_x, width), 1);
    }
  }
}

}  // namespace keras_ssl
