// Ops that smooth: each value of the result is an average over a
// neighborhood. All equal Pillow byte for byte, in modes L and RGB.
#pragma once

#include "image.h"
#include "isa.h"
#include "workspace.h"

namespace keras_ssl::KERAS_SSL_ISA {

/// Blends with ImageFilter.SMOOTH, a 3 x 3 kernel whose center weighs five
/// times its neighbors; strength 0 is the image, 1 the smoothed one. The
/// border of one pixel stays as it is.
void smooth(ConstImage in, Image out, double strength, Workspace& workspace);

/// Blends with ImageFilter.BLUR, the mean of the 16 values on the rim of a
/// 5 x 5 square. The border of two pixels stays as it is.
void blur(ConstImage in, Image out, double strength, Workspace& workspace);

/// ImageFilter.GaussianBlur: three box filters, of fractional width, along
/// rows and then columns, edges repeated. `radius`, in pixels, is the standard
/// deviation. See P. Gwosdek et al., "Theoretical Foundations of Gaussian
/// Convolution by Extended Box Filtering", SSVM 2011.
void gaussian_blur(ConstImage in, Image out, double radius,
                   Workspace& workspace);

}  // namespace keras_ssl::KERAS_SSL_ISA
