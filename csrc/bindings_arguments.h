// What arrives from Python, checked and turned into what the core takes.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "image.h"
#include "policy.h"

namespace keras_ssl {

namespace py = pybind11;

using ByteArray = py::array_t<std::uint8_t>;

/// The array itself, never a copy: the core reads the caller's memory.
py::array checked_images(const py::object& object, int dimensions,
                         const std::string& layout);
ConstImage checked_image(const py::object& object);
Shape shape_of(const py::array& array, py::ssize_t first_axis);
std::optional<std::vector<std::int64_t>> rows_of(const py::object& object,
                                                 const std::string& stream);

/// A policy as Policy.to_config() describes it: a list of stages, each
/// [draws, [[name, probability, low, high], ...]]. Options follow as a dict at
/// the end of an op or a stage; the size of the result is a dict before all.
Policy policy_of(const py::object& config);

/// Any Python integer, so that a negative one is told from a wrong type.
std::uint64_t seed_of(const py::object& seed);
std::size_t counted(std::int64_t number, const char* what);

}  // namespace keras_ssl
