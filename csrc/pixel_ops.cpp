#include "pixel_ops.h"

#include <cstring>

#include "kernels.h"

namespace keras_ssl::KERAS_SSL_ISA {
namespace {

/// 16 pixels as planes, which is what a compiler makes vectors of.
constexpr std::size_t kGroup = 16;
using Plane = int[kGroup];

#ifdef KERAS_SSL_BYTE_PERMUTES

/// Places of a channel in 16 interleaved pixels, as the low bytes of 32 bits.
inline __m512i plane_order(int channel) {
  alignas(64) std::uint8_t order[64] = {};
  for (std::size_t i = 0; i < kGroup; ++i) {
    order[4 * i] = static_cast<std::uint8_t>(3 * i + channel);
  }
  return _mm512_load_si512(order);
}

inline void read_planes(const std::uint8_t* pixels, Plane* planes) {
  constexpr __mmask64 kLowBytes = 0x1111111111111111u;
  const __m512i bytes = _mm512_maskz_loadu_epi8(first_bytes(48), pixels);
  for (int channel = 0; channel < 3; ++channel) {
    _mm512_store_si512(
        planes[channel],
        _mm512_maskz_permutexvar_epi8(kLowBytes, plane_order(channel), bytes));
  }
}

inline void write_planes(const Plane* planes, std::uint8_t* pixels) {
  // 16 bytes of each channel side by side, then interleaved.
  alignas(64) std::uint8_t order[64] = {};
  for (std::size_t i = 0; i < 48; ++i) {
    order[i] = static_cast<std::uint8_t>(16 * (i % 3) + i / 3);
  }
  __m512i bytes = _mm512_castsi128_si512(
      _mm512_cvtepi32_epi8(_mm512_load_si512(planes[0])));
  bytes = _mm512_inserti32x4(
      bytes, _mm512_cvtepi32_epi8(_mm512_load_si512(planes[1])), 1);
  bytes = _mm512_inserti32x4(
      bytes, _mm512_cvtepi32_epi8(_mm512_load_si512(planes[2])), 2);
  _mm512_mask_storeu_epi8(
      pixels, first_bytes(48),
      _mm512_permutexvar_epi8(_mm512_load_si512(order), bytes));
}

#else

inline void read_planes(const std::uint8_t* pixels, Plane* planes) {
  for (std::size_t i = 0; i < kGroup; ++i) {
    planes[0][i] = pixels[3 * i];
    planes[1][i] = pixels[3 * i + 1];
    planes[2][i] = pixels[3 * i + 2];
  }
}

inline void write_planes(const Plane* planes, std::uint8_t* pixels) {
  for (std::size_t i = 0; i < kGroup; ++i) {
    pixels[3 * i] = static_cast<std::uint8_t>(planes[0][i]);
    pixels[3 * i + 1] = static_cast<std::uint8_t>(planes[1][i]);
    pixels[3 * i + 2] = static_cast<std::uint8_t>(planes[2][i]);
  }
}

#endif

/// Blends the inner part of a row with its smoothed version. The kernel is
/// [1 1 1; 1 5 1; 1 1 1] / 13, rounded to nearest; a half never occurs, so
/// integers give what Pillow's single precision gives.
void sharpen(const std::uint8_t* __restrict above,
             const std::uint8_t* __restrict here,
             const std::uint8_t* __restrict below, std::uint8_t* __restrict to,
             std::size_t step, std::size_t end, float factor) {
  for (std::size_t i = step; i < end; ++i) {
    const int sum = above[i - step] + above[i] + above[i + step] +
                    here[i - step] + 5 * here[i] + here[i + step] +
                    below[i - step] + below[i] + below[i + step];
    const auto doubled = static_cast<std::uint16_t>(2 * sum + 13);
    to[i] = blend(doubled / 26, here[i], factor);
  }
}

/// Columns [left, right) of rows [top, bottom).
struct Rectangle {
  int left, top, right, bottom;
};

/// Pillow's rectangle of real corners: they are truncated, and it includes all
/// of them.
Rectangle square(const Shape& shape, double side, double center_x,
                 double center_y) {
  if (side <= 0.0) return {0, 0, 0, 0};
  const int left = static_cast<int>(std::max(0.0, center_x - side / 2));
  const int top = static_cast<int>(std::max(0.0, center_y - side / 2));
  const int right =
      static_cast<int>(std::min<double>(shape.width, left + side));
  const int bottom =
      static_cast<int>(std::min<double>(shape.height, top + side));
  return {left, top, std::min(right + 1, shape.width),
          std::min(bottom + 1, shape.height)};
}

struct Color {
  std::uint8_t red, green, blue;
};

void paint(Image image, const Rectangle& place, const Color& color) {
  if (place.left >= place.right || place.top >= place.bottom) return;
  const auto step = static_cast<std::size_t>(image.shape.channels);
  const std::size_t begin = static_cast<std::size_t>(place.left) * step;
  const std::size_t bytes =
      static_cast<std::size_t>(place.right) * step - begin;
  std::uint8_t* const painted = image.row(place.top) + begin;
  if (step == 1) {
    std::memset(painted, gray_of(color.red, color.green, color.blue), bytes);
  } else {
    for (std::size_t i = 0; i < bytes; i += 3) {
      painted[i] = color.red;
      painted[i + 1] = color.green;
      painted[i + 2] = color.blue;
    }
  }
  for (int y = place.top + 1; y < place.bottom; ++y) {
    copy_bytes(image.row(y) + begin, painted, bytes);
  }
}

}  // namespace

int mean_gray(ConstImage image) {
  const std::size_t count = image.shape.bytes();
  const std::uint8_t* pixels = image.pixels;
  std::uint64_t sum = 0;
  std::size_t i = 0;
  if (image.shape.channels == 1) {
    for (; i < count; ++i) sum += pixels[i];
  } else {
    while (i + 3 * kGroup <= count) {
      // 32 bits hold the grays of 4096 groups
      std::uint32_t grays[kGroup] = {};
      for (int group = 0; group < 4096 && i + 3 * kGroup <= count; ++group) {
        alignas(64) Plane planes[3];
        read_planes(pixels + i, planes);
        for (std::size_t k = 0; k < kGroup; ++k) {
          grays[k] += static_cast<std::uint32_t>(
              (19595 * planes[0][k] + 38470 * planes[1][k] +
               7471 * planes[2][k] + 32768) >>
              16);
        }
        i += 3 * kGroup;
      }
      for (const std::uint32_t gray : grays) sum += gray;
    }
    for (; i < count; i += 3) {
      sum += gray_of(pixels[i], pixels[i + 1], pixels[i + 2]);
    }
  }
  const auto number = static_cast<double>(
      count / static_cast<std::size_t>(image.shape.channels));
  return static_cast<int>(static_cast<double>(sum) / number + 0.5);
}

void color_rows(ConstImage in, Image out, float factor, int first, int last) {
  const std::size_t row = in.shape.row();
  const std::size_t end = static_cast<std::size_t>(last) * row;
  std::size_t i = static_cast<std::size_t>(first) * row;
  if (in.shape.channels == 1) {
    std::memcpy(out.pixels + i, in.pixels + i, end - i);
    return;
  }
  for (; i + 3 * kGroup <= end; i += 3 * kGroup) {
    alignas(64) Plane planes[3];
    read_planes(in.pixels + i, planes);
    for (std::size_t k = 0; k < kGroup; ++k) {
      const int gray = (19595 * planes[0][k] + 38470 * planes[1][k] +
                        7471 * planes[2][k] + 32768) >>
                       16;
      planes[0][k] = blend(gray, planes[0][k], factor);
      planes[1][k] = blend(gray, planes[1][k], factor);
      planes[2][k] = blend(gray, planes[2][k], factor);
    }
    write_planes(planes, out.pixels + i);
  }
  for (; i < end; i += 3) {
    const std::uint8_t* pixel = in.pixels + i;
    const int gray = gray_of(pixel[0], pixel[1], pixel[2]);
    for (std::size_t channel = 0; channel < 3; ++channel) {
      out.pixels[i + channel] = blend(gray, pixel[channel], factor);
    }
  }
}

void sharpness_rows(ConstImage in, Image out, float factor, int first,
                    int last) {
  const std::size_t row = in.shape.row();
  const auto step = static_cast<std::size_t>(in.shape.channels);
  for (int y = first; y < last; ++y) {
    // The border is not smoothed, so blending leaves it alone; an image too
    // small for the kernel is all border.
    if (y == 0 || y == in.shape.height - 1 || in.shape.width < 3) {
      std::memcpy(out.row(y), in.row(y), row);
      continue;
    }
    std::memcpy(out.row(y), in.row(y), step);
    sharpen(in.row(y - 1), in.row(y), in.row(y + 1), out.row(y), step,
            row - step, factor);
    std::memcpy(out.row(y) + row - step, in.row(y) + row - step, step);
  }
}

void cutout(Image image, double side, double center_x, double center_y) {
  paint(image, square(image.shape, side, center_x, center_y), {125, 123, 114});
}

void cutout_gray(Image image, double side, double center_x, double center_y) {
  paint(image, square(image.shape, side, center_x, center_y), {127, 127, 127});
}

void cutout_box(Image image, int side, int center_x, int center_y) {
  const int half = side / 2;
  paint(image,
        {std::max(0, center_x - half), std::max(0, center_y - half),
         std::min(image.shape.width, center_x + half),
         std::min(image.shape.height, center_y + half)},
        {127, 127, 127});
}

}  // namespace keras_ssl::KERAS_SSL_ISA
