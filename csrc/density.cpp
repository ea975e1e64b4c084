#include "density.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "ops.h"

namespace keras_ssl {

Density::Density(const std::vector<double>& weights) {
  double sum = 0.0;
  for (const double weight : weights) {
    if (!(weight >= 0.0 && std::isfinite(weight))) {
      throw std::invalid_argument(
          "expected finite rates of 0 or more, received " + text_of(weight));
    }
    sum += weight;
    ends_.push_back(sum);
  }
  if (weights.empty()) return;
  if (!(sum > 0.0 && std::isfinite(sum))) {
    throw std::invalid_argument(
        "expected rates with a finite sum above 0, received a sum of " +
        text_of(sum));
  }
  for (double& end : ends_) end /= sum;
}

double Density::level(double uniform) const {
  if (ends_.empty()) return uniform;
  const auto end = std::upper_bound(ends_.begin(), ends_.end(), uniform);
  const auto bin =
      static_cast<std::size_t>(std::min(end, ends_.end() - 1) - ends_.begin());
  const double begin = bin == 0 ? 0.0 : ends_[bin - 1];
  // A bin ends before the next begins, whatever the division rounds to.
  const double part =
      std::min((uniform - begin) / (ends_[bin] - begin), 1.0 - 0x1p-32);
  return (static_cast<double>(bin) + part) / static_cast<double>(ends_.size());
}

}  // namespace keras_ssl
