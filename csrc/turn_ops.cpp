#include "turn_ops.h"

#include <cstring>

namespace keras_ssl::KERAS_SSL_ISA {
namespace {

/// Pixels `step` bytes apart, in either direction, side by side.
template <int kChannels>
void line_up(const std::uint8_t* __restrict from, std::ptrdiff_t step,
             int count, std::uint8_t* __restrict to) {
  // Three bytes are moved as four, of which the next pixel overwrites the
  // last; at both ends this could reach outside of the images.
  constexpr int kWord = kChannels == 3 ? 4 : kChannels;
  std::memcpy(to, from, kChannels);
  for (int i = 1; i < count - 1; ++i) {
    std::memcpy(to + i * kChannels, from + i * step, kWord);
  }
  const int last = count - 1;
  std::memcpy(to + last * kChannels, from + last * step, kChannels);
}

void line_up(const std::uint8_t* from, std::ptrdiff_t step, int count,
             int channels, std::uint8_t* to) {
  if (channels == 1) {
    line_up<1>(from, step, count, to);
  } else {
    line_up<3>(from, step, count, to);
  }
}

}  // namespace

void transpose(const std::uint8_t* in, std::size_t stride, const Shape& shape,
               std::uint8_t* out) {
  const auto bytes = static_cast<std::size_t>(shape.height * shape.channels);
  for (int x = 0; x < shape.width; ++x) {
    line_up(in + x * shape.channels, static_cast<std::ptrdiff_t>(stride),
            shape.height, shape.channels,
            out + static_cast<std::size_t>(x) * bytes);
  }
}

void quarter_turn(ConstImage in, Image out, int turns, Workspace&) {
  const auto row = static_cast<std::ptrdiff_t>(in.shape.row());
  const int channels = in.shape.channels;
  const int last_x = (in.shape.width - 1) * channels;
  const int last_y = in.shape.height - 1;
  for (int y = 0; y < out.shape.height; ++y) {
    std::uint8_t* const to = out.row(y);
    const int width = out.shape.width;
    if (turns == 0) {
      std::memcpy(to, in.row(y), in.shape.row());
    } else if (turns == 1) {
      line_up(in.pixels + last_x - y * channels, row, width, channels, to);
    } else if (turns == 2) {
      line_up(in.row(last_y - y) + last_x, -channels, width, channels, to);
    } else {
      line_up(in.row(last_y) + y * channels, -row, width, channels, to);
    }
  }
}

}  // namespace keras_ssl::KERAS_SSL_ISA
