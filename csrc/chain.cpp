#include "chain.h"

#include <algorithm>
#include <cstring>

#include "axis_map.h"
#include "bilinear_ops.h"
#include "color_ops.h"
#include "filter_ops.h"
#include "geometric_ops.h"
#include "kernels.h"
#include "noise_ops.h"
#include "paint_ops.h"
#include "pixel_ops.h"
#include "resample.h"
#include "tables.h"
#include "turn_ops.h"

namespace keras_ssl::KERAS_SSL_ISA {
namespace {

/// What a pass makes of a strip before tables and squares follow stays in the
/// nearest cache.
constexpr std::size_t kStripBytes = 16384;

/// A batch of images from this size on does not stay in any cache.
constexpr std::size_t kStreamedBytes = 65536;

constexpr std::size_t kMostSquares = 4;  // that wait for a pass

enum class Way {
  kNone,
  kTable,
  kTableOfImage,
  kMap,
  kRows,
  kSquare,
  kWhole,
};

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
      return Way::kSquare;
    default:
      return Way::kWhole;
  }
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
/// moves pixels, or a map, then tables, then squares. They are done together,
/// strip by strip; what is not the result yet goes to the scratch.
class Chain {
 public:
  Chain(const Application* first, ConstImage source, Image out,
        Scratch& scratch)
      : first_(first), out_(out), scratch_(scratch), now_(source) {}

  void add(const Application& op, bool is_last) {
    switch (way_of(op)) {
      case Way::kNone:
        return;
      case Way::kTable:
        if (squares_ > 0) settle();
        return tables_.add(op.kind, op.values);
      case Way::kTableOfImage:
        settle();
        return tables_.add(op.kind, op.values, now_);
      case Way::kMap:
        if (mover_ != nullptr || !tables_.empty() || squares_ > 0) settle();
        return map_.add(op.kind, op.values, now_.shape, scratch_);
      case Way::kRows:
        settle();
        if (op.kind == OpKind::kRotate) widen();
        mover_ = &op;
        return;
      case Way::kSquare:
        if (squares_ == kMostSquares) settle();
        square_[squares_++] = &op;
        return;
      case Way::kWhole:
        settle();
        if (op.kind == OpKind::kGrayOutside) return gray_outside(op);
        return remake(op, is_last);
    }
  }

  void finish() {
    if (pending() || now_.pixels != out_.pixels) pass(out_);
  }

 private:
  bool moves() const { return mover_ != nullptr || !map_.empty(); }
  bool pending() const { return moves() || !tables_.empty() || squares_ > 0; }

  /// Does what is pending.
  void settle() {
    if (pending()) pass(spare(now_.shape));
  }

  /// Memory of the scratch that the image does not stand in.
  Image spare(const Shape& shape) {
    // Asked before a room grows for a larger image, which moves it.
    const bool taken = now_.pixels == scratch_.bytes(Scratch::kFirstImage, 0);
    return scratch_.image(taken ? Scratch::kSecondImage : Scratch::kFirstImage,
                          shape);
  }

  void pass(Image to) {
    const std::size_t row = to.shape.row();
    const bool streams =
        to.pixels == out_.pixels && to.shape.bytes() >= kStreamedBytes;
    const auto rows =
        static_cast<int>(std::max<std::size_t>(1, kStripBytes / row));
    std::uint8_t* const near =
        streams ? scratch_.bytes(Scratch::kStrip, std::max(kStripBytes, row))
                : nullptr;
    for (int first = 0; first < to.shape.height; first += rows) {
      const int last = std::min(first + rows, to.shape.height);
      const Strip strip{streams ? near : to.row(first), to.shape, first, last};
      make(strip);
      if (streams) stream_bytes(to.row(first), near, strip.bytes());
    }
    if (streams) stream_end();
    now_ = to;
    mover_ = nullptr;
    map_.clear();
    tables_.clear();
    squares_ = 0;
  }

  void make(const Strip& strip) {
    const std::uint8_t* from = now_.row(strip.first);
    if (moves()) {
      make_rows(strip);
      from = strip.pixels;
    }
    if (!tables_.empty()) {
      tables_.apply(from, strip.pixels, strip.bytes());
    } else if (!moves()) {
      std::memcpy(strip.pixels, from, strip.bytes());
    }
    for (std::size_t i = 0; i < squares_; ++i) paint(*square_[i], strip);
  }

  void make_rows(const Strip& strip) {
    if (mover_ == nullptr) {
      return map_.apply(now_, strip, scratch_);
    }
    const double value = mover_->values[0];
    const auto factor = static_cast<float>(value);
    switch (mover_->kind) {
      case OpKind::kColor:
        return color_rows(now_, strip, factor);
      case OpKind::kSharpness:
        return sharpness_rows(now_, strip, factor);
      case OpKind::kShearX:
        return shear_x_rows(now_, strip, value);
      case OpKind::kShearY:
        return shear_y_rows(now_, strip, value, scratch_.workspace());
      default:
        return rotate_rows(now_, strip, value, scratch_.workspace());
    }
  }

  static void paint(const Application& op, const Strip& strip) {
    const Values& values = op.values;
    switch (op.kind) {
      case OpKind::kCutout:
        return cutout(strip, values[0], values[1], values[2]);
      case OpKind::kCutoutGray:
        return cutout_gray(strip, values[0], values[1], values[2]);
      default:
        return cutout_box(strip, static_cast<int>(values[0]),
                          static_cast<int>(values[1]),
                          static_cast<int>(values[2]));
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
  void remake(const Application& op, bool is_last) {
    const Shape& shape = resizes(op.kind) ? out_.shape : now_.shape;
    const Image to = is_last ? out_ : spare(shape);
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

  /// A white image goes through the moves before `op`; what is not white any
  /// more came from outside. As in the reference code, ops that are tables of
  /// their own forget what was outside.
  void gray_outside(const Application& op) {
    const Application* begin = first_;
    bool moves = false;
    for (const Application* before = first_; before != &op; ++before) {
      if (forgets_outside(before->kind)) {
        begin = before + 1;
        moves = false;
      }
      if (brings_outside(before->kind)) moves = true;
    }
    if (!moves) return;
    if (!in_scratch()) pass(spare(now_.shape));
    const Image canvas{const_cast<std::uint8_t*>(now_.pixels), now_.shape};
    auto* list = reinterpret_cast<Application*>(scratch_.bytes(
        Scratch::kMoves,
        static_cast<std::size_t>(&op - begin) * sizeof(Application)));
    const Application* const end = std::copy_if(
        begin, &op, list,
        [](const Application& move) { return brings_outside(move.kind); });
    const Shape shape{canvas.shape.height, canvas.shape.width, 1};
    std::uint8_t* white = scratch_.bytes(Scratch::kOutside, 2 * shape.bytes());
    const Image inside{white + shape.bytes(), shape};
    std::memset(white, 255, shape.bytes());
    run_chain(list, end, {white, shape}, inside, scratch_.inner());
    mark_gray(canvas, inside.pixels);
  }

  const Application* first_;
  const Image out_;
  Scratch& scratch_;
  ConstImage now_;
  const Application* mover_ = nullptr;
  AxisMap map_;
  Tables tables_;
  const Application* square_[kMostSquares];
  std::size_t squares_ = 0;
};

}  // namespace

void run_chain(const Application* first, const Application* last, ConstImage in,
               Image out, Scratch& scratch) {
  Chain chain(first, in, out, scratch);
  for (const Application* op = first; op != last; ++op) {
    chain.add(*op, op + 1 == last);
  }
  chain.finish();
}

}  // namespace keras_ssl::KERAS_SSL_ISA
