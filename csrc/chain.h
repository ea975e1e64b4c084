// A chain of ops on one image, in as few passes over its memory as possible.
#pragma once

#include "engine.h"

namespace keras_ssl {

// The same function for each instruction set; chain.cpp is compiled for all.
namespace baseline {
void run_chain(const Application* first, const Application* last, ConstImage in,
               Image out, Scratch& scratch);
}
namespace avx2 {
void run_chain(const Application* first, const Application* last, ConstImage in,
               Image out, Scratch& scratch);
}
namespace avx512 {
void run_chain(const Application* first, const Application* last, ConstImage in,
               Image out, Scratch& scratch);
}
namespace avx512vbmi {
void run_chain(const Application* first, const Application* last, ConstImage in,
               Image out, Scratch& scratch);
}

}  // namespace keras_ssl
