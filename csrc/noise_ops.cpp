#include "noise_ops.h"
namespace keras_ssl::KERAS_SSL_ISA {
void add_noise(ConstImage, Image, double, const std::uint32_t*) {}
}  // namespace keras_ssl::KERAS_SSL_ISA
