#include "ops.h"

#include <cmath>
#include <sstream>
#include <stdexcept>

namespace keras_ssl {
namespace {

// In the order of OpKind.
constexpr OpRule kRules[] = {
    {OpKind::kIdentity, "identity", 0, -1e9, 1e9},
    {OpKind::kAutocontrast, "autocontrast", 0, -1e9, 1e9},
    {OpKind::kEqualize, "equalize", 0, -1e9, 1e9},
    {OpKind::kInvert, "invert", 0, -1e9, 1e9},
    {OpKind::kPosterize, "posterize", 1, 0.0, 9.0},
    {OpKind::kSolarize, "solarize", 1, 0.0, 256.0},
    {OpKind::kBrightness, "brightness", 1, 0.0, 100.0},
    {OpKind::kColor, "color", 1, 0.0, 100.0},
    {OpKind::kContrast, "contrast", 1, 0.0, 100.0},
    {OpKind::kSharpness, "sharpness", 1, 0.0, 100.0},
    {OpKind::kRotate, "rotate", 1, -360.0, 360.0},
    {OpKind::kShearX, "shear_x", 1, -1.0, 1.0},
    {OpKind::kShearY, "shear_y", 1, -1.0, 1.0},
    {OpKind::kTranslateX, "translate_x", 1, -1.0, 1.0},
    {OpKind::kTranslateY, "translate_y", 1, -1.0, 1.0},
    {OpKind::kShiftX, "shift_x", 1, -8192.0, 8192.0},
    {OpKind::kShiftY, "shift_y", 1, -8192.0, 8192.0},
    {OpKind::kFlip, "flip", 0, -1e9, 1e9},
    {OpKind::kCrop, "crop", 2, 0.0, 1.0},
    {OpKind::kCutout, "cutout", 3, 0.0, 1.0},
    {OpKind::kCutoutGray, "cutout_gray", 3, 0.0, 1.0},
    {OpKind::kCutoutBox, "cutout_box", 3, 0.0, 1.0},
    {OpKind::kBlendAutocontrast, "blend_autocontrast", 1, 0.0, 1.0},
    {OpKind::kBlendEqualize, "blend_equalize", 1, 0.0, 1.0},
    {OpKind::kBlendInvert, "blend_invert", 1, 0.0, 1.0},
    {OpKind::kSmooth, "smooth", 1, 0.0, 1.0},
    {OpKind::kBlur, "blur", 1, 0.0, 1.0},
    {OpKind::kGaussianBlur, "gaussian_blur", 1, 0.0, 1000.0},
    {OpKind::kRescale, "rescale", 2, 0.0, 0.25},
    {OpKind::kRotateBilinear, "rotate_bilinear", 1, -360.0, 360.0},
    {OpKind::kShearXBilinear, "shear_x_bilinear", 1, -1.0, 1.0},
    {OpKind::kShearYBilinear, "shear_y_bilinear", 1, -1.0, 1.0},
    {OpKind::kTranslateXBilinear, "translate_x_bilinear", 1, -1.0, 1.0},
    {OpKind::kTranslateYBilinear, "translate_y_bilinear", 1, -1.0, 1.0},
    {OpKind::kGrayscale, "grayscale", 0, -1e9, 1e9},
    {OpKind::kHue, "hue", 1, -0.5, 0.5},
    {OpKind::kQuarterTurn, "quarter_turn", 1, 0.0, 3.0},
    {OpKind::kNoise, "noise", 1, 0.0, 255.0},
    {OpKind::kGrayOutside, "gray_outside", 0, -1e9, 1e9},
    {OpKind::kResize, "resize", 4, -1e9, 1e9},
    {OpKind::kCenterCrop, "center_crop", 4, 0.0, 1.0},
    {OpKind::kResizedCrop, "resized_crop", 4, 0.0, 1.0},
};

void require(bool holds, const OpRule& rule, const char* expected,
             double received) {
  if (holds) return;
  throw std::invalid_argument(std::string("expected ") + expected + " for '" +
                              rule.name + "', received " + text_of(received));
}

void check_offset(const OpRule& rule, double offset, int side) {
  require(offset == std::floor(offset) && std::abs(offset) < side, rule,
          "a whole offset smaller than the side of the image", offset);
}

}  // namespace

std::string text_of(double value) {
  std::ostringstream text;
  text << value;
  return text.str();
}

const OpRule& rule_of(OpKind kind) {
  return kRules[static_cast<std::size_t>(kind)];
}

const OpRule& rule_named(std::string_view name) {
  std::string known;
  for (const OpRule& rule : kRules) {
    if (name == rule.name) return rule;
    known += (known.empty() ? "" : ", ") + std::string(rule.name);
  }
  throw std::invalid_argument("expected an op among " + known + "; received '" +
                              std::string(name) + "'");
}

Values checked_values(const OpRule& rule, const std::vector<double>& values,
                      const Shape& shape) {
  if (values.size() != rule.parameters) {
    throw std::invalid_argument(std::string("expected ") +
                                std::to_string(rule.parameters) +
                                " value(s) for '" + rule.name + "', received " +
                                std::to_string(values.size()));
  }
  Values checked{};
  for (std::size_t i = 0; i < values.size(); ++i) {
    require(std::isfinite(values[i]), rule, "finite values", values[i]);
    checked[i] = values[i];
  }
  const double value = checked[0];
  switch (rule.kind) {
    case OpKind::kPosterize:
      require(value >= 1 && value <= 8 && value == std::floor(value), rule,
              "1 to 8 bits", value);
      break;
    case OpKind::kBrightness:
    case OpKind::kColor:
    case OpKind::kContrast:
    case OpKind::kSharpness:
      require(std::abs(value) <= 1000, rule, "a factor in [-1000, 1000]",
              value);
      break;
    case OpKind::kShearX:
    case OpKind::kShearY:
    case OpKind::kShearXBilinear:
    case OpKind::kShearYBilinear:
      require(std::abs(value) <= 1, rule, "a factor in [-1, 1]", value);
      break;
    case OpKind::kCrop:
      check_offset(rule, checked[0], shape.height);
      check_offset(rule, checked[1], shape.width);
      break;
    case OpKind::kShiftX:
    case OpKind::kShiftY:
      require(std::abs(value) <= kLargestSide, rule,
              "a shift of the largest side or less", value);
      break;
    case OpKind::kBlendAutocontrast:
    case OpKind::kBlendEqualize:
    case OpKind::kBlendInvert:
    case OpKind::kSmooth:
    case OpKind::kBlur:
      require(value >= 0 && value <= 1, rule, "a strength in [0, 1]", value);
      break;
    case OpKind::kGaussianBlur:
      require(value >= 0 && value <= 1000, rule, "a radius in [0, 1000]",
              value);
      break;
    case OpKind::kRescale:
      require(value >= 0 && value <= 0.25, rule, "a fraction in [0, 0.25]",
              value);
      require(checked[1] >= 0 && checked[1] <= 5 &&
                  checked[1] == std::floor(checked[1]),
              rule, "a filter number from 0 to 5", checked[1]);
      break;
    case OpKind::kHue:
      require(std::abs(value) <= 0.5, rule, "a shift in [-0.5, 0.5]", value);
      break;
    case OpKind::kQuarterTurn:
      require(value >= 0 && value <= 3 && value == std::floor(value), rule,
              "0 to 3 turns", value);
      require(shape.height == shape.width, rule,
              "an image as high as it is wide", shape.height);
      break;
    case OpKind::kNoise:
      require(false, rule, "a policy to draw it", value);
      break;
    case OpKind::kResize:
    case OpKind::kCenterCrop:
    case OpKind::kResizedCrop:
      require(checked[0] >= 0 && checked[0] < checked[2] &&
                  checked[2] <= shape.width,
              rule, "a box inside the image", checked[0]);
      require(checked[1] >= 0 && checked[1] < checked[3] &&
                  checked[3] <= shape.height,
              rule, "a box inside the image", checked[1]);
      break;
    case OpKind::kCutoutBox:
      require(value >= 0 && value <= kLargestSide, rule,
              "a side from 0 to that of the largest image", value);
      [[fallthrough]];
    case OpKind::kCutout:
    case OpKind::kCutoutGray:
      require(checked[1] >= 0 && checked[1] <= shape.width, rule,
              "a center inside the image", checked[1]);
      require(checked[2] >= 0 && checked[2] <= shape.height, rule,
              "a center inside the image", checked[2]);
      break;
    default:
      break;
  }
  return checked;
}

}  // namespace keras_ssl
