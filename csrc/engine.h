// Applying ops to an image, for the instruction set at hand.
#pragma once

#include <string_view>
#include <vector>

#include "image.h"
#include "ops.h"
#include "resample.h"
#include "scratch.h"

namespace keras_ssl {

/// An op whose parameters are decided.
struct Application {
  OpKind kind = OpKind::kIdentity;
  Values values{};
  const std::uint32_t* words = nullptr;  // of noise: one for two values
};

/// The same code, compiled for one instruction set.
struct Engine {
  const char* name;
  /// Applies the ops in order to `in` and writes `out`, which is other memory
  /// and has the size that the last op that resizes gives.
  void (*run)(const Application* first, const Application* last, ConstImage in,
              Image out, Scratch& scratch);
  /// Scales a box of `in` to the size of `out`.
  void (*resize)(ConstImage in, Image out, const Box& box, Filter filter,
                 Workspace& workspace);
};

/// Those that this CPU can run, the plainest first.
const std::vector<Engine>& engines();

/// The one in use: the last of engines(), unless the environment variable
/// KERAS_SSL_SIMD or use_engine() names another.
const Engine& engine();

/// Throws std::invalid_argument for a name that engines() lacks.
void use_engine(std::string_view name);

}  // namespace keras_ssl
