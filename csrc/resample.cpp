#include "resample.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "resample_weights.h"
#include "turn_ops.h"

namespace keras_ssl::KERAS_SSL_ISA {
namespace {

/// A rectangle of an image.
struct Window {
  const std::uint8_t* pixels;
  std::size_t stride;  // bytes from row to row
  Shape shape;

  const std::uint8_t* row(int y) const {
    return pixels + static_cast<std::size_t>(y) * stride;
  }
};

Window window_of(ConstImage in, int left, int top, int width, int height) {
  return {in.row(top) + left * in.shape.channels,
          in.shape.row(),
          {height, width, in.shape.channels}};
}

void copy(const Window& in, Image out) {
  for (int y = 0; y < out.shape.height; ++y) {
    std::memcpy(out.row(y), in.row(y), out.shape.row());
  }
}

/// Resamples the columns of `in`: turned into rows, weighed, turned back.
void weigh_columns(const Window& in, const Weights& weights, int width,
                   std::uint8_t* to, Workspace& workspace) {
  const Shape& shape = in.shape;
  const auto column = static_cast<std::size_t>(shape.height * shape.channels);
  auto* const columns = workspace.array<std::uint8_t>(shape.bytes());
  auto* const weighed =
      workspace.array<std::uint8_t>(static_cast<std::size_t>(width) * column);
  transpose(in.pixels, in.stride, shape, columns);
  weigh(columns, column, weights, width, column, weighed, workspace);
  transpose(weighed, column, {width, shape.height, shape.channels}, to);
}

/// Where each of `to` pixels comes from; -1 stands for outside. Pillow adds
/// the steps up, which may round where a multiplication would not.
int* nearest_places(float begin, float end, int from, int to,
                    Workspace& workspace) {
  int* const places = workspace.array<int>(static_cast<std::size_t>(to));
  const double step = static_cast<double>(end - begin) / to;
  double place = begin + step * 0.5;
  for (int i = 0; i < to; ++i, place += step) {
    places[i] = place < 0.0 || place >= from ? -1 : static_cast<int>(place);
  }
  return places;
}

template <int kChannels>
void resize_nearest(const Window& in, Image out, const int* columns,
                    const int* rows) {
  for (int y = 0; y < out.shape.height; ++y) {
    std::uint8_t* const to = out.row(y);
    if (rows[y] < 0) {
      std::memset(to, 0, out.shape.row());
      continue;
    }
    if (y > 0 && rows[y] == rows[y - 1]) {
      std::memcpy(to, out.row(y - 1), out.shape.row());
      continue;
    }
    const std::uint8_t* const from = in.row(rows[y]);
    for (int x = 0; x < out.shape.width; ++x) {
      for (int c = 0; c < kChannels; ++c) {
        to[x * kChannels + c] =
            columns[x] < 0 ? std::uint8_t{0} : from[columns[x] * kChannels + c];
      }
    }
  }
}

void resize_nearest(const Window& in, Image out, const Box& box,
                    Workspace& workspace) {
  const int* const columns = nearest_places(box.left, box.right, in.shape.width,
                                            out.shape.width, workspace);
  const int* const rows = nearest_places(box.top, box.bottom, in.shape.height,
                                         out.shape.height, workspace);
  if (in.shape.channels == 1) {
    resize_nearest<1>(in, out, columns, rows);
  } else {
    resize_nearest<3>(in, out, columns, rows);
  }
}

bool whole(float value) { return value == std::floor(value); }

/// Resamples both ways, rounded to bytes in between.
class TwoPasses {
 public:
  TwoPasses(const Window& in, Image out, const Weights& columns,
            const Weights& rows, Workspace& workspace)
      : in_(in),
        out_(out),
        columns_(columns),
        rows_(rows),
        workspace_(workspace) {}

  /// Of the columns only the part that is needed.
  void columns_first() {
    const Shape& to = out_.shape;
    const int first = rows_.first[0];
    const int last = rows_.first[to.height - 1] + rows_.count[to.height - 1];
    in_.pixels = in_.row(first);
    in_.shape.height = last - first;
    std::uint8_t* const between = bytes(in_.shape.height, to.width);
    weigh_columns(in_, columns_, to.width, between, workspace_);
    for (int y = 0; y < to.height; ++y) rows_.first[y] -= first;
    weigh(between, to.row(), rows_, to.height, to.row(), out_.pixels,
          workspace_);
  }

  void rows_first() {
    const Shape& to = out_.shape;
    const Shape between = {to.height, in_.shape.width, to.channels};
    std::uint8_t* const pixels = bytes(between.height, between.width);
    weigh(in_.pixels, in_.stride, rows_, to.height, between.row(), pixels,
          workspace_);
    weigh_columns({pixels, between.row(), between}, columns_, to.width,
                  out_.pixels, workspace_);
  }

 private:
  std::uint8_t* bytes(int height, int width) {
    return workspace_.array<std::uint8_t>(
        Shape{height, width, out_.shape.channels}.bytes());
  }

  Window in_;
  Image out_;
  Weights columns_;
  Weights rows_;
  Workspace& workspace_;
};

void resize_filtered(const Window& in, Image out, const Box& box, Filter filter,
                     Workspace& workspace) {
  const Shape& from = in.shape;
  const Shape& to = out.shape;
  const bool across = to.width != from.width || box.left != 0 ||
                      box.right != static_cast<float>(to.width);
  const bool down = to.height != from.height || box.top != 0 ||
                    box.bottom != static_cast<float>(to.height);
  const bool square = from.width == from.height && to.width == to.height &&
                      box.left == box.top && box.right == box.bottom;
  const Weights columns =
      weights_of(filter, from.width, box.left, box.right, to.width, workspace);
  if (!down) {
    return weigh_columns(in, columns, to.width, out.pixels, workspace);
  }
  const Weights rows = square ? columns
                              : weights_of(filter, from.height, box.top,
                                           box.bottom, to.height, workspace);
  if (!across) {
    return weigh(in.pixels, in.stride, rows, to.height, to.row(), out.pixels,
                 workspace);
  }
  TwoPasses passes(in, out, columns, rows, workspace);
  // Pillow's choice, since version 13.
  const int shorter = from.height - to.height;
  if (shorter > 0 && shorter > 2 * (from.width - to.width)) {
    passes.rows_first();
  } else {
    passes.columns_first();
  }
}

void resize(const Window& in, Image out, const Box& box, Filter filter,
            Workspace& workspace) {
  const float width = box.right - box.left;
  const float height = box.bottom - box.top;
  if (whole(box.left) && whole(box.top) &&
      width == static_cast<float>(out.shape.width) &&
      height == static_cast<float>(out.shape.height)) {
    const Window part = {in.row(static_cast<int>(box.top)) +
                             static_cast<int>(box.left) * in.shape.channels,
                         in.stride, out.shape};
    return copy(part, out);
  }
  if (filter == Filter::kNearest) {
    return resize_nearest(in, out, box, workspace);
  }
  resize_filtered(in, out, box, filter, workspace);
}

/// Python's round(): halves to even.
int rounded(double value) { return static_cast<int>(std::nearbyint(value)); }

}  // namespace

void resize(ConstImage in, Image out, const Box& box, Filter filter,
            Workspace& workspace) {
  resize(window_of(in, 0, 0, in.shape.width, in.shape.height), out, box, filter,
         workspace);
}

void rescale(ConstImage in, Image out, double fraction, Filter filter,
             Workspace& workspace) {
  const int left = rounded(fraction * in.shape.width);
  const int top = rounded(fraction * in.shape.height);
  const int width = rounded(in.shape.width * (1.0 - fraction)) - left;
  const int height = rounded(in.shape.height * (1.0 - fraction)) - top;
  resize(window_of(in, left, top, width, height), out,
         {0.0f, 0.0f, static_cast<float>(width), static_cast<float>(height)},
         filter, workspace);
}

}  // namespace keras_ssl::KERAS_SSL_ISA
