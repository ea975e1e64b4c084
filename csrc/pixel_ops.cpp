#include "pixel_ops.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace keras_ssl {
namespace {

using Table = std::array<std::uint8_t, 256>;
using Histogram = std::array<std::uint32_t, 256>;

std::uint8_t gray_of(int red, int green, int blue) {
  return static_cast<std::uint8_t>(
      (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16);
}

/// Pillow's blend: single precision, then truncation. Clipping is only needed
/// when extrapolating, and the plain loop is the one that is hot.
template <bool kClip>
std::uint8_t blend(int base, int value, float factor) {
  float mixed =
      static_cast<float>(base) + factor * static_cast<float>(value - base);
  if (kClip) mixed = std::min(std::max(mixed, 0.0f), 255.0f);
  return static_cast<std::uint8_t>(static_cast<int>(mixed));
}

bool extrapolates(float factor) { return !(factor >= 0.0f && factor <= 1.0f); }

template <bool kClip>
void blend_with_constant(ConstImage in, Image out, int base, float factor) {
  const std::size_t count = in.shape.bytes();
  for (std::size_t i = 0; i < count; ++i) {
    out.pixels[i] = blend<kClip>(base, in.pixels[i], factor);
  }
}

void blend_with_constant(ConstImage in, Image out, int base, float factor) {
  if (extrapolates(factor)) {
    blend_with_constant<true>(in, out, base, factor);
  } else {
    blend_with_constant<false>(in, out, base, factor);
  }
}

template <bool kClip>
void blend_with_gray(ConstImage in, Image out, float factor) {
  const std::size_t count = in.shape.bytes();
  for (std::size_t i = 0; i < count; i += 3) {
    const int red = in.pixels[i];
    const int green = in.pixels[i + 1];
    const int blue = in.pixels[i + 2];
    const int gray = gray_of(red, green, blue);
    out.pixels[i] = blend<kClip>(gray, red, factor);
    out.pixels[i + 1] = blend<kClip>(gray, green, factor);
    out.pixels[i + 2] = blend<kClip>(gray, blue, factor);
  }
}

Histogram histogram_of(ConstImage image, int channel) {
  Histogram histogram{};
  const std::size_t count = image.shape.bytes();
  const auto step = static_cast<std::size_t>(image.shape.channels);
  for (auto i = static_cast<std::size_t>(channel); i < count; i += step) {
    ++histogram[image.pixels[i]];
  }
  return histogram;
}

void apply_table(ConstImage in, Image out, int channel, const Table& table) {
  const std::size_t count = in.shape.bytes();
  const auto step = static_cast<std::size_t>(in.shape.channels);
  for (auto i = static_cast<std::size_t>(channel); i < count; i += step) {
    out.pixels[i] = table[in.pixels[i]];
  }
}

void fill_identity(Table& table) {
  for (std::size_t i = 0; i < table.size(); ++i) {
    table[i] = static_cast<std::uint8_t>(i);
  }
}

void fill_autocontrast(const Histogram& histogram, Table& table) {
  int low = 0;
  int high = 255;
  while (low < 255 && histogram[static_cast<std::size_t>(low)] == 0) ++low;
  while (high > 0 && histogram[static_cast<std::size_t>(high)] == 0) --high;
  if (high <= low) return fill_identity(table);
  const double scale = 255.0 / (high - low);
  const double offset = -low * scale;
  for (int i = 0; i < 256; ++i) {
    const int value = static_cast<int>(i * scale + offset);
    table[static_cast<std::size_t>(i)] =
        static_cast<std::uint8_t>(std::clamp(value, 0, 255));
  }
}

void fill_equalize(const Histogram& histogram, Table& table) {
  std::uint32_t total = 0;
  std::uint32_t last = 0;
  for (const std::uint32_t count : histogram) {
    total += count;
    if (count != 0) last = count;
  }
  // One single value in the image also lands here: then total equals last.
  const std::uint32_t step = (total - last) / 255;
  if (step == 0) return fill_identity(table);
  std::uint32_t running = step / 2;
  for (std::size_t i = 0; i < table.size(); ++i) {
    table[i] = static_cast<std::uint8_t>(std::min(running / step, 255u));
    running += histogram[i];
  }
}

template <typename Fill>
void remap_channels(ConstImage in, Image out, Fill fill) {
  Table table;
  for (int channel = 0; channel < in.shape.channels; ++channel) {
    fill(histogram_of(in, channel), table);
    apply_table(in, out, channel, table);
  }
}

/// The mean gray as Pillow rounds it.
int mean_gray(ConstImage image) {
  const std::size_t count = image.shape.bytes();
  std::uint64_t sum = 0;
  if (image.shape.channels == 1) {
    for (std::size_t i = 0; i < count; ++i) sum += image.pixels[i];
  } else {
    for (std::size_t i = 0; i < count; i += 3) {
      sum += gray_of(image.pixels[i], image.pixels[i + 1], image.pixels[i + 2]);
    }
  }
  const auto pixels = static_cast<double>(
      count / static_cast<std::size_t>(image.shape.channels));
  return static_cast<int>(static_cast<double>(sum) / pixels + 0.5);
}

/// Blends the inner part of row y with its smoothed version. The kernel is
/// [1 1 1; 1 5 1; 1 1 1] / 13, rounded to nearest; a half never occurs, so
/// integers give what Pillow's single precision gives.
template <bool kClip>
void sharpen_row(ConstImage in, Image out, int y, float factor) {
  const std::uint8_t* above = in.row(y - 1);
  const std::uint8_t* here = in.row(y);
  const std::uint8_t* below = in.row(y + 1);
  std::uint8_t* to = out.row(y);
  const auto step = static_cast<std::size_t>(in.shape.channels);
  const std::size_t end = in.shape.row() - step;
  for (std::size_t i = step; i < end; ++i) {
    const int sum = above[i - step] + above[i] + above[i + step] +
                    here[i - step] + 5 * here[i] + here[i + step] +
                    below[i - step] + below[i] + below[i + step];
    const int smooth = (2 * sum + 13) / 26;
    to[i] = blend<kClip>(smooth, here[i], factor);
  }
}

}  // namespace

void copy_pixels(ConstImage in, Image out) {
  if (in.pixels != out.pixels) {
    std::memcpy(out.pixels, in.pixels, in.shape.bytes());
  }
}

void autocontrast(ConstImage in, Image out) {
  remap_channels(in, out, fill_autocontrast);
}

void equalize(ConstImage in, Image out) {
  remap_channels(in, out, fill_equalize);
}

void invert(ConstImage in, Image out) {
  const std::size_t count = in.shape.bytes();
  for (std::size_t i = 0; i < count; ++i) {
    out.pixels[i] = static_cast<std::uint8_t>(255 - in.pixels[i]);
  }
}

void posterize(ConstImage in, Image out, int bits) {
  const auto mask = static_cast<std::uint8_t>(0xFF << (8 - bits));
  const std::size_t count = in.shape.bytes();
  for (std::size_t i = 0; i < count; ++i) {
    out.pixels[i] = static_cast<std::uint8_t>(in.pixels[i] & mask);
  }
}

void solarize(ConstImage in, Image out, double threshold) {
  // For an integer value, value >= threshold is value >= ceil(threshold).
  const int first =
      static_cast<int>(std::clamp(std::ceil(threshold), 0., 256.));
  const std::size_t count = in.shape.bytes();
  for (std::size_t i = 0; i < count; ++i) {
    const int value = in.pixels[i];
    out.pixels[i] =
        static_cast<std::uint8_t>(value >= first ? 255 - value : value);
  }
}

void brightness(ConstImage in, Image out, float factor) {
  blend_with_constant(in, out, 0, factor);
}

void color(ConstImage in, Image out, float factor) {
  if (in.shape.channels == 1) return copy_pixels(in, out);
  if (extrapolates(factor)) {
    blend_with_gray<true>(in, out, factor);
  } else {
    blend_with_gray<false>(in, out, factor);
  }
}

void contrast(ConstImage in, Image out, float factor) {
  blend_with_constant(in, out, mean_gray(in), factor);
}

void sharpness(ConstImage in, Image out, float factor) {
  // The border is not smoothed, so blending leaves it alone; an image too
  // small for the kernel is all border.
  copy_pixels(in, out);
  if (in.shape.height < 3 || in.shape.width < 3) return;
  for (int y = 1; y < in.shape.height - 1; ++y) {
    if (extrapolates(factor)) {
      sharpen_row<true>(in, out, y, factor);
    } else {
      sharpen_row<false>(in, out, y, factor);
    }
  }
}

void cutout(ConstImage in, Image out, double side, double center_x,
            double center_y) {
  copy_pixels(in, out);
  if (side <= 0.0) return;
  const int width = in.shape.width;
  const int height = in.shape.height;
  const int left = static_cast<int>(std::max(0.0, center_x - side / 2));
  const int top = static_cast<int>(std::max(0.0, center_y - side / 2));
  const int right = std::min(
      static_cast<int>(std::min<double>(width, left + side)), width - 1);
  const int bottom = std::min(
      static_cast<int>(std::min<double>(height, top + side)), height - 1);
  constexpr std::array<std::uint8_t, 3> kGray = {125, 123, 114};
  const std::uint8_t gray = gray_of(kGray[0], kGray[1], kGray[2]);
  for (int y = top; y <= bottom; ++y) {
    std::uint8_t* to = out.row(y);
    for (int x = left; x <= right; ++x) {
      if (in.shape.channels == 1) {
        to[x] = gray;
      } else {
        std::memcpy(to + 3 * x, kGray.data(), 3);
      }
    }
  }
}

}  // namespace keras_ssl
