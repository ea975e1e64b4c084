// Resizing with a filter, byte for byte as Pillow's Image.resize does it in
// modes L and RGB.
#pragma once

#include "image.h"
#include "isa.h"
#include "workspace.h"

namespace keras_ssl {

/// Pillow's filters, in the order in which CTAugment numbers them.
enum class Filter { kLanczos, kBicubic, kBilinear, kBox, kHamming, kNearest };

/// A part of an image, in pixels from its upper left corner. Pillow keeps
/// single precision of it.
struct Box {
  float left;
  float top;
  float right;
  float bottom;
};

namespace KERAS_SSL_ISA {

/// Scales the part `box` of `in`, inside of it and not empty, to the size of
/// `out`.
void resize(ConstImage in, Image out, const Box& box, Filter filter,
            Workspace& workspace);

/// Cuts off `fraction` (0 to 0.25) of each side, rounded to whole pixels, and
/// scales the rest back to the old size.
void rescale(ConstImage in, Image out, double fraction, Filter filter,
             Workspace& workspace);

}  // namespace KERAS_SSL_ISA
}  // namespace keras_ssl
