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

/// Where a translation takes each place from. Adding up, as Pillow does, may
/// round where a multiplication would not.
void fill_translated(double offset, int length, int* places) {
  double place = offset + 0.5;
  for (int i = 0; i < length; ++i) {
    const bool inside = place >= 0.0 && place < length;
    places[i] = inside ? static_cast<int>(place) : -1;
    place += 1.0;
  }
}

void fill_shifted(int offset, int length, int* places) {
  for (int i = 0; i < length; ++i) {
    const int place = i + offset;
    places[i] = place >= 0 && place < length ? place : -1;
  }
}

/// Beyond the edge the image continues as its mirror image.
void fill_reflected(int offset, int length, int* places) {
  for (int i = 0; i < length; ++i) {
    int place = i + offset;
    if (place < 0) place = -place;
    if (place >= length) place = 2 * length - 2 - place;
    places[i] = place;
  }
}

void fill_reversed(int length, int* places) {
  for (int i = 0; i < length; ++i) places[i] = length - 1 - i;
}

/// Bytes `to` and on of a row are `bytes` ones from `from`: zeros, a copy, or
/// pixels in reverse.
struct Span {
  enum Kind { kZero, kCopy, kReverse } kind;
  std::size_t to, from, pixels;
};

/// Cuts the columns into runs that rise or fall by one.
std::size_t find_spans(const int* columns, int width, Span* spans) {
  std::size_t count = 0;
  for (int x = 0; x < width;) {
    const int first = columns[x];
    const int step = first < 0 || x + 1 == width ? 0 : columns[x + 1] - first;
    int end = x + 1;
    if (first < 0) {
      while (end < width && columns[end] < 0) ++end;
    } else if (step == 1 || step == -1) {
      while (end < width && columns[end] >= 0 &&
             columns[end] == columns[end - 1] + step) {
        ++end;
      }
    }
    const int lowest = step == -1 ? columns[end - 1] : first;
    spans[count++] = {first < 0    ? Span::kZero
                      : step == -1 ? Span::kReverse
                                   : Span::kCopy,
                      static_cast<std::size_t>(x),
                      static_cast<std::size_t>(lowest < 0 ? 0 : lowest),
                      static_cast<std::size_t>(end - x)};
    x = end;
  }
  return count;
}

template <int kChannels>
void apply_span(const Span& span, const std::uint8_t* from, std::uint8_t* to) {
  to += span.to * kChannels;
  from += span.from * kChannels;
  switch (span.kind) {
    case Span::kZero:
      std::memset(to, 0, span.pixels * kChannels);
      break;
    case Span::kCopy:
      copy_bytes(to, from, span.pixels * kChannels);
      break;
    case Span::kReverse:
      reverse_pixels<kChannels>(from, to, span.pixels);
      break;
  }
}

/// Moves the columns of the rows that `rows` names; a negative one is zeros.
template <int kChannels>
void move_columns(const Span* spans, std::size_t count, const int* rows,
                  ConstImage in, Strip out) {
  for (int y = out.first; y < out.last; ++y) {
    if (rows[y] < 0) {
      std::memset(out.row(y), 0, in.shape.row());
      continue;
    }
    for (std::size_t i = 0; i < count; ++i) {
      apply_span<kChannels>(spans[i], in.row(rows[y]), out.row(y));
    }
  }
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

bool AxisMap::holds(OpKind kind, const Values& values) {
  switch (kind) {
    case OpKind::kFlip:
    case OpKind::kCrop:
    case OpKind::kTranslateX:
    case OpKind::kTranslateY:
    case OpKind::kShiftX:
    case OpKind::kShiftY:
      return true;
    case OpKind::kRotate:  // Pillow moves whole pixels at these angles
      return reduced_angle(values[0]) == 0.0 ||
             reduced_angle(values[0]) == 180.0;
    default:
      return false;
  }
}

void AxisMap::add(OpKind kind, const Values& values, const Shape& shape,
                  Scratch& scratch) {
  const int height = shape.height;
  const int width = shape.width;
  const auto count = static_cast<std::size_t>(height + width);
  int* rows = scratch.ints(Scratch::kMap, count);
  if (rows == rows_) rows = scratch.ints(Scratch::kOtherMap, count);
  int* columns = rows + height;
  const auto part = [&values](int side) { return values[0] * side; };
  fill_shifted(0, height, rows);
  fill_shifted(0, width, columns);
  switch (kind) {
    case OpKind::kFlip:
      fill_reversed(width, columns);
      break;
    case OpKind::kCrop:
      fill_reflected(static_cast<int>(values[0]), height, rows);
      fill_reflected(static_cast<int>(values[1]), width, columns);
      break;
    case OpKind::kTranslateX:
      fill_translated(part(width), width, columns);
      break;
    case OpKind::kTranslateY:
      fill_translated(part(height), height, rows);
      break;
    case OpKind::kShiftX:
      fill_shifted(static_cast<int>(values[0]), width, columns);
      break;
    case OpKind::kShiftY:
      fill_shifted(static_cast<int>(values[0]), height, rows);
      break;
    default:  // half a turn, or none
      if (reduced_angle(values[0]) == 180.0) {
        fill_reversed(height, rows);
        fill_reversed(width, columns);
      }
      break;
  }
  if (!empty_) {
    for (int y = 0; y < height; ++y)
      rows[y] = rows[y] < 0 ? -1 : rows_[rows[y]];
    for (int x = 0; x < width; ++x) {
      columns[x] = columns[x] < 0 ? -1 : columns_[columns[x]];
    }
  }
  rows_ = rows;
  columns_ = columns;
  empty_ = false;
  is_cut_ = false;
}

void AxisMap::apply(ConstImage in, Strip out, Scratch& scratch) {
  const int width = in.shape.width;
  const int channels = in.shape.channels;
#ifdef KERAS_SSL_BYTE_PERMUTES
  if (in.shape.row() <= 128) {
    const RowPermutation permutation(columns_, width, channels);
    const int* rows = rows_;
    for (int y = out.first; y < out.last; ++y) {
      if (rows[y] < 0) {
        std::memset(out.row(y), 0, in.shape.row());
      } else {
        permutation.apply(in.row(rows[y]), out.row(y));
      }
    }
    return;
  }
#endif
  auto* spans = reinterpret_cast<Span*>(scratch.bytes(
      Scratch::kSpans, static_cast<std::size_t>(width) * sizeof(Span)));
  if (!is_cut_) spans_ = find_spans(columns_, width, spans);
  is_cut_ = true;
  if (channels == 1) {
    move_columns<1>(spans, spans_, rows_, in, out);
  } else {
    move_columns<3>(spans, spans_, rows_, in, out);
  }
}

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
