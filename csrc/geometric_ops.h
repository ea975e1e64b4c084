// Ops that move pixels along slanted lines: each pixel of the result is one of
// the image, or zero where the op reaches outside.
//
// Every function equals Pillow's nearest-neighbor transform byte for byte, and
// makes a strip of the result, which does not overlap `in`.
#pragma once

#include "image.h"
#include "isa.h"
#include "workspace.h"

namespace keras_ssl::KERAS_SSL_ISA {

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
