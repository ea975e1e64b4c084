#pragma once
#include "image.h"
#include "isa.h"
namespace keras_ssl::KERAS_SSL_ISA {
void add_noise(ConstImage in, Image out, double sigma,
               const std::uint32_t* words);
}
