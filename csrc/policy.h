// Augmentation as data: stages of ops with ranges, and the one function that
// draws their parameters and applies them in order.
#pragma once

#include <cstdint>
#include <vector>

#include "image.h"
#include "ops.h"
#include "rng.h"

namespace keras_ssl {

/// One op a stage may take: applied with `probability`, its value uniform in
/// [low, high]. Ops without a value ignore the range; crop pads by
/// int(side * low) pixels; cutout's value is its side as a part of the width.
struct Choice {
  OpKind kind = OpKind::kIdentity;
  double probability = 1.0;
  double low = 0.0;
  double high = 0.0;
};

/// `draws` times, one of the choices is drawn uniformly, with replacement.
struct Stage {
  std::uint32_t draws = 1;
  std::vector<Choice> choices;
};

struct Policy {
  std::vector<Stage> stages;
};

/// Throws std::invalid_argument: expected ..., received ...
void check_policy(const Policy& policy);

/// Memory that ops work in, one per thread, grown once and kept.
class Scratch {
 public:
  Image image(const Shape& shape) {
    if (pixels_.size() < shape.bytes()) pixels_.resize(shape.bytes());
    return {pixels_.data(), shape};
  }

 private:
  std::vector<std::uint8_t> pixels_;
};

// The draws of the s-th application of an op, counted over the whole policy,
// are 8 s + k with the k below. They are fixed, so what one op draws never
// moves the draws of another.
enum DrawNumber : std::uint32_t {
  kDrawChoice = 0,       // which of the stage's choices
  kDrawProbability = 1,  // whether it is applied
  kDrawValue = 2,        // where in [low, high]
  kDrawPlaceY = 4,       // crop: offset; cutout: center
  kDrawPlaceX = 5,
  kDrawsPerApplication = 8,
};

/// Reads `in`, writes `out` (same shape, distinct memory).
void apply_policy(const Policy& policy, ConstImage in, Image out, Draws& draws,
                  Scratch& scratch);

}  // namespace keras_ssl
