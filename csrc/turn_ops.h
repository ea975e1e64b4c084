// Ops that move whole pixels from rows to columns.
#pragma once

#include <cstddef>
#include <cstdint>

#include "image.h"
#include "isa.h"
#include "workspace.h"

namespace keras_ssl::KERAS_SSL_ISA {

/// Column x of `in` becomes row x of `out`, whose shape is
/// (in.width, in.height, channels). Rows of `in` are `stride` bytes apart.
void transpose(const std::uint8_t* in, std::size_t stride, const Shape& shape,
               std::uint8_t* out);

/// Turns a square image counter-clockwise by `turns` (0 to 3) right angles,
/// as numpy.rot90 does; two turns do for any image.
void quarter_turn(ConstImage in, Image out, int turns, Workspace& workspace);

}  // namespace keras_ssl::KERAS_SSL_ISA
