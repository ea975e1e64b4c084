// From a policy to the ops that one image gets: the one place where parameters
// are drawn.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine.h"
#include "policy.h"
#include "rng.h"

namespace keras_ssl {

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
  kDrawStage = 6,   // of a stage's first application: whether it is carried out
  kDrawSecond = 7,  // the second level of an op that has two
  kDrawsPerApplication = 8,
};

/// What one application drew.
struct Drawn {
  std::size_t slot = 0;  // the number of the application
  std::int32_t choice = 0;
  double levels[2] = {0.0, 0.0};  // in [0, 1): where between low and high
};

/// The ops that one image gets, in order; memory of the scratch.
struct DrawnPolicy {
  const Application* applications;
  const Drawn* drawn;
  std::size_t count;
};

DrawnPolicy draw_policy(const Policy& policy, const Shape& shape, Draws& draws,
                        Scratch& scratch, const Rates* rates = nullptr);

/// Reads `in`, writes `out`, which is other memory and has the shape that the
/// policy gives. Returns by how many right angles the image was turned.
int apply_policy(const Policy& policy, ConstImage in, Image out, Draws& draws,
                 Scratch& scratch, const Rates* rates = nullptr);

}  // namespace keras_ssl
