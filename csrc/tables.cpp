#include "tables.h"

#include <algorithm>
#include <cmath>

#include "pixel_ops.h"

namespace keras_ssl::KERAS_SSL_ISA {
namespace {

using Histogram = std::uint32_t[256];

void fill_identity(Table& table) {
  for (int i = 0; i < 256; ++i) table[i] = static_cast<std::uint8_t>(i);
}

void fill_invert(Table& table) {
  for (int i = 0; i < 256; ++i) table[i] = static_cast<std::uint8_t>(255 - i);
}

/// Keeps the highest bits.
void fill_posterize(int bits, Table& table) {
  const int mask = 0xFF << (8 - bits);
  for (int i = 0; i < 256; ++i) table[i] = static_cast<std::uint8_t>(i & mask);
}

/// Inverts the values at or above `threshold`.
void fill_solarize(double threshold, Table& table) {
  // For an integer value, value >= threshold is value >= ceil(threshold).
  const int first =
      static_cast<int>(std::clamp(std::ceil(threshold), 0., 256.));
  for (int i = 0; i < 256; ++i) {
    table[i] = static_cast<std::uint8_t>(i >= first ? 255 - i : i);
  }
}

/// Blends a constant with each value; see blend() in pixel_ops.h.
void fill_blend(int base, float factor, Table& table) {
  for (int i = 0; i < 256; ++i) table[i] = blend(base, i, factor);
}

/// Stretches [low, high] to the full range.
void fill_autocontrast(int low, int high, Table& table) {
  if (high <= low) return fill_identity(table);
  const double scale = 255.0 / (high - low);
  const double offset = -low * scale;
  for (int i = 0; i < 256; ++i) {
    const int value = static_cast<int>(i * scale + offset);
    table[i] = static_cast<std::uint8_t>(std::clamp(value, 0, 255));
  }
}

/// Flattens the histogram.
void fill_equalize(const Histogram& histogram, std::size_t total,
                   Table& table) {
  int highest = 255;
  while (highest > 0 && histogram[highest] == 0) --highest;
  // One single value in the image also lands here: then nothing is left.
  const std::size_t step = (total - histogram[highest]) / 255;
  if (step == 0) return fill_identity(table);
  std::int32_t places[256];
  auto running = static_cast<std::int32_t>(step / 2);
  for (int i = 0; i < 256; ++i) {
    places[i] = running;
    running += static_cast<std::int32_t>(histogram[i]);
  }
  // The quotients are whole numbers plus at least 0.5 / step, which is far
  // more than a multiplication by the inverse is off.
  const double inverse = 1.0 / static_cast<double>(step);
  for (int i = 0; i < 256; ++i) {
    const auto value = static_cast<int>((places[i] + 0.5) * inverse);
    table[i] = static_cast<std::uint8_t>(std::min(value, 255));
  }
}

/// Bytewise, in place; by value, which compilers make vectors of.
void keep_extremes(std::uint8_t* __restrict low, std::uint8_t* __restrict high,
                   const std::uint8_t* __restrict lower,
                   const std::uint8_t* __restrict higher, std::size_t count) {
  for (std::size_t k = 0; k < count; ++k) {
    low[k] = lower[k] < low[k] ? lower[k] : low[k];
    high[k] = higher[k] > high[k] ? higher[k] : high[k];
  }
}

/// Smallest and largest value of each channel. 192 bytes hold whole vectors
/// and whole pixels.
void find_extremes(ConstImage image, int* lows, int* highs) {
  std::uint8_t low[192];
  std::uint8_t high[192];
  std::memset(low, 255, sizeof low);
  std::memset(high, 0, sizeof high);
  const std::size_t count = image.shape.bytes();
  std::size_t i = 0;
  for (; i + 192 <= count; i += 192) {
    const std::uint8_t* pixels = image.pixels + i;
    keep_extremes(low, high, pixels, pixels, 192);
  }
  keep_extremes(low, high, image.pixels + i, image.pixels + i, count - i);
  for (std::size_t half = 96; half >= 3; half /= 2) {
    keep_extremes(low, high, low + half, high + half, half);
  }
  if (image.shape.channels == 1) {
    lows[0] = std::min({low[0], low[1], low[2]});
    highs[0] = std::max({high[0], high[1], high[2]});
    return;
  }
  for (int channel = 0; channel < 3; ++channel) {
    lows[channel] = low[channel];
    highs[channel] = high[channel];
  }
}

/// Neighboring pixels are often equal, and a counter that was just written
/// takes time to be read again: four sets of counters go in turn. They are of
/// 16 bits, so they are emptied before they can overflow.
template <int kChannels>
void count_values(ConstImage image, Histogram* histograms) {
  constexpr std::size_t kMost = std::size_t{65535} * 4;
  std::memset(histograms, 0, kChannels * sizeof(Histogram));
  const std::size_t pixels = image.shape.bytes() / kChannels;
  const std::uint8_t* pixel = image.pixels;
  for (std::size_t done = 0; done < pixels; done += kMost) {
    std::uint16_t counters[4][kChannels][256] = {};
    const std::size_t count = std::min(kMost, pixels - done);
    std::size_t i = 0;
    for (; i + 4 <= count; i += 4, pixel += 4 * kChannels) {
      for (int turn = 0; turn < 4; ++turn) {
        for (int channel = 0; channel < kChannels; ++channel) {
          ++counters[turn][channel][pixel[turn * kChannels + channel]];
        }
      }
    }
    for (; i < count; ++i, pixel += kChannels) {
      for (int channel = 0; channel < kChannels; ++channel) {
        ++counters[0][channel][pixel[channel]];
      }
    }
    for (int channel = 0; channel < kChannels; ++channel) {
      for (int value = 0; value < 256; ++value) {
        histograms[channel][value] += std::uint32_t{
            static_cast<std::uint32_t>(counters[0][channel][value]) +
            counters[1][channel][value] + counters[2][channel][value] +
            counters[3][channel][value]};
      }
    }
  }
}

/// Blends each value with what the table makes of it, as CTAugment does.
void weaken(float strength, Table& table) {
  for (int i = 0; i < 256; ++i) table[i] = blend(i, table[i], strength);
}

}  // namespace

bool Tables::holds(OpKind kind) {
  switch (kind) {
    case OpKind::kInvert:
    case OpKind::kPosterize:
    case OpKind::kSolarize:
    case OpKind::kBrightness:
    case OpKind::kBlendInvert:
      return true;
    default:
      return false;
  }
}

bool Tables::needs_image(OpKind kind) {
  switch (kind) {
    case OpKind::kAutocontrast:
    case OpKind::kEqualize:
    case OpKind::kContrast:
    case OpKind::kBlendAutocontrast:
    case OpKind::kBlendEqualize:
      return true;
    default:
      return false;
  }
}

void Tables::add(OpKind kind, const Values& values) {
  alignas(64) Table next;
  switch (kind) {
    case OpKind::kInvert:
      fill_invert(next);
      break;
    case OpKind::kPosterize:
      fill_posterize(static_cast<int>(values[0]), next);
      break;
    case OpKind::kSolarize:
      fill_solarize(values[0], next);
      break;
    case OpKind::kBlendInvert:
      fill_invert(next);
      weaken(static_cast<float>(values[0]), next);
      break;
    default:
      fill_blend(0, static_cast<float>(values[0]), next);
      break;
  }
  if (empty_) {
    std::memcpy(tables_[0], next, sizeof next);
    shared_ = true;
    empty_ = false;
    return;
  }
  for (int channel = 0; channel < (shared_ ? 1 : 3); ++channel) {
    look_up(tables_[channel], tables_[channel], sizeof next, next);
  }
}

void Tables::add(OpKind kind, const Values& values, ConstImage image) {
  const int channels = image.shape.channels;
  const std::size_t pixels =
      image.shape.bytes() / static_cast<std::size_t>(channels);
  shared_ = channels == 1;
  empty_ = false;
  if (kind == OpKind::kContrast) {
    shared_ = true;
    fill_blend(mean_gray(image), static_cast<float>(values[0]), tables_[0]);
    return;
  }
  if (kind == OpKind::kAutocontrast || kind == OpKind::kBlendAutocontrast) {
    int lows[3];
    int highs[3];
    find_extremes(image, lows, highs);
    for (int channel = 0; channel < channels; ++channel) {
      fill_autocontrast(lows[channel], highs[channel], tables_[channel]);
    }
  } else {
    Histogram histograms[3];
    if (channels == 1) {
      count_values<1>(image, histograms);
    } else {
      count_values<3>(image, histograms);
    }
    for (int channel = 0; channel < channels; ++channel) {
      fill_equalize(histograms[channel], pixels, tables_[channel]);
    }
  }
  if (kind == OpKind::kBlendAutocontrast || kind == OpKind::kBlendEqualize) {
    for (int channel = 0; channel < channels; ++channel) {
      weaken(static_cast<float>(values[0]), tables_[channel]);
    }
  }
}

void Tables::apply(const std::uint8_t* from, std::uint8_t* to,
                   std::size_t count) const {
  if (shared_) {
    look_up(from, to, count, tables_[0]);
  } else {
    look_up_3(from, to, count, tables_);
  }
}

}  // namespace keras_ssl::KERAS_SSL_ISA
