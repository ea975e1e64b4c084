#include "pixel_ops.h"

#include <cstring>

#include "kernels.h"

namespace keras_ssl::KERAS_SSL_ISA {
namespace {

#ifdef KERAS_SSL_BYTE_PERMUTES

constexpr std::size_t kGroup = 16;  // pixels; as integers, one register

/// Orders of the bytes of 16 pixels. They stand ready in memory, as making one
/// costs more than what it is for.
struct Orders {
  alignas(64) std::uint8_t plane[3][64];    // a channel, to the lowest bytes
  alignas(64) std::uint8_t pair[2][64];     // two channels, as 16 bits each
  alignas(64) std::uint8_t interleave[64];  // from 16 bytes of each channel
};

constexpr Orders make_orders() {
  Orders orders{};
  for (std::size_t i = 0; i < kGroup; ++i) {
    for (std::size_t channel = 0; channel < 3; ++channel) {
      const auto place = static_cast<std::uint8_t>(3 * i + channel);
      orders.plane[channel][4 * i] = place;
      orders.interleave[place] = static_cast<std::uint8_t>(16 * channel + i);
      if (channel < 2) orders.pair[channel][4 * i] = place;
      if (channel > 0) orders.pair[channel - 1][4 * i + 2] = place;
    }
  }
  return orders;
}

constexpr Orders kOrders = make_orders();

inline __m512i ordered(const std::uint8_t* order, __mmask64 mask,
                       __m512i bytes) {
  return _mm512_maskz_permutexvar_epi8(mask, _mm512_load_si512(order), bytes);
}

inline __m512i load_group(const std::uint8_t* pixels) {
  return _mm512_maskz_loadu_epi8(first_bytes(3 * kGroup), pixels);
}

/// gray_of() of 16 pixels. Products of 16 bits are signed, so the weight of
/// green comes in two halves.
inline __m512i grays_of(__m512i pixels) {
  constexpr __mmask64 kWords = 0x5555555555555555u;
  const __m512i red_green = ordered(kOrders.pair[0], kWords, pixels);
  const __m512i green_blue = ordered(kOrders.pair[1], kWords, pixels);
  const __m512i sum = _mm512_add_epi32(
      _mm512_madd_epi16(red_green, _mm512_set1_epi32(19235 << 16 | 19595)),
      _mm512_madd_epi16(green_blue, _mm512_set1_epi32(7471 << 16 | 19235)));
  return _mm512_srli_epi32(_mm512_add_epi32(sum, _mm512_set1_epi32(32768)), 16);
}

/// blend() of 16 values.
inline __m128i blended(__m512i base, __m512i value, float factor) {
  const __m512 difference = _mm512_cvtepi32_ps(_mm512_sub_epi32(value, base));
  __m512 mixed =
      _mm512_add_ps(_mm512_cvtepi32_ps(base),
                    _mm512_mul_ps(_mm512_set1_ps(factor), difference));
  mixed = _mm512_min_ps(_mm512_max_ps(mixed, _mm512_setzero_ps()),
                        _mm512_set1_ps(255.0f));
  return _mm512_cvtepi32_epi8(_mm512_cvttps_epi32(mixed));
}

/// Whole groups of [0, count) bytes; returns how many bytes that were.
std::size_t add_grays(const std::uint8_t* pixels, std::size_t count,
                      std::uint64_t& sum) {
  std::size_t i = 0;
  __m512i sums = _mm512_setzero_si512();
  for (; i + 3 * kGroup <= count; i += 3 * kGroup) {
    // of pairs of 32 bits, one at a time holds its sum in 64
    const __m512i grays = grays_of(load_group(pixels + i));
    sums =
        _mm512_add_epi64(sums, _mm512_sad_epu8(grays, _mm512_setzero_si512()));
  }
  sum += static_cast<std::uint64_t>(_mm512_reduce_add_epi64(sums));
  return i;
}

std::size_t blend_with_grays(const std::uint8_t* in, std::uint8_t* out,
                             std::size_t count, float factor) {
  constexpr __mmask64 kLowBytes = 0x1111111111111111u;
  std::size_t i = 0;
  for (; i + 3 * kGroup <= count; i += 3 * kGroup) {
    const __m512i pixels = load_group(in + i);
    const __m512i grays = grays_of(pixels);
    const auto channel = [&](int number) {
      return blended(grays, ordered(kOrders.plane[number], kLowBytes, pixels),
                     factor);
    };
    __m512i bytes = _mm512_castsi128_si512(channel(0));
    bytes = _mm512_inserti32x4(bytes, channel(1), 1);
    bytes = _mm512_inserti32x4(bytes, channel(2), 2);
    const __mmask64 mask = first_bytes(3 * kGroup);
    _mm512_mask_storeu_epi8(out + i, mask,
                            ordered(kOrders.interleave, mask, bytes));
  }
  return i;
}

#else

std::size_t add_grays(const std::uint8_t*, std::size_t, std::uint64_t&) {
  return 0;
}

std::size_t blend_with_grays(const std::uint8_t*, std::uint8_t*, std::size_t,
                             float) {
  return 0;
}

#endif

/// The kernel is [1 1 1; 1 5 1; 1 1 1] / 13, rounded to nearest; a half never
/// occurs, so integers give what Pillow's single precision gives.
inline std::uint8_t sharpened(const std::uint8_t* above,
                              const std::uint8_t* here,
                              const std::uint8_t* below, std::ptrdiff_t step,
                              float factor) {
  const int sum = above[-step] + above[0] + above[step] + here[-step] +
                  5 * here[0] + here[step] + below[-step] + below[0] +
                  below[step];
  return blend((2 * sum + 13) / 26, here[0], factor);
}

constexpr std::ptrdiff_t kBlock = 32;

/// 32 bytes of sharpened().
void sharpen_block(const std::uint8_t* __restrict above,
                   const std::uint8_t* __restrict here,
                   const std::uint8_t* __restrict below,
                   std::uint8_t* __restrict to, std::ptrdiff_t step,
                   float factor) {
#ifdef KERAS_SSL_BYTE_PERMUTES
  const auto load = [](const std::uint8_t* bytes) {
    return _mm512_cvtepu8_epi16(
        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes)));
  };
  const auto three = [&](const std::uint8_t* bytes) {
    return _mm512_add_epi16(
        load(bytes), _mm512_add_epi16(load(bytes - step), load(bytes + step)));
  };
  __m512i sum = _mm512_add_epi16(three(above), three(below));
  sum = _mm512_add_epi16(sum, three(here));
  const __m512i value = load(here);
  sum = _mm512_add_epi16(sum, _mm512_slli_epi16(value, 2));
  // (2 sum + 13) / 26 = (sum + 6) / 13, and that by its inverse
  const __m512i smooth = _mm512_srli_epi16(
      _mm512_mulhi_epu16(_mm512_add_epi16(sum, _mm512_set1_epi16(6)),
                         _mm512_set1_epi16(20165)),
      2);
  const auto half = [](__m512i words, int number) {
    return _mm512_cvtepu16_epi32(number == 0
                                     ? _mm512_castsi512_si256(words)
                                     : _mm512_extracti64x4_epi64(words, 1));
  };
  for (int i = 0; i < 2; ++i) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 16 * i),
                     blended(half(smooth, i), half(value, i), factor));
  }
#else
  std::uint16_t smooth[kBlock];
  for (std::ptrdiff_t i = 0; i < kBlock; ++i) {
    const int sum = above[i - step] + above[i] + above[i + step] +
                    here[i - step] + 5 * here[i] + here[i + step] +
                    below[i - step] + below[i] + below[i + step];
    // 16 bits are enough, and twice as many at a time as 32
    smooth[i] = static_cast<std::uint16_t>(
        static_cast<std::uint16_t>(2 * sum + 13) / 26);
  }
  for (std::ptrdiff_t i = 0; i < kBlock; ++i) {
    to[i] = blend(smooth[i], here[i], factor);
  }
#endif
}

/// Blocks from the left, and a last one that ends with the row.
void sharpen_row(ConstImage in, std::uint8_t* to, int y, float factor) {
  const std::ptrdiff_t step = in.shape.channels;
  const std::ptrdiff_t end = static_cast<std::ptrdiff_t>(in.shape.row()) - step;
  const std::uint8_t* above = in.row(y - 1);
  const std::uint8_t* here = in.row(y);
  const std::uint8_t* below = in.row(y + 1);
  if (end - step < kBlock) {
    for (std::ptrdiff_t i = step; i < end; ++i) {
      to[i] = sharpened(above + i, here + i, below + i, step, factor);
    }
    return;
  }
  for (std::ptrdiff_t i = step; i < end; i += kBlock) {
    i = std::min(i, end - kBlock);
    sharpen_block(above + i, here + i, below + i, to + i, step, factor);
  }
}

}  // namespace

int mean_gray(ConstImage image) {
  const std::size_t count = image.shape.bytes();
  const std::uint8_t* pixels = image.pixels;
  std::uint64_t sum = 0;
  if (image.shape.channels == 1) {
    for (std::size_t i = 0; i < count; ++i) sum += pixels[i];
  } else {
    for (std::size_t i = add_grays(pixels, count, sum); i < count; i += 3) {
      sum += gray_of(pixels[i], pixels[i + 1], pixels[i + 2]);
    }
  }
  const auto number = static_cast<double>(
      count / static_cast<std::size_t>(image.shape.channels));
  return static_cast<int>(static_cast<double>(sum) / number + 0.5);
}

void color_rows(ConstImage in, Strip out, float factor) {
  const std::size_t count = out.bytes();
  const std::uint8_t* from = in.row(out.first);
  std::uint8_t* to = out.pixels;
  if (in.shape.channels == 1) {
    std::memcpy(to, from, count);
    return;
  }
  for (std::size_t i = blend_with_grays(from, to, count, factor); i < count;
       i += 3) {
    const int gray = gray_of(from[i], from[i + 1], from[i + 2]);
    to[i] = blend(gray, from[i], factor);
    to[i + 1] = blend(gray, from[i + 1], factor);
    to[i + 2] = blend(gray, from[i + 2], factor);
  }
}

void sharpness_rows(ConstImage in, Strip out, float factor) {
  const std::size_t row = in.shape.row();
  const auto step = static_cast<std::size_t>(in.shape.channels);
  for (int y = out.first; y < out.last; ++y) {
    std::uint8_t* to = out.row(y);
    // The border is not smoothed, so blending leaves it alone; an image too
    // small for the kernel is all border.
    if (y == 0 || y == in.shape.height - 1 || in.shape.width < 3) {
      std::memcpy(to, in.row(y), row);
      continue;
    }
    std::memcpy(to, in.row(y), step);
    sharpen_row(in, to, y, factor);
    std::memcpy(to + row - step, in.row(y) + row - step, step);
  }
}

}  // namespace keras_ssl::KERAS_SSL_ISA
