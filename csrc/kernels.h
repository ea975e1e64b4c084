// The innermost loops that a compiler does not vectorize by itself. Written
// with intrinsics where the instruction set has the right ones, plainly
// otherwise; the bytes are the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "isa.h"

#if defined(__SSE2__)
#include <immintrin.h>
#endif
#if defined(__AVX512BW__) && defined(__AVX512VBMI__)
#define KERAS_SSL_BYTE_PERMUTES 1
#endif

namespace keras_ssl::KERAS_SSL_ISA {
namespace {

using Table = std::uint8_t[256];

#ifdef KERAS_SSL_BYTE_PERMUTES

inline __mmask64 first_bytes(std::size_t count) {
  return count >= 64 ? ~__mmask64{0} : (__mmask64{1} << count) - 1;
}

/// 256 entries in four registers; 128 of them are one permutation away.
struct Entries {
  explicit Entries(const std::uint8_t* table)
      : a(_mm512_loadu_si512(table)),
        b(_mm512_loadu_si512(table + 64)),
        c(_mm512_loadu_si512(table + 128)),
        d(_mm512_loadu_si512(table + 192)) {}
  __m512i at(__m512i index) const {
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(index),
                                  _mm512_permutex2var_epi8(a, index, b),
                                  _mm512_permutex2var_epi8(c, index, d));
  }
  __m512i a, b, c, d;
};

#endif

/// out[i] = table[in[i]]; `out` may be `in`.
inline void look_up(const std::uint8_t* in, std::uint8_t* out,
                    std::size_t count, const Table& table) {
#ifdef KERAS_SSL_BYTE_PERMUTES
  const Entries entries(table);
  for (std::size_t i = 0; i < count; i += 64) {
    const __mmask64 mask = first_bytes(count - i);
    const __m512i index = _mm512_maskz_loadu_epi8(mask, in + i);
    _mm512_mask_storeu_epi8(out + i, mask, entries.at(index));
  }
#else
  for (std::size_t i = 0; i < count; ++i) out[i] = table[in[i]];
#endif
}

/// The same with a table for each of three interleaved channels; `in` begins
/// with the first of them, `count` is a multiple of three.
inline void look_up_3(const std::uint8_t* in, std::uint8_t* out,
                      std::size_t count, const Table* tables) {
#ifdef KERAS_SSL_BYTE_PERMUTES
  const Entries first(tables[0]);
  const Entries second(tables[1]);
  const Entries third(tables[2]);
  // Every third byte; the next block of 64 begins one channel later.
  constexpr __mmask64 kThird = 0x9249249249249249u;
  const auto at = [&](std::size_t i, __mmask64 ones, __mmask64 twos) {
    const __mmask64 mask = first_bytes(count - i);
    const __m512i index = _mm512_maskz_loadu_epi8(mask, in + i);
    __m512i value = first.at(index);
    value = _mm512_mask_mov_epi8(value, ones, second.at(index));
    value = _mm512_mask_mov_epi8(value, twos, third.at(index));
    _mm512_mask_storeu_epi8(out + i, mask, value);
  };
  for (std::size_t i = 0; i < count; i += 192) {
    at(i, kThird << 1, kThird << 2);
    if (i + 64 < count) at(i + 64, kThird, kThird << 1);
    if (i + 128 < count) at(i + 128, kThird << 2, kThird);
  }
#else
  for (std::size_t i = 0; i < count; i += 3) {
    out[i] = tables[0][in[i]];
    out[i + 1] = tables[1][in[i + 1]];
    out[i + 2] = tables[2][in[i + 2]];
  }
#endif
}

/// Short copies without a call; `to` and `from` do not overlap.
inline void copy_bytes(std::uint8_t* to, const std::uint8_t* from,
                       std::size_t count) {
  if (count > 512) {
    std::memcpy(to, from, count);
  } else if (count >= 32) {
    for (std::size_t i = 0; i + 32 <= count; i += 32) {
      std::memcpy(to + i, from + i, 32);
    }
    std::memcpy(to + count - 32, from + count - 32, 32);
  } else if (count >= 8) {
    for (std::size_t i = 0; i + 8 <= count; i += 8) {
      std::memcpy(to + i, from + i, 8);
    }
    std::memcpy(to + count - 8, from + count - 8, 8);
  } else {
    for (std::size_t i = 0; i < count; ++i) to[i] = from[i];
  }
}

/// Copies to memory that is not read again soon, past the caches: what is
/// written there need not be fetched first. stream_end() must follow before
/// another thread looks.
inline void stream_bytes(std::uint8_t* to, const std::uint8_t* from,
                         std::size_t count) {
#if defined(__SSE2__)
  const auto misplaced = reinterpret_cast<std::uintptr_t>(to) % 64;
  const std::size_t head = std::size_t{misplaced == 0 ? 0 : 64 - misplaced};
  if (head < count) {
    std::memcpy(to, from, head);
    std::size_t i = head;
    for (; i + 64 <= count; i += 64) {
      for (std::size_t k = 0; k < 64; k += 16) {
        _mm_stream_si128(
            reinterpret_cast<__m128i*>(to + i + k),
            _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i + k)));
      }
    }
    std::memcpy(to + i, from + i, count - i);
    return;
  }
#endif
  std::memcpy(to, from, count);
}

inline void stream_end() {
#if defined(__SSE2__)
  _mm_sfence();
#endif
}

/// `count` pixels in reverse order.
template <int kChannels>
void reverse_pixels(const std::uint8_t* from, std::uint8_t* to,
                    std::size_t count) {
  const std::uint8_t* end = from + count * kChannels;
#if defined(KERAS_SSL_BYTE_PERMUTES)
  constexpr std::size_t kPixels = 64 / kChannels;
  alignas(64) std::uint8_t order[64] = {};
  for (std::size_t i = 0; i < kPixels * kChannels; ++i) {
    order[i] = static_cast<std::uint8_t>(
        (kPixels - 1 - i / kChannels) * kChannels + i % kChannels);
  }
  const __m512i reversed = _mm512_load_si512(order);
  for (; count >= kPixels; count -= kPixels) {
    const __mmask64 mask = first_bytes(kPixels * kChannels);
    end -= kPixels * kChannels;
    const __m512i pixels = _mm512_maskz_loadu_epi8(mask, end);
    _mm512_mask_storeu_epi8(to, mask,
                            _mm512_permutexvar_epi8(reversed, pixels));
    to += kPixels * kChannels;
  }
#elif defined(__AVX2__)
  // The store of the sixteenth byte is made good by the next one, so one pixel
  // must follow.
  constexpr std::size_t kPixels = 16 / kChannels;
  const __m128i reversed =
      kChannels == 1
          ? _mm_setr_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
          : _mm_setr_epi8(13, 14, 15, 10, 11, 12, 7, 8, 9, 4, 5, 6, 1, 2, 3, 0);
  for (; count > kPixels; count -= kPixels) {
    end -= kPixels * kChannels;
    const __m128i pixels = _mm_loadu_si128(
        reinterpret_cast<const __m128i*>(end - (16 - kPixels * kChannels)));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to),
                     _mm_shuffle_epi8(pixels, reversed));
    to += kPixels * kChannels;
  }
#endif
  for (; count > 0; --count) {
    end -= kChannels;
    for (int channel = 0; channel < kChannels; ++channel) {
      to[channel] = end[channel];
    }
    to += kChannels;
  }
}

#ifdef KERAS_SSL_BYTE_PERMUTES

/// Rows of up to 128 bytes whose pixels are all moved in the same way: each is
/// a permutation of two registers.
class RowPermutation {
 public:
  /// Pixel x of a row comes from column columns[x], or is zero if that is
  /// negative. `width * channels` is at most 128.
  RowPermutation(const int* columns, int width, int channels) {
    alignas(64) std::uint8_t order[128] = {};
    int byte = 0;
    for (int x = 0; x < width; ++x) {
      const int first = columns[x] * channels;
      for (int channel = 0; channel < channels; ++channel, ++byte) {
        order[byte] = static_cast<std::uint8_t>(first + channel);
      }
    }
    const auto bytes = static_cast<std::size_t>(byte);
    order_[0] = _mm512_load_si512(order);
    order_[1] = _mm512_load_si512(order + 64);
    row_[0] = first_bytes(bytes);
    row_[1] = bytes > 64 ? first_bytes(bytes - 64) : 0;
    // What comes from outside has wrapped around to 128 or more.
    inside_[0] = row_[0] & ~_mm512_movepi8_mask(order_[0]);
    inside_[1] = row_[1] & ~_mm512_movepi8_mask(order_[1]);
  }

  void apply(const std::uint8_t* from, std::uint8_t* to) const {
    const __m512i low = _mm512_maskz_loadu_epi8(row_[0], from);
    if (row_[1] == 0) {
      return _mm512_mask_storeu_epi8(
          to, row_[0],
          _mm512_maskz_permutexvar_epi8(inside_[0], order_[0], low));
    }
    const __m512i high = _mm512_maskz_loadu_epi8(row_[1], from + 64);
    _mm512_mask_storeu_epi8(
        to, row_[0],
        _mm512_maskz_permutex2var_epi8(inside_[0], low, order_[0], high));
    _mm512_mask_storeu_epi8(
        to + 64, row_[1],
        _mm512_maskz_permutex2var_epi8(inside_[1], low, order_[1], high));
  }

 private:
  __m512i order_[2];
  __mmask64 row_[2];
  __mmask64 inside_[2];
};

#endif

}  // namespace
}  // namespace keras_ssl::KERAS_SSL_ISA
