// Levels that are not equally likely: what CTAugment learns.
#pragma once

#include <array>
#include <vector>

namespace keras_ssl {

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

}  // namespace keras_ssl
