// Ops that map values alone: a table of 256 entries for each channel. Several
// in a row are one table, and one pass over the image.
//
// Every table equals Pillow's operation of that name byte for byte.
#pragma once

#include "image.h"
#include "kernels.h"
#include "ops.h"

namespace keras_ssl::KERAS_SSL_ISA {

class Tables {
 public:
  bool empty() const { return empty_; }
  void clear() { empty_ = true; }

  /// Whether `kind` is a table once its values are known.
  static bool holds(OpKind kind);
  /// Whether `kind` is a table once the image is known too.
  static bool needs_image(OpKind kind);

  /// Adds an op that `holds`.
  void add(OpKind kind, const Values& values);
  /// Adds an op that `needs_image`, for this image; to empty tables only.
  void add(OpKind kind, const Values& values, ConstImage image);

  /// `count` bytes, whole pixels; `to` may be `from`.
  void apply(const std::uint8_t* from, std::uint8_t* to,
             std::size_t count) const;

 private:
  bool empty_ = true;
  bool shared_ = true;  // the first table serves all channels
  alignas(64) Table tables_[3];
};

}  // namespace keras_ssl::KERAS_SSL_ISA
