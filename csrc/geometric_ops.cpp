#include "geometric_ops.h"

#include <cmath>
#include <utility>

#include "kernels.h"
#include "rotation.h"

namespace keras_ssl::KERAS_SSL_ISA {
namespace {

int fixed_point(double value) {
  return static_cast<int>(std::floor(value * 65536.0 + 0.5));
}

/// Bytes [0, row) of `to` are those `shift` further on in `from`, or zero.
void shift_row(const std::uint8_t* from, std::uint8_t* to, std::ptrdiff_t row,
               std::ptrdiff_t shift) {
  const std::ptrdiff_t begin =
      std::min(std::max<std::ptrdiff_t>(-shift, 0), row);
  const std::ptrdiff_t end = std::max(std::min(row - shift, row), begin);
#ifdef KERAS_SSL_BYTE_PERMUTES
  if (row <= 128) {
    const auto bytes = [](std::ptrdiff_t count) {
      return count <= 0 ? 0 : first_bytes(static_cast<std::size_t>(count));
    };
    for (std::ptrdiff_t i = 0; i < row; i += 64) {
      const __mmask64 mask = bytes(end - i) & ~bytes(begin - i);
      _mm512_mask_storeu_epi8(to + i, bytes(row - i),
                              _mm512_maskz_loadu_epi8(mask, from + i + shift));
    }
    return;
  }
#endif
  std::memset(to, 0, static_cast<std::size_t>(begin));
  if (end > begin) {
    copy_bytes(to + begin, from + begin + shift,
               static_cast<std::size_t>(end - begin));
  }
  std::memset(to + end, 0, static_cast<std::size_t>(row - end));
}

/// Bytes [first, last) of a row come from `shift` rows further down.
struct Run {
  std::size_t first, last;
  int shift;
};

std::size_t find_runs(double factor, const Shape& shape, Run* runs) {
  const int start = fixed_point(factor * 0.5 + 0.5);
  const int step = fixed_point(factor);
  const auto bytes = static_cast<std::size_t>(shape.channels);
  std::size_t count = 0;
  for (int x = 0; x < shape.width; ++x) {
    const int shift = (start + x * step) >> 16;
    const std::size_t first = static_cast<std::size_t>(x) * bytes;
    if (count == 0 || runs[count - 1].shift != shift) {
      runs[count++] = {first, first, shift};
    }
    runs[count - 1].last = first + bytes;
  }
  return count;
}

#ifdef KERAS_SSL_BYTE_PERMUTES

/// One block of 64 bytes of every row, put together in a register.
void shear_block(ConstImage in, Strip out, const Run* runs, std::size_t count,
                 std::size_t block) {
  __mmask64 masks[64];
  const auto bytes = [block](std::size_t end) {
    return end <= block ? 0 : first_bytes(end - block);
  };
  std::size_t begin = 0;
  std::size_t end = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (runs[i].last <= block) begin = end = i + 1;
    if (runs[i].last <= block || runs[i].first >= block + 64) continue;
    end = i + 1;
    masks[i - begin] = bytes(runs[i].last) & ~bytes(runs[i].first);
  }
  const __mmask64 row = bytes(in.shape.row());
  for (int y = out.first; y < out.last; ++y) {
    __m512i pixels = _mm512_setzero_si512();
    for (std::size_t i = begin; i < end; ++i) {
      const int from = y + runs[i].shift;
      if (static_cast<unsigned>(from) >=
          static_cast<unsigned>(in.shape.height)) {
        continue;
      }
      pixels = _mm512_mask_loadu_epi8(pixels, masks[i - begin],
                                      in.row(from) + block);
    }
    _mm512_mask_storeu_epi8(out.row(y) + block, row, pixels);
  }
}

#endif

template <int kChannels>
void rotate_row(ConstImage in, std::uint8_t* to, int x, int y, int step_x,
                int step_y, bool last_row, int* offsets) {
  const int width = in.shape.width;
  const int height = in.shape.height;
  const auto outside = static_cast<int>(in.shape.bytes());
  const int row = width * kChannels;
  for (int i = 0; i < width; ++i) {
    // A negative coordinate turns into a huge one, which is outside too.
    const int from_x = (x + i * step_x) >> 16;
    const int from_y = (y + i * step_y) >> 16;
    const bool inside =
        (static_cast<unsigned>(from_x) < static_cast<unsigned>(width)) &
        (static_cast<unsigned>(from_y) < static_cast<unsigned>(height));
    offsets[i] = inside ? from_y * row + from_x * kChannels : outside;
  }
  if (kChannels == 1) {
    for (int i = 0; i < width; ++i) to[i] = in.pixels[offsets[i]];
    return;
  }
  // Four bytes at a time; the fourth is made good by the next pixel.
  const int wide = last_row ? width - 1 : width;
  for (int i = 0; i < wide; ++i) {
    std::memcpy(to + 3 * i, in.pixels + offsets[i], 4);
  }
  if (last_row) std::memcpy(to + 3 * wide, in.pixels + offsets[wide], 3);
}

}  // namespace

void shear_x_rows(ConstImage in, Strip out, double factor) {
  const int start = fixed_point(0.5 + factor * 0.5);
  const int step = fixed_point(factor);
  const auto row = static_cast<std::ptrdiff_t>(in.shape.row());
  for (int y = out.first; y < out.last; ++y) {
    const int shift = (start + y * step) >> 16;
    shift_row(in.row(y), out.row(y), row,
              std::ptrdiff_t{shift} * in.shape.channels);
  }
}

void shear_y_rows(ConstImage in, Strip out, double factor,
                  Workspace& workspace) {
  auto* runs = workspace.array<Run>(static_cast<std::size_t>(in.shape.width));
  const std::size_t count = find_runs(factor, in.shape, runs);
#ifdef KERAS_SSL_BYTE_PERMUTES
  for (std::size_t block = 0; block < in.shape.row(); block += 64) {
    shear_block(in, out, runs, count, block);
  }
#else
  for (int y = out.first; y < out.last; ++y) {
    std::uint8_t* to = out.row(y);
    for (std::size_t i = 0; i < count; ++i) {
      const Run& run = runs[i];
      const int from = y + run.shift;
      if (from < 0 || from >= in.shape.height) {
        std::memset(to + run.first, 0, run.last - run.first);
      } else {
        copy_bytes(to + run.first, in.row(from) + run.first,
                   run.last - run.first);
      }
    }
  }
#endif
}

void rotate_rows(ConstImage in, Strip out, double degrees,
                 Workspace& workspace) {
  const AffineMap map = rotation(reduced_angle(degrees), in.shape);
  // Pillow walks the source in 16.16 fixed point; floating point would pick
  // another pixel now and then.
  const int start_x = fixed_point(map.c + map.a * 0.5 + map.b * 0.5);
  const int start_y = fixed_point(map.f + map.d * 0.5 + map.e * 0.5);
  const int along_x = fixed_point(map.a);
  const int along_y = fixed_point(map.d);
  const int down_x = fixed_point(map.b);
  const int down_y = fixed_point(map.e);
  int* offsets = workspace.array<int>(static_cast<std::size_t>(in.shape.width));
  for (int y = out.first; y < out.last; ++y) {
    const int x_of_row = start_x + y * down_x;
    const int y_of_row = start_y + y * down_y;
    const bool last_row = y + 1 == out.last;
    if (in.shape.channels == 1) {
      rotate_row<1>(in, out.row(y), x_of_row, y_of_row, along_x, along_y,
                    last_row, offsets);
    } else {
      rotate_row<3>(in, out.row(y), x_of_row, y_of_row, along_x, along_y,
                    last_row, offsets);
    }
  }
}

}  // namespace keras_ssl::KERAS_SSL_ISA
