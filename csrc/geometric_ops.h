// Ops that change places: each pixel of the result is one of the image, or
// zero where the op reaches outside.
//
// Every function equals Pillow's nearest-neighbor transform byte for byte.
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

// Each makes a strip of the result, which does not overlap `in`.

/// Column x comes from x + factor * y.
void shear_x_rows(ConstImage in, Strip out, double factor);
/// Row y comes from y + factor * x.
void shear_y_rows(ConstImage in, Strip out, double factor,
                  Workspace& workspace);
/// Counter-clockwise. Reads up to four bytes beyond the end of `in`, which must
/// be zero.
void rotate_rows(ConstImage in, Strip out, double degrees,
                 Workspace& workspace);

}  // namespace keras_ssl::KERAS_SSL_ISA
