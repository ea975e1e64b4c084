// Which pixels along one axis make up each resampled one, and how much; and
// the sums themselves.
#pragma once

#include <cstddef>
#include <cstdint>

#include "isa.h"
#include "resample.h"
#include "workspace.h"

namespace keras_ssl::KERAS_SSL_ISA {

/// Binary places of the weights' fixed point, as in Pillow.
constexpr int kWeightBits = 22;

/// Pixel i is the sum of `count[i]` pixels from `first[i]` on, weighed with
/// the values from weights + i * most on. All arrays lie in the workspace.
struct Weights {
  int most;
  int* first;
  int* count;
  std::int32_t* weights;

  const std::int32_t* of(int i) const { return weights + i * most; }
};

/// Weights that scale [begin, end) of `from` pixels to `to` pixels, for every
/// filter but kNearest.
Weights weights_of(Filter filter, int from, float begin, float end, int to,
                   Workspace& workspace);

/// Makes `size` rows of `count` bytes, side by side in `to`, each a weighed
/// sum of rows of `from`, which are `stride` bytes apart.
void weigh(const std::uint8_t* from, std::size_t stride, const Weights& weights,
           int size, std::size_t count, std::uint8_t* to, Workspace& workspace);

}  // namespace keras_ssl::KERAS_SSL_ISA
