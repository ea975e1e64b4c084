// Ops that change a pixel's color by its three values together. Images of one
// channel stay as they are.
#pragma once

#include "image.h"
#include "isa.h"
#include "workspace.h"

namespace keras_ssl::KERAS_SSL_ISA {

/// Pillow's convert("L"), in all three channels.
void grayscale(ConstImage in, Image out, Workspace& workspace);

/// Turns the hue by `shift`, -0.5 to 0.5 of the circle, as torchvision's
/// adjust_hue does with a Pillow image: convert("HSV"), the whole number
/// shift * 255, cut off toward zero, added to H modulo 256, convert("RGB").
/// (torchvision once wrote numpy.uint8(shift * 255); NumPy 2 refuses negative
/// numbers there, so it now goes through int32, which means the same.)
void hue(ConstImage in, Image out, double shift, Workspace& workspace);

}  // namespace keras_ssl::KERAS_SSL_ISA
