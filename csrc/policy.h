// Augmentation as data: stages of ops with ranges, and the one function that
// draws their parameters and has them applied in order.
#pragma once

#include <array>
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
  /// Whether it may turn images by right angles.
  bool turns() const;
};

/// How likely the parts of [0, 1) are, in bins of equal width.
class Density {
 public:
  /// All are equally likely.
  Density() = default;
  /// Bins weigh so much; throws std::invalid_argument unless the weights are
  /// finite, not negative and not all zero.
  explicit Density(const std::vector<double>& weights);

  /// Makes a level of this density out of a uniform number.
  double level(double uniform) const;
  bool empty() const { return ends_.empty(); }

 private:
  std::vector<double> ends_;  // of the bins, as parts of the whole weight
};

/// For each choice of the learned stage, the densities of its levels.
using Rates = std::vector<std::array<Density, 2>>;

/// Throws std::invalid_argument: expected ..., received ...
void check_policy(const Policy& policy);
/// Whether the policy can be applied to images of this shape.
void check_policy_for(const Policy& policy, const Shape& shape);
void check_rates(const Rates& rates, const Policy& policy);

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
