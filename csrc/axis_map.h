// Ops that move whole rows and columns: flips, crops, translations.
#pragma once

#include "image.h"
#include "isa.h"
#include "ops.h"
#include "scratch.h"

namespace keras_ssl::KERAS_SSL_ISA {

/// Ops that keep rows and columns together: pixel (y, x) comes from
/// (rows[y], columns[x]). Several in a row are one map, and one pass over the
/// image.
class AxisMap {
 public:
  /// Whether `kind` with these values is such an op.
  static bool holds(OpKind kind, const Values& values);

  bool empty() const { return empty_; }
  void clear() { empty_ = true; }
  void add(OpKind kind, const Values& values, const Shape& shape,
           Scratch& scratch);

  /// Makes a strip of the result from `in`, which do not overlap.
  void apply(ConstImage in, Strip out, Scratch& scratch);

 private:
  bool empty_ = true;
  const int* rows_ = nullptr;  // negative: zero
  const int* columns_ = nullptr;
  bool is_cut_ = false;  // whether the columns are cut into spans
  std::size_t spans_ = 0;
};

}  // namespace keras_ssl::KERAS_SSL_ISA
