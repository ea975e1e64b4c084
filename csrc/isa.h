// The files of image ops are compiled once for each instruction set, each time
// into a namespace of its own: keras_ssl::baseline, keras_ssl::avx2 and so on.
// The compiler vectorizes for the set it is told, and all of them give the same
// bytes. Which one runs is decided in engine.cpp.
#pragma once

#ifndef KERAS_SSL_ISA
#define KERAS_SSL_ISA baseline
#endif
