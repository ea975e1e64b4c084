#include "noise_ops.h"

#include <algorithm>

namespace keras_ssl::KERAS_SSL_ISA {
namespace {

constexpr std::size_t kUnit = 1024;

/// The density of the standard normal distribution at distance / 2048, from a
/// series that ends below 1e-15 for all distances used. Additions,
/// multiplications and divisions are the same on every machine.
double density(std::size_t distance) {
  const double x = static_cast<double>(distance) / (2 * kUnit);
  const double half_square = x * x / 2;
  double term = 1.0;
  double sum = 1.0;  // exp(half_square)
  for (int k = 1; k <= 45; ++k) {
    term = term * half_square / k;
    sum += term;
  }
  return 0.3989422804014327 / sum;  // 1 / sqrt(2 pi)
}

/// A quantile rounds to n if the area to its left passes the half-way marks
/// 1/2, 3/2 ... n - 1/2 and no further. The closest call leaves 3e-8 in x,
/// much more than Simpson's rule and rounding err.
Quantiles made_quantiles() {
  Quantiles table{};
  constexpr double kSixth = 1.0 / (6 * kUnit);
  std::int16_t rounded = 0;
  // To the first mark at 1/2, half of what lies between -1/2 and 1/2.
  std::size_t mark = 1;
  double area = kSixth * (2 * density(0) + density(1));
  for (std::size_t i = 0; i < 2048; ++i) {
    const double target = static_cast<double>(2 * i + 1) / 8192;
    while (area < target) {
      area +=
          kSixth * (density(mark) + 4 * density(mark + 1) + density(mark + 2));
      mark += 2;
      ++rounded;
    }
    table[2048 + i] = rounded;
    table[2047 - i] = static_cast<std::int16_t>(-rounded);
  }
  return table;
}

constexpr std::size_t kChunk = 256;

void add(const std::uint8_t* __restrict from,
         const std::int32_t* __restrict noise, double scale, std::size_t count,
         std::uint8_t* __restrict to) {
  for (std::size_t i = 0; i < count; ++i) {
    // What cutting off does below zero is clipped away.
    const auto value = static_cast<int>(from[i] + scale * noise[i] + 0.5);
    to[i] = static_cast<std::uint8_t>(std::min(std::max(value, 0), 255));
  }
}

}  // namespace

const Quantiles& normal_quantiles() {
  static const Quantiles table = made_quantiles();
  return table;
}

void add_noise(ConstImage in, Image out, double sigma,
               const std::uint32_t* words) {
  const Quantiles& quantiles = normal_quantiles();
  const std::size_t bytes = in.shape.bytes();
  const double scale = sigma / kUnit;
  std::int32_t noise[kChunk];
  for (std::size_t first = 0; first < bytes; first += kChunk) {
    const std::size_t count = std::min(kChunk, bytes - first);
    for (std::size_t i = 0; i < noise_words(count); ++i) {
      const std::uint32_t word = words[first / 2 + i];
      noise[2 * i] = quantiles[(word & 0xFFFF) >> 4];
      noise[2 * i + 1] = quantiles[word >> 20];
    }
    add(in.pixels + first, noise, scale, count, out.pixels + first);
  }
}

}  // namespace keras_ssl::KERAS_SSL_ISA
