// Augmentation as data: stages of ops with ranges, and the one function that
// draws their parameters and has them applied in order.
#pragma once

#include <cstdint>
#include <vector>

#include "engine.h"
#include "image.h"
#include "ops.h"
#include "rng.h"

namespace keras_ssl {

/// One op a stage may take: applied with `probability`, its value uniform in
/// [low, high]. Ops without a value ignore the range; crop pads by
/// int(side * low) pixels; the cutouts' value is their side as a part of the
/// width.
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
};

struct Policy {
  std::vector<Stage> stages;
};

/// Throws std::invalid_argument: expected ..., received ...
void check_policy(const Policy& policy);

// The draws of the s-th application of an op, counted over the whole policy,
// are 8 s + k with the k below. They are fixed, so what one op draws never
// moves the draws of another.
enum DrawNumber : std::uint32_t {
  kDrawChoice = 0,       // which of the stage's choices
  kDrawProbability = 1,  // whether it is applied
  kDrawValue = 2,        // where in [low, high]
  kDrawSign = 3,         // whether the value is negated
  kDrawPlaceY = 4,       // crop: offset; cutout: center
  kDrawPlaceX = 5,
  kDrawStage = 6,  // of a stage's first application: whether it is carried out
  kDrawsPerApplication = 8,
};

/// Reads `in`, writes `out` (same shape, distinct memory).
void apply_policy(const Policy& policy, ConstImage in, Image out, Draws& draws,
                  Scratch& scratch);

}  // namespace keras_ssl
