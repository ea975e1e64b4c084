#include "ops.h"

#include <cmath>
#include <sstream>
#include <stdexcept>

#include "geometric_ops.h"
#include "pixel_ops.h"

namespace keras_ssl {
namespace {

// In the order of OpKind.
constexpr OpRule kRules[] = {
    {OpKind::kIdentity, "identity", 0, true, -1e9, 1e9},
    {OpKind::kAutocontrast, "autocontrast", 0, true, -1e9, 1e9},
    {OpKind::kEqualize, "equalize", 0, true, -1e9, 1e9},
    {OpKind::kInvert, "invert", 0, true, -1e9, 1e9},
    {OpKind::kPosterize, "posterize", 1, true, 0.0, 8.0},
    {OpKind::kSolarize, "solarize", 1, true, 0.0, 256.0},
    {OpKind::kBrightness, "brightness", 1, true, 0.0, 100.0},
    {OpKind::kColor, "color", 1, true, 0.0, 100.0},
    {OpKind::kContrast, "contrast", 1, true, 0.0, 100.0},
    {OpKind::kSharpness, "sharpness", 1, false, 0.0, 100.0},
    {OpKind::kRotate, "rotate", 1, false, -360.0, 360.0},
    {OpKind::kShearX, "shear_x", 1, false, -1.0, 1.0},
    {OpKind::kShearY, "shear_y", 1, false, -1.0, 1.0},
    {OpKind::kTranslateX, "translate_x", 1, false, -1.0, 1.0},
    {OpKind::kTranslateY, "translate_y", 1, false, -1.0, 1.0},
    {OpKind::kFlip, "flip", 0, false, -1e9, 1e9},
    {OpKind::kCrop, "crop", 2, false, 0.0, 1.0},
    {OpKind::kCutout, "cutout", 3, true, 0.0, 1.0},
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
      require(std::abs(value) <= 1, rule, "a factor in [-1, 1]", value);
      break;
    case OpKind::kCrop:
      check_offset(rule, checked[0], shape.height);
      check_offset(rule, checked[1], shape.width);
      break;
    case OpKind::kCutout:
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

void apply_op(OpKind kind, ConstImage in, Image out, const Values& values) {
  const double value = values[0];
  const auto factor = static_cast<float>(value);
  switch (kind) {
    case OpKind::kIdentity:
      return copy_pixels(in, out);
    case OpKind::kAutocontrast:
      return autocontrast(in, out);
    case OpKind::kEqualize:
      return equalize(in, out);
    case OpKind::kInvert:
      return invert(in, out);
    case OpKind::kPosterize:
      return posterize(in, out, static_cast<int>(value));
    case OpKind::kSolarize:
      return solarize(in, out, value);
    case OpKind::kBrightness:
      return brightness(in, out, factor);
    case OpKind::kColor:
      return color(in, out, factor);
    case OpKind::kContrast:
      return contrast(in, out, factor);
    case OpKind::kSharpness:
      return sharpness(in, out, factor);
    case OpKind::kRotate:
      return rotate(in, out, value);
    case OpKind::kShearX:
      return shear_x(in, out, value);
    case OpKind::kShearY:
      return shear_y(in, out, value);
    case OpKind::kTranslateX:
      return translate_x(in, out, value);
    case OpKind::kTranslateY:
      return translate_y(in, out, value);
    case OpKind::kFlip:
      return flip(in, out);
    case OpKind::kCrop:
      return crop(in, out, static_cast<int>(values[0]),
                  static_cast<int>(values[1]));
    case OpKind::kCutout:
      return cutout(in, out, values[0], values[1], values[2]);
  }
}

}  // namespace keras_ssl
