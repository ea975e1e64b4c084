// Which example stands at a position of a stream's endless walk: every pass
// over the pool is a fresh permutation, computed and never stored.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "rng.h"

namespace keras_ssl {

/// A keyed permutation of [0, size) per pass. A balanced Feistel network
/// permutes the next power of four and walks its cycle until it lands inside,
/// which takes fewer than four steps on average.
///
/// Holds the round keys of the pass asked for last, so one Order belongs to
/// one thread.
class Order {
 public:
  Order(std::uint64_t size, std::uint64_t seed, std::string_view stream)
      : size_(size), seed_(seed), domain_(domain_of(stream, "order")) {
    while (half_bits_ < 32 && (size_ - 1) >> (2 * half_bits_) != 0) {
      ++half_bits_;
    }
  }

  /// The example at `position`; `size` must not be zero.
  std::uint64_t index_at(std::uint64_t position) {
    if (size_ == 1) return 0;
    const std::uint64_t pass = position / size_;
    if (!keyed_ || pass != pass_) derive_keys(pass);
    std::uint64_t index = position % size_;
    do {
      index = permute(index);
    } while (index >= size_);
    return index;
  }

 private:
  // Even a pool of three must reach all its orders equally often; there a
  // half is a single bit and each round shuffles little, hence twelve.
  static constexpr std::uint32_t kRounds = 12;

  void derive_keys(std::uint64_t pass) {
    for (std::uint32_t pair = 0; pair < kRounds / 2; ++pair) {
      const Counter words =
          philox({static_cast<std::uint32_t>(pass),
                  static_cast<std::uint32_t>(pass >> 32), domain_, pair},
                 key_of_seed(seed_));
      keys_[2 * pair] = (std::uint64_t{words[1]} << 32) | words[0];
      keys_[2 * pair + 1] = (std::uint64_t{words[3]} << 32) | words[2];
    }
    pass_ = pass;
    keyed_ = true;
  }

  std::uint64_t permute(std::uint64_t value) const {
    const std::uint64_t mask = (std::uint64_t{1} << half_bits_) - 1;
    std::uint64_t left = value >> half_bits_;
    std::uint64_t right = value & mask;
    for (const std::uint64_t key : keys_) {
      const std::uint64_t next = left ^ (scramble(right, key) & mask);
      left = right;
      right = next;
    }
    return (left << half_bits_) | right;
  }

  // The finalizer of SplitMix64 over a keyed Weyl sequence.
  static std::uint64_t scramble(std::uint64_t half, std::uint64_t key) {
    std::uint64_t z = key + half * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }

  std::uint64_t size_;
  std::uint64_t seed_;
  std::uint32_t domain_;
  unsigned half_bits_ = 1;
  std::uint64_t pass_ = 0;
  bool keyed_ = false;
  std::array<std::uint64_t, kRounds> keys_{};
};

}  // namespace keras_ssl
