// The ops by name: what parameters each takes, and their limits.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "image.h"

namespace keras_ssl {

enum class OpKind {
  kIdentity,
  kAutocontrast,
  kEqualize,
  kInvert,
  kPosterize,
  kSolarize,
  kBrightness,
  kColor,
  kContrast,
  kSharpness,
  kRotate,
  kShearX,
  kShearY,
  kTranslateX,
  kTranslateY,
  kShiftX,
  kShiftY,
  kFlip,
  kCrop,
  kCutout,
  kCutoutGray,
  kCutoutBox,
  kBlendAutocontrast,
  kBlendEqualize,
  kBlendInvert,
  kSmooth,
  kBlur,
  kGaussianBlur,
  kRescale,
  kRotateBilinear,
  kShearXBilinear,
  kShearYBilinear,
  kTranslateXBilinear,
  kTranslateYBilinear,
  kGrayscale,
  kHue,
  kQuarterTurn,
  kNoise,
  kGrayOutside,
  kResize,
  kCenterCrop,
  kResizedCrop,
  kLast = kResizedCrop,
};

/// The explicit parameters of one application; unused ones are zero. Crop takes
/// (offset_y, offset_x), the cutouts (side, center_x, center_y) in pixels,
/// rescale (fraction, filter), the last three a box (left, top, right, bottom)
/// in pixels, all others the one value of their name or none.
using Values = std::array<double, 4>;

/// Whether the op may change the size of the image.
inline bool resizes(OpKind kind) {
  return kind == OpKind::kResize || kind == OpKind::kCenterCrop ||
         kind == OpKind::kResizedCrop;
}

struct OpRule {
  OpKind kind;
  const char* name;
  std::size_t parameters;  // how many explicit parameters it takes
  double lowest;           // limits of the range a policy may draw from
  double highest;
};

const OpRule& rule_of(OpKind kind);
/// Throws std::invalid_argument for an unknown name.
const OpRule& rule_named(std::string_view name);

/// Checks explicit parameters against an image's shape and returns them in
/// the form apply_op takes; throws std::invalid_argument.
Values checked_values(const OpRule& rule, const std::vector<double>& values,
                      const Shape& shape);

/// A number as an error message shows it.
std::string text_of(double value);

}  // namespace keras_ssl
