// Counter-based randomness: a draw is a pure function of
// (seed, stream, position, view, n). No state is kept, so any thread may
// compute any draw, in any order, and a run resumes from its step alone.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace keras_ssl {

using Counter = std::array<std::uint32_t, 4>;
using Key = std::array<std::uint32_t, 2>;

/// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2,
/// 3", 2011): four random words from a counter and a key.
inline Counter philox(Counter counter, Key key) {
  constexpr std::uint64_t kMultiplier0 = 0xD2511F53u;
  constexpr std::uint64_t kMultiplier1 = 0xCD9E8D57u;
  constexpr std::uint32_t kWeyl0 = 0x9E3779B9u;
  constexpr std::uint32_t kWeyl1 = 0xBB67AE85u;
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = kMultiplier0 * counter[0];
    const std::uint64_t product1 = kMultiplier1 * counter[2];
    counter = {static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key[0],
               static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key[1],
               static_cast<std::uint32_t>(product0)};
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
  return counter;
}

inline Key key_of_seed(std::uint64_t seed) {
  return {static_cast<std::uint32_t>(seed),
          static_cast<std::uint32_t>(seed >> 32)};
}

/// FNV-1a, 32 bits, of "stream/purpose". Keeps the draws of different views,
/// and those of the order, apart.
inline std::uint32_t domain_of(std::string_view stream,
                               std::string_view purpose) {
  std::uint32_t hash = 0x811C9DC5u;
  const auto absorb = [&hash](std::string_view text) {
    for (const char letter : text) {
      hash = (hash ^ static_cast<unsigned char>(letter)) * 0x01000193u;
    }
  };
  absorb(stream);
  absorb("/");
  absorb(purpose);
  return hash;
}

/// Uniform in [0, 1), in steps of 2^-32.
inline double uniform_of(std::uint32_t word) { return word * 0x1p-32; }

/// Uniform integer in [0, limit); the bias is below limit / 2^32.
inline std::uint32_t below_of(std::uint32_t word, std::uint32_t limit) {
  return static_cast<std::uint32_t>((std::uint64_t{word} * limit) >> 32);
}

/// The draws that belong to one image of one view. Draw n is word n % 4 of
/// the block with counter (position, domain, n / 4); the last block is kept
/// because neighboring draws are asked for together.
class Draws {
 public:
  Draws(std::uint64_t seed, std::uint32_t domain, std::uint64_t position)
      : key_(key_of_seed(seed)), domain_(domain), position_(position) {}

  /// Draws of their own, for what takes more than its share.
  Draws part(std::uint32_t number) const {
    Draws draws = *this;
    draws.domain_ ^= (number + 1) * 0x9E3779B9u;
    draws.filled_ = false;
    return draws;
  }

  double uniform(std::uint32_t n) { return uniform_of(word(n)); }
  std::uint32_t below(std::uint32_t n, std::uint32_t limit) {
    return below_of(word(n), limit);
  }
  std::uint32_t word(std::uint32_t n) {
    const std::uint32_t block = n / 4;
    if (!filled_ || block != block_) {
      words_ =
          philox({static_cast<std::uint32_t>(position_),
                  static_cast<std::uint32_t>(position_ >> 32), domain_, block},
                 key_);
      block_ = block;
      filled_ = true;
    }
    return words_[n % 4];
  }

 private:
  Key key_;
  std::uint32_t domain_;
  std::uint64_t position_;
  std::uint32_t block_ = 0;
  bool filled_ = false;
  Counter words_{};
};

}  // namespace keras_ssl
