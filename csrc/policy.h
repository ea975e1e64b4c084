// Augmentation as data: stages of ops with ranges, and the checks they must
// pass.
#pragma once

#include <cstdint>
#include <vector>

#include "density.h"
#include "image.h"
#include "ops.h"

namespace keras_ssl {

/// One op a stage may take: applied with `probability`, its value uniform in
/// [low, high]. Ops without a value ignore the range; crop pads by
/// int(side * low) pixels; the cutouts' value is their side as a part of the
/// width; resized_crop's is the part of the area that is kept, center_crop's
/// that of the sides.
struct Choice {
  OpKind kind = OpKind::kIdentity;
  double probability = 1.0;
  double low = 0.0;
  double high = 0.0;
  /// If not zero, the value is one of so many, evenly spaced from low to high.
  std::uint32_t levels = 0;
  /// Whether the value is negated half of the time.
  bool either_sign = false;
};

/// `draws` times, one of the choices is drawn uniformly, with replacement.
struct Stage {
  std::uint32_t draws = 1;
  std::vector<Choice> choices;
  /// Without replacement instead: as many draws as choices are a random order.
  bool distinct = false;
  /// How likely the stage is carried out at all.
  double probability = 1.0;
  /// Whether its levels follow the rates that the caller gives.
  bool learned = false;
};

/// So many ops at most, all stages together.
constexpr std::uint32_t kMostDraws = 1000;

struct Policy {
  std::vector<Stage> stages;
  /// The size of the result; 0: that of the image.
  int height = 0;
  int width = 0;

  Shape shape_of(const Shape& image) const {
    return {height ? height : image.height, width ? width : image.width,
            image.channels};
  }
  /// How often it draws an op.
  std::size_t applications() const;
  /// Whether it has a learned stage.
  bool learns() const;
  /// Whether it may turn images by right angles.
  bool turns() const;
};

/// Throws std::invalid_argument: expected ..., received ...
void check_policy(const Policy& policy);
/// Whether the policy can be applied to images of this shape.
void check_policy_for(const Policy& policy, const Shape& shape);
void check_rates(const Rates& rates, const Policy& policy);

}  // namespace keras_ssl
