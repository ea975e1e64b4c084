#include "chain.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <vector>

#include "bilinear_ops.h"
#include "color_ops.h"
#include "filter_ops.h"
#include "geometric_ops.h"
#include "noise_ops.h"
#include "pixel_ops.h"
#include "resample.h"
#include "tables.h"
#include "turn_ops.h"

namespace keras_ssl::KERAS_SSL_ISA {
namespace {

/// What a pass makes of a strip before the tables follow stays in the nearest
/// cache.
constexpr std::size_t kStripBytes = 16384;

enum class Way { kNone, kTable, kTableOfImage, kMap, kRows, kWhole, kPaint };

/// How an op is carried out.
Way way_of(const Application& op) {
  if (op.kind == OpKind::kIdentity) return Way::kNone;
  if (Tables::holds(op.kind)) return Way::kTable;
  if (Tables::needs_image(op.kind)) return Way::kTableOfImage;
  if (AxisMap::holds(op.kind, op.values)) return Way::kMap;
  switch (op.kind) {
    case OpKind::kColor:
    case OpKind::kSharpness:
    case OpKind::kShearX:
    case OpKind::kShearY:
    case OpKind::kRotate:
      return Way::kRows;
    case OpKind::kCutout:
    case OpKind::kCutoutGray:
    case OpKind::kCutoutBox:
    case OpKind::kGrayOutside:
      return Way::kPaint;
    default:
      return Way::kWhole;
  }
}

/// Ops that need other memory to write to.
bool leaves_place(const Application& op) {
  const Way way = way_of(op);
  return way == Way::kMap || way == Way::kRows || way == Way::kWhole;
}

/// Ops that show what lies outside of the image.
bool brings_outside(OpKind kind) {
  switch (kind) {
    case OpKind::kRotate:
    case OpKind::kShearX:
    case OpKind::kShearY:
    case OpKind::kTranslateX:
    case OpKind::kTranslateY:
    case OpKind::kShiftX:
    case OpKind::kShiftY:
      return true;
    default:
      return false;
  }
}

bool forgets_outside(OpKind kind) {
  switch (kind) {
    case OpKind::kAutocontrast:
    case OpKind::kEqualize:
    case OpKind::kInvert:
    case OpKind::kPosterize:
    case OpKind::kSolarize:
      return true;
    default:
      return false;
  }
}

/// Where the image stands, and what is decided but not done yet: one op that
/// moves pixels, or a map, and the tables after it. They are done together,
/// strip by strip.
class Chain {
 public:
  Chain(const Application* first, const Application* last, ConstImage source,
        Image out, Scratch& scratch)
      : first_(first),
        last_(last),
        out_(out),
        scratch_(scratch),
        now_(source) {}

  void run() {
    for (const Application* op = first_; op != last_; ++op) {
      if (leaves_place(*op)) last_leaving_ = op;
    }
    for (const Application* op = first_; op != last_; ++op) add(*op);
    finish();
  }

 private:
  void add(const Application& op) {
    switch (way_of(op)) {
      case Way::kNone:
        return;
      case Way::kTable:
        return tables_.add(op.kind, op.values);
      case Way::kTableOfImage:
        settle(op);
        return tables_.add(op.kind, op.values, now_);
      case Way::kMap:
        if (mover_ != nullptr || !tables_.empty()) settle(op);
        return map_.add(op.kind, op.values, now_.shape, scratch_);
      case Way::kRows:
        settle(op);
        if (op.kind == OpKind::kRotate) widen();
        mover_ = &op;
        return;
      case Way::kWhole:
        settle(op);
        return remake(op);
      case Way::kPaint:
        settle(op);
        return paint(op);
    }
  }

  void finish() {
    if (pending() || now_.pixels != out_.pixels) pass(out_);
  }

  bool pending() const {
    return mover_ != nullptr || !map_.empty() || !tables_.empty();
  }

  /// Does what is pending, before `next`.
  void settle(const Application& next) {
    if (pending()) pass(target(next));
  }

  /// An op that leaves its place reads from the scratch; whatever comes after
  /// the last of them stays where the result is wanted.
  Image target(const Application& next) { return target(&next, now_.shape); }
  Image target(const Application* next, const Shape& shape) {
    if (last_leaving_ == nullptr || next > last_leaving_) return out_;
    // Asked before a room grows for a larger image, which moves it.
    const bool taken = now_.pixels == scratch_.bytes(Scratch::kFirstImage, 0);
    return scratch_.image(taken ? Scratch::kSecondImage : Scratch::kFirstImage,
                          shape);
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
    if (mover_ == nullptr)
      return map_.apply(now_, to, first, last, scratch_.workspace());
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
        return shear_y_rows(now_, to, value, first, last, scratch_.workspace());
      default:
        return rotate_rows(now_, to, value, first, last, scratch_.workspace());
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

  /// An op that makes the image anew.
  void remake(const Application& op) {
    const Image to =
        target(&op + 1, resizes(op.kind) ? out_.shape : now_.shape);
    Workspace& workspace = scratch_.workspace();
    const Values& values = op.values;
    switch (op.kind) {
      case OpKind::kSmooth:
        smooth(now_, to, values[0], workspace);
        break;
      case OpKind::kBlur:
        blur(now_, to, values[0], workspace);
        break;
      case OpKind::kGaussianBlur:
        gaussian_blur(now_, to, values[0], workspace);
        break;
      case OpKind::kRescale:
        rescale(now_, to, values[0],
                static_cast<Filter>(static_cast<int>(values[1])), workspace);
        break;
      case OpKind::kRotateBilinear:
        rotate_bilinear(now_, to, values[0], workspace);
        break;
      case OpKind::kShearXBilinear:
        shear_x_bilinear(now_, to, values[0], workspace);
        break;
      case OpKind::kShearYBilinear:
        shear_y_bilinear(now_, to, values[0], workspace);
        break;
      case OpKind::kTranslateXBilinear:
        translate_x_bilinear(now_, to, values[0], workspace);
        break;
      case OpKind::kTranslateYBilinear:
        translate_y_bilinear(now_, to, values[0], workspace);
        break;
      case OpKind::kGrayscale:
        grayscale(now_, to, workspace);
        break;
      case OpKind::kHue:
        hue(now_, to, values[0], workspace);
        break;
      case OpKind::kQuarterTurn:
        quarter_turn(now_, to, static_cast<int>(values[0]), workspace);
        break;
      case OpKind::kNoise:
        add_noise(now_, to, values[0], op.words);
        break;
      default:
        resize(now_, to,
               {static_cast<float>(values[0]), static_cast<float>(values[1]),
                static_cast<float>(values[2]), static_cast<float>(values[3])},
               Filter::kBilinear, workspace);
        break;
    }
    now_ = to;
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
      case OpKind::kCutoutBox:
        return cutout_box(canvas, static_cast<int>(values[0]),
                          static_cast<int>(values[1]),
                          static_cast<int>(values[2]));
      default:
        return gray_outside(canvas, op);
    }
  }

  /// A white image goes through the moves before `op`; what is not white any
  /// more came from outside. As in the reference code, ops that are tables of
  /// their own forget what was outside.
  void gray_outside(Image canvas, const Application& op) {
    const Application* begin = first_;
    bool moves = false;
    for (const Application* before = first_; before != &op; ++before) {
      if (forgets_outside(before->kind)) begin = before + 1;
      if (forgets_outside(before->kind)) moves = false;
      if (brings_outside(before->kind)) moves = true;
    }
    if (!moves) return;
    std::vector<Application> list;
    std::copy_if(
        begin, &op, std::back_inserter(list),
        [](const Application& move) { return brings_outside(move.kind); });
    const Shape shape{canvas.shape.height, canvas.shape.width, 1};
    std::uint8_t* white = scratch_.bytes(Scratch::kOutside, 2 * shape.bytes());
    const Image inside{white + shape.bytes(), shape};
    std::memset(white, 255, shape.bytes());
    run_chain(list.data(), list.data() + list.size(), {white, shape}, inside,
              scratch_.inner());
    mark_gray(canvas, inside.pixels);
  }

  const Application* first_;
  const Application* last_;
  const Application* last_leaving_ = nullptr;  // of the ops that leave_place()
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
  Chain(first, last, in, out, scratch).run();
}

}  // namespace keras_ssl::KERAS_SSL_ISA
