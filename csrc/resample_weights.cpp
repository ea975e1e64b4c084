#include "resample_weights.h"

#include <algorithm>
#include <cmath>

namespace keras_ssl::KERAS_SSL_ISA {
namespace {

constexpr double kPi = 3.14159265358979323846;

/// sin(pi x) for |x| <= 3. A series and not the C library, so that it is the
/// same everywhere and loops over it are vectorized; it is right to about
/// 1e-16, and weights keep 2e-7 of it.
inline double sine_of_turns(double x) {
  const int nearest = static_cast<int>(x + 4.5) - 4;
  const double angle = (x - nearest) * kPi;
  const double square = angle * angle;
  double sum = -1.0 / 25852016738884976640000.0;  // 23!
  sum = sum * square + 1.0 / 51090942171709440000.0;
  sum = sum * square - 1.0 / 121645100408832000.0;
  sum = sum * square + 1.0 / 355687428096000.0;
  sum = sum * square - 1.0 / 1307674368000.0;
  sum = sum * square + 1.0 / 6227020800.0;
  sum = sum * square - 1.0 / 39916800.0;
  sum = sum * square + 1.0 / 362880.0;
  sum = sum * square - 1.0 / 5040.0;
  sum = sum * square + 1.0 / 120.0;
  sum = sum * square - 1.0 / 6.0;
  const double sine = angle + angle * square * sum;
  return (nearest & 1) == 0 ? sine : -sine;
}

double box_filter(double x) { return x > -0.5 && x <= 0.5 ? 1.0 : 0.0; }

double bilinear_filter(double x) { return std::max(1.0 - std::abs(x), 0.0); }

/// A sinc under a Hamming window.
double hamming_filter(double x) {
  const double distance = std::min(std::abs(x), 1.0);
  const double sine = sine_of_turns(distance);
  const double cosine = sine_of_turns(0.5 - distance);
  // Pillow's factors are single precision.
  const double window = static_cast<double>(0.54f) + 0.46f * cosine;
  const double value = sine / (distance * kPi) * window;
  return distance == 0.0 ? 1.0 : distance == 1.0 ? 0.0 : value;
}

/// Keys' cubic with a = -1/2.
double bicubic_filter(double x) {
  const double d = std::abs(x);
  const double near = (1.5 * d - 2.5) * d * d + 1.0;
  const double far = (((d - 5.0) * d + 8.0) * d - 4.0) * -0.5;
  return d < 1.0 ? near : d < 2.0 ? far : 0.0;
}

/// sinc(x) sinc(x / 3). With s the sine of the smaller angle, the other sine
/// is s (3 - 4 s^2).
double lanczos_filter(double x) {
  const double inside = std::min(std::max(x, -3.0), 3.0);
  const double sine = sine_of_turns(inside / 3.0);
  const double square = sine * sine;
  const double angle = inside * kPi;
  const double value = square * (3.0 - 4.0 * square) * 3.0 / (angle * angle);
  return inside == 0.0 ? 1.0 : x >= -3.0 && x < 3.0 ? value : 0.0;
}

double reach_of(Filter filter) {
  switch (filter) {
    case Filter::kBox:
      return 0.5;
    case Filter::kBicubic:
      return 2.0;
    case Filter::kLanczos:
      return 3.0;
    default:
      return 1.0;
  }
}

template <double (*kFilter)(double)>
void apply(double* values, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) values[i] = kFilter(values[i]);
}

void apply(Filter filter, double* values, std::size_t count) {
  switch (filter) {
    case Filter::kBox:
      return apply<box_filter>(values, count);
    case Filter::kBilinear:
      return apply<bilinear_filter>(values, count);
    case Filter::kHamming:
      return apply<hamming_filter>(values, count);
    case Filter::kBicubic:
      return apply<bicubic_filter>(values, count);
    default:
      return apply<lanczos_filter>(values, count);
  }
}

/// Divides by the sum and rounds to fixed point.
void normalize(const double* values, int count, std::int32_t* weights) {
  double sum = 0.0;
  for (int i = 0; i < count; ++i) sum += values[i];
  if (sum == 0.0) sum = 1.0;
  for (int i = 0; i < count; ++i) {
    const double weight = values[i] / sum * (1 << kWeightBits);
    weights[i] = static_cast<std::int32_t>(weight + (weight < 0 ? -0.5 : 0.5));
  }
}

constexpr int kHalf = 1 << (kWeightBits - 1);

std::uint8_t to_byte(int sum) {
  return static_cast<std::uint8_t>(
      std::min(std::max(sum >> kWeightBits, 0), 255));
}

template <int kRows>
void weigh_few(const std::uint8_t* __restrict rows, std::size_t stride,
               const std::int32_t* __restrict weights, std::size_t count,
               std::uint8_t* __restrict to) {
  for (std::size_t i = 0; i < count; ++i) {
    int sum = kHalf;
    for (std::size_t k = 0; k < kRows; ++k) {
      sum += rows[k * stride + i] * weights[k];
    }
    to[i] = to_byte(sum);
  }
}

template <int kRows>
void add_weighed(const std::uint8_t* __restrict rows, std::size_t stride,
                 const std::int32_t* __restrict weights, std::size_t count,
                 int* __restrict sums) {
  for (std::size_t i = 0; i < count; ++i) {
    int sum = sums[i];
    for (std::size_t k = 0; k < kRows; ++k) {
      sum += rows[k * stride + i] * weights[k];
    }
    sums[i] = sum;
  }
}

void weigh_many(const std::uint8_t* rows, std::size_t stride,
                const std::int32_t* weights, int taps, std::size_t count,
                int* sums, std::uint8_t* to) {
  for (std::size_t i = 0; i < count; ++i) sums[i] = kHalf;
  for (; taps >= 4; taps -= 4, weights += 4, rows += 4 * stride) {
    add_weighed<4>(rows, stride, weights, count, sums);
  }
  for (; taps > 0; --taps, ++weights, rows += stride) {
    add_weighed<1>(rows, stride, weights, count, sums);
  }
  for (std::size_t i = 0; i < count; ++i) to[i] = to_byte(sums[i]);
}

/// One row of the result: the weighed sum of `taps` rows.
void weigh_rows(const std::uint8_t* rows, std::size_t stride,
                const std::int32_t* weights, int taps, std::size_t count,
                int* sums, std::uint8_t* to) {
  switch (taps) {
    case 1:
      return weigh_few<1>(rows, stride, weights, count, to);
    case 2:
      return weigh_few<2>(rows, stride, weights, count, to);
    case 3:
      return weigh_few<3>(rows, stride, weights, count, to);
    case 4:
      return weigh_few<4>(rows, stride, weights, count, to);
    case 5:
      return weigh_few<5>(rows, stride, weights, count, to);
    case 6:
      return weigh_few<6>(rows, stride, weights, count, to);
    case 7:
      return weigh_few<7>(rows, stride, weights, count, to);
    default:
      return weigh_many(rows, stride, weights, taps, count, sums, to);
  }
}

}  // namespace

Weights weights_of(Filter filter, int from, float begin, float end, int to,
                   Workspace& workspace) {
  const double scale = static_cast<double>(end - begin) / to;
  const double stretch = std::max(scale, 1.0);
  const double narrow = 1.0 / stretch;
  const double reach = reach_of(filter) * stretch;
  const int most = static_cast<int>(std::ceil(reach)) * 2 + 1;
  const auto pixels = static_cast<std::size_t>(to);
  const std::size_t places = pixels * static_cast<std::size_t>(most);
  Weights made{most, workspace.array<int>(pixels), workspace.array<int>(pixels),
               workspace.array<std::int32_t>(places)};
  auto* const values = workspace.array<double>(places);
  for (int i = 0; i < to; ++i) {
    const double center = begin + (i + 0.5) * scale;
    const int first = std::max(static_cast<int>(center - reach + 0.5), 0);
    const int last = std::min(static_cast<int>(center + reach + 0.5), from);
    made.first[i] = first;
    made.count[i] = last - first;
    double* const distances = values + i * most;
    for (int k = 0; k < most; ++k) {
      distances[k] = (k + first - center + 0.5) * narrow;
    }
  }
  apply(filter, values, places);
  for (int i = 0; i < to; ++i) {
    normalize(values + i * most, made.count[i], made.weights + i * most);
  }
  return made;
}

void weigh(const std::uint8_t* from, std::size_t stride, const Weights& weights,
           int size, std::size_t count, std::uint8_t* to,
           Workspace& workspace) {
  int* const sums = workspace.array<int>(count);
  for (int i = 0; i < size; ++i) {
    weigh_rows(from + static_cast<std::size_t>(weights.first[i]) * stride,
               stride, weights.of(i), weights.count[i], count, sums,
               to + static_cast<std::size_t>(i) * count);
  }
}

}  // namespace keras_ssl::KERAS_SSL_ISA
