#include "axis_map.h"

#include "kernels.h"
#include "rotation.h"

namespace keras_ssl::KERAS_SSL_ISA {
namespace {

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

}  // namespace keras_ssl::KERAS_SSL_ISA
