// Ops that change places and mix the four nearest pixels: byte for byte what
// Pillow makes with its BILINEAR filter. What lies outside is black; at the
// edges the outermost pixels are repeated. Parameters are those of the ops of
// the same names that take the nearest pixel.
#pragma once

#include "image.h"
#include "isa.h"
#include "workspace.h"

namespace keras_ssl::KERAS_SSL_ISA {

/// Counter-clockwise around the center.
void rotate_bilinear(ConstImage in, Image out, double degrees,
                     Workspace& workspace);
/// Reads row y from x + factor * y.
void shear_x_bilinear(ConstImage in, Image out, double factor,
                      Workspace& workspace);
/// Reads column x from y + factor * x.
void shear_y_bilinear(ConstImage in, Image out, double factor,
                      Workspace& workspace);
/// Reads from x + fraction * width.
void translate_x_bilinear(ConstImage in, Image out, double fraction,
                          Workspace& workspace);
/// Reads from y + fraction * height.
void translate_y_bilinear(ConstImage in, Image out, double fraction,
                          Workspace& workspace);

}  // namespace keras_ssl::KERAS_SSL_ISA
