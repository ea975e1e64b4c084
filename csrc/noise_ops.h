// Noise from random bits that somebody else has drawn.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "image.h"
#include "isa.h"

namespace keras_ssl {

/// How many words of 32 bits noise on so many bytes takes.
constexpr std::size_t noise_words(std::size_t bytes) { return (bytes + 1) / 2; }

namespace KERAS_SSL_ISA {

/// The standard normal distribution in 4096 equally likely values, its
/// quantiles at (i + 1/2) / 4096, in units of 1/1024. The largest are
/// +-3756 / 1024 = +-3.668; the standard deviation is 0.99984.
using Quantiles = std::array<std::int16_t, 4096>;

const Quantiles& normal_quantiles();

/// Adds Gaussian noise of standard deviation `sigma`, 0 to 1e6 gray levels, to
/// each byte, rounds to the nearest (halves up) and clips. Byte i takes its
/// noise from the 12 highest bits of half i % 2, the lower first, of words[i /
/// 2].
void add_noise(ConstImage in, Image out, double sigma,
               const std::uint32_t* words);

}  // namespace KERAS_SSL_ISA
}  // namespace keras_ssl
