// A chain of ops on one image, in as few passes over its memory as possible.
#pragma once

#include "engine.h"

// The same functions for each instruction set: their files are compiled for
// all, and this header declares all.
#define KERAS_SSL_DECLARE(isa)                                         \
  namespace keras_ssl::isa {                                           \
  void run_chain(const Application* first, const Application* last,    \
                 ConstImage in, Image out, Scratch& scratch);          \
  void resize(ConstImage in, Image out, const Box& box, Filter filter, \
              Workspace& workspace);                                   \
  }
KERAS_SSL_DECLARE(baseline)
KERAS_SSL_DECLARE(avx2)
KERAS_SSL_DECLARE(avx512)
KERAS_SSL_DECLARE(avx512vbmi)
#undef KERAS_SSL_DECLARE
