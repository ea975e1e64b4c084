#include "chain.h"

#include <algorithm>
#include <cstring>

#include "geometric_ops.h"
#include "pixel_ops.h"
#include "tables.h"

namespace keras_ssl::KERAS_SSL_ISA {
namespace {

/// What a pass makes of a strip before the tables follow stays in the nearest
/// cache.
constexpr std::size_t kStripBytes = 16384;

/// Ops that make each row from whatever rows of the image, so that they need
/// other memory to write to.
bool moves_pixels(const Application& op) {
  switch (op.kind) {
    case OpKind::kColor:
    case OpKind::kSharpness:
    case OpKind::kShearX:
    case OpKind::kShearY:
    case OpKind::kRotate:
      return true;
    default:
      return AxisMap::holds(op.kind, op.values);
  }
}

/// Where the image stands, and what is decided but not done yet: one op that
/// moves pixels, or a map, and the tables after it. They are done together,
/// strip by strip.
class Chain {
 public:
  Chain(const Application* last, ConstImage source, Image out, Scratch& scratch)
      : last_(last), out_(out), scratch_(scratch), now_(source) {}

  /// `op` is one of the list that ends at `last`.
  void add(const Application& op) {
    if (op.kind == OpKind::kIdentity) return;
    if (Tables::holds(op.kind)) return tables_.add(op.kind, op.values);
    if (AxisMap::holds(op.kind, op.values)) {
      if (mover_ != nullptr || !tables_.empty()) settle(op);
      map_.add(op.kind, op.values, now_.shape, scratch_);
    } else if (Tables::needs_image(op.kind)) {
      settle(op);
      tables_.add(op.kind, op.values, now_);
    } else if (moves_pixels(op)) {
      settle(op);
      if (op.kind == OpKind::kRotate) widen();
      mover_ = &op;
    } else {
      settle(op);
      paint(op);
    }
  }

  void finish() {
    if (pending() || now_.pixels != out_.pixels) pass(out_);
  }

 private:
  bool pending() const {
    return mover_ != nullptr || !map_.empty() || !tables_.empty();
  }

  /// Does what is pending, before `next`.
  void settle(const Application& next) {
    if (pending()) pass(target(next));
  }

  /// What moves pixels later on will leave the memory it reads; whatever comes
  /// after the last of them stays where the result is wanted.
  Image target(const Application& next) {
    if (std::none_of(&next, last_, moves_pixels)) return out_;
    const Image first = scratch_.image(Scratch::kFirstImage, now_.shape);
    if (now_.pixels != first.pixels) return first;
    return scratch_.image(Scratch::kSecondImage, now_.shape);
  }

  void pass(Image to) {
    const bool moves = mover_ != nullptr || !map_.empty();
    const int height = to.shape.height;
    const std::size_t row = to.shape.row();
    const int strip = static_cast<int>(std::max<std::size_t>(
        1, tables_.empty() ? kLargestSide : kStripBytes / row));
    for (int first = 0; first < height; first += strip) {
      const int last = std::min(first + strip, height);
      if (moves) make_rows(to, first, last);
      const std::size_t begin = static_cast<std::size_t>(first) * row;
      const std::size_t end = static_cast<std::size_t>(last) * row;
      if (!tables_.empty()) {
        tables_.apply(moves ? ConstImage(to) : now_, to, begin, end);
      } else if (!moves) {
        std::memcpy(to.pixels + begin, now_.pixels + begin, end - begin);
      }
    }
    now_ = to;
    mover_ = nullptr;
    map_.clear();
    tables_.clear();
  }

  void make_rows(Image to, int first, int last) {
    if (mover_ == nullptr) return map_.apply(now_, to, first, last, scratch_);
    const double value = mover_->values[0];
    const auto factor = static_cast<float>(value);
    switch (mover_->kind) {
      case OpKind::kColor:
        return color_rows(now_, to, factor, first, last);
      case OpKind::kSharpness:
        return sharpness_rows(now_, to, factor, first, last);
      case OpKind::kShearX:
        return shear_x_rows(now_, to, value, first, last);
      case OpKind::kShearY:
        return shear_y_rows(now_, to, value, first, last, scratch_);
      default:
        return rotate_rows(now_, to, value, first, last, scratch_);
    }
  }

  bool in_scratch() {
    return now_.pixels ==
               scratch_.image(Scratch::kFirstImage, now_.shape).pixels ||
           now_.pixels ==
               scratch_.image(Scratch::kSecondImage, now_.shape).pixels;
  }

  /// The caller's memory ends with the image; ops that read beyond it get a
  /// copy with zeros after it.
  void widen() {
    const std::size_t bytes = now_.shape.bytes();
    Image room = scratch_.image(Scratch::kFirstImage, now_.shape);
    if (in_scratch()) {
      room.pixels = const_cast<std::uint8_t*>(now_.pixels);
    } else {
      std::memcpy(room.pixels, now_.pixels, bytes);
      now_ = room;
    }
    std::memset(room.pixels + bytes, 0, 4);
  }

  void paint(const Application& op) {
    if (now_.pixels != out_.pixels && !in_scratch()) pass(target(op));
    const Image canvas{const_cast<std::uint8_t*>(now_.pixels), now_.shape};
    const Values& values = op.values;
    switch (op.kind) {
      case OpKind::kCutout:
        return cutout(canvas, values[0], values[1], values[2]);
      case OpKind::kCutoutGray:
        return cutout_gray(canvas, values[0], values[1], values[2]);
      default:
        return cutout_box(canvas, static_cast<int>(values[0]),
                          static_cast<int>(values[1]),
                          static_cast<int>(values[2]));
    }
  }

  const Application* last_;
  Image out_;
  Scratch& scratch_;
  ConstImage now_;
  const Application* mover_ = nullptr;
  AxisMap map_;
  Tables tables_;
};

}  // namespace

void run_chain(const Application* first, const Application* last, ConstImage in,
               Image out, Scratch& scratch) {
  Chain chain(last, in, out, scratch);
  for (const Application* op = first; op != last; ++op) chain.add(*op);
  chain.finish();
}

}  // namespace keras_ssl::KERAS_SSL_ISA
