#include "color_ops.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace keras_ssl::KERAS_SSL_ISA {
namespace {

/// Some pixels, one array per channel, in 32 bits throughout so that loops
/// work on them in whole vectors.
struct Planes {
  std::int32_t* red;
  std::int32_t* green;
  std::int32_t* blue;
};

constexpr std::size_t kMostPixels = 512;

Planes planes(Workspace& workspace) {
  return {workspace.array<std::int32_t>(kMostPixels),
          workspace.array<std::int32_t>(kMostPixels),
          workspace.array<std::int32_t>(kMostPixels)};
}

void split(const std::uint8_t* __restrict from, std::size_t count,
           std::int32_t* __restrict red, std::int32_t* __restrict green,
           std::int32_t* __restrict blue) {
  for (std::size_t i = 0; i < count; ++i) {
    red[i] = from[3 * i];
    green[i] = from[3 * i + 1];
    blue[i] = from[3 * i + 2];
  }
}

void merge(const std::int32_t* __restrict red,
           const std::int32_t* __restrict green,
           const std::int32_t* __restrict blue, std::size_t count,
           std::uint8_t* __restrict to) {
  for (std::size_t i = 0; i < count; ++i) {
    to[3 * i] = static_cast<std::uint8_t>(red[i]);
    to[3 * i + 1] = static_cast<std::uint8_t>(green[i]);
    to[3 * i + 2] = static_cast<std::uint8_t>(blue[i]);
  }
}

/// One channel of Pillow's conversion from HSV. Its primary is at `sixth` of
/// the circle; a sixth (255 of 1530) around it the channel is full, and it
/// fades over the next one. Pillow's single precision makes the same bytes
/// for every value, saturation and hue.
std::int32_t channel(float value, float saturation, std::int32_t hue,
                     std::int32_t sixth) {
  const std::int32_t distance = std::abs(hue * 6 - sixth * 255);
  const std::int32_t shorter = std::min(distance, 1530 - distance);
  const auto beyond = static_cast<float>(shorter - 255);
  const float fading = std::min(std::max(beyond, 0.0f), 255.0f);
  const float faded = value * (saturation * fading * (1.0f / 65025.0f));
  return static_cast<std::int32_t>(value - faded + 0.5f);
}

/// Pillow's H. It works in single precision and cuts off, and its rounding
/// shows: where 255 H is a whole number, the exact quotient is one more than
/// Pillow's in 432 of 195,840 cases. The steps below round as Pillow's do.
std::int32_t hue_of(std::int32_t red, std::int32_t green, std::int32_t blue,
                    std::int32_t highest, std::int32_t lowest) {
  const std::int32_t middle = red + green + blue - highest - lowest;
  const float step = static_cast<float>(highest - middle) /
                     static_cast<float>(std::max(highest - lowest, 1));
  const std::int32_t is_red = red == highest ? 1 : 0;
  const std::int32_t is_green = (green == highest ? 1 : 0) & ~is_red;
  const std::int32_t is_blue = 1 - is_red - is_green;
  const std::int32_t red_lowest = red == lowest ? 1 : 0;
  const std::int32_t blue_lowest = blue == lowest ? 1 : 0;
  // In sixths of the circle: primaries are even, mixtures odd. From the mixture
  // of the highest and the middle channel, `step` back to the primary.
  const std::int32_t primary = 2 * is_green + 4 * is_blue;
  const std::int32_t lowest_is =
      (is_blue & red_lowest) | ((1 - is_blue) & blue_lowest);
  const std::int32_t side = 2 * (lowest_is ^ (1 - is_red)) - 1;
  const float sixths =
      static_cast<float>(primary + side) - static_cast<float>(side) * step;
  const std::int32_t lap = sixths < 0.0f ? 1 : 0;
  const float turn = sixths / 6.0f + static_cast<float>(lap);
  // The product may round up to a whole number that the exact one does not
  // reach; the difference of the two is exact.
  const auto whole = static_cast<std::int32_t>(turn * 255.0f);
  const float rest = (turn * 256.0f - static_cast<float>(whole)) - turn;
  return whole - (rest < 0.0f ? 1 : 0);
}

/// Planes in and out. Nothing branches, so that the loop is vectorized.
void turn_hue(std::int32_t* __restrict reds, std::int32_t* __restrict greens,
              std::int32_t* __restrict blues, std::size_t count,
              std::int32_t shift) {
  for (std::size_t i = 0; i < count; ++i) {
    const std::int32_t red = reds[i];
    const std::int32_t green = greens[i];
    const std::int32_t blue = blues[i];
    const std::int32_t highest = std::max(std::max(red, green), blue);
    const std::int32_t lowest = std::min(std::min(red, green), blue);
    const auto value = static_cast<float>(highest);
    const float spread = static_cast<float>(highest - lowest) /
                         static_cast<float>(std::max(highest, 1));
    const auto saturation =
        static_cast<float>(static_cast<std::int32_t>(spread * 255.0f));
    const std::int32_t turned =
        (hue_of(red, green, blue, highest, lowest) + shift) & 255;
    reds[i] = channel(value, saturation, turned, 0);
    greens[i] = channel(value, saturation, turned, 2);
    blues[i] = channel(value, saturation, turned, 4);
  }
}

}  // namespace

void grayscale(ConstImage in, Image out, Workspace&) {
  const std::size_t bytes = in.shape.bytes();
  if (in.shape.channels == 1) {
    std::memcpy(out.pixels, in.pixels, bytes);
    return;
  }
  const std::uint8_t* __restrict const from = in.pixels;
  std::uint8_t* __restrict const to = out.pixels;
  for (std::size_t i = 0; i < bytes; i += 3) {
    const int sum = 19595 * from[i] + 38470 * from[i + 1] + 7471 * from[i + 2];
    const auto gray = static_cast<std::uint8_t>((sum + 32768) >> 16);
    to[i] = gray;
    to[i + 1] = gray;
    to[i + 2] = gray;
  }
}

void hue(ConstImage in, Image out, double shift, Workspace& workspace) {
  const std::size_t bytes = in.shape.bytes();
  if (in.shape.channels == 1) {
    std::memcpy(out.pixels, in.pixels, bytes);
    return;
  }
  const auto steps = static_cast<std::int32_t>(shift * 255.0);
  const Planes part = planes(workspace);
  for (std::size_t i = 0; i < bytes; i += 3 * kMostPixels) {
    const std::size_t count = std::min(kMostPixels, (bytes - i) / 3);
    split(in.pixels + i, count, part.red, part.green, part.blue);
    turn_hue(part.red, part.green, part.blue, count, steps);
    merge(part.red, part.green, part.blue, count, out.pixels + i);
  }
}

}  // namespace keras_ssl::KERAS_SSL_ISA
