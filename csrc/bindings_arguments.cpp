#include "bindings_arguments.h"

#include <pybind11/stl.h>

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

namespace keras_ssl {
namespace {

std::string described(const py::object& object) {
  if (!py::isinstance<py::array>(object)) {
    return "an object of type " +
           std::string(py::str(py::type::of(object).attr("__name__")));
  }
  return std::string(py::str(object.attr("dtype"))) + " of shape " +
         std::string(py::str(object.attr("shape")));
}

/// The entries of a list, with an error that shows what it should have been.
/// An entry may be made as it is asked for, so whoever takes it has to own it.
py::sequence sequence_of(const py::handle& object, const char* expected,
                         std::size_t least) {
  if (py::isinstance<py::sequence>(object) &&
      !py::isinstance<py::str>(object)) {
    const auto entries = py::reinterpret_borrow<py::sequence>(object);
    if (entries.size() >= least) return entries;
  }
  throw py::value_error(std::string("expected ") + expected + ", received " +
                        std::string(py::repr(object)));
}

/// Options that follow the required entries, as a dict; none if it is missing.
py::dict options_of(const py::sequence& entries, std::size_t place,
                    const std::vector<std::string>& known) {
  if (entries.size() <= place) return {};
  const py::object last = entries[place];
  if (!py::isinstance<py::dict>(last)) {
    throw py::value_error("expected a dict of options, received " +
                          std::string(py::repr(last)));
  }
  const auto options = py::reinterpret_borrow<py::dict>(last);
  for (const auto& [key, value] : options) {
    const std::string name = py::str(key);
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    std::string names;
    for (const std::string& other : known) names += " '" + other + "'";
    throw py::value_error("expected options among" + names + ", received '" +
                          name + "'");
  }
  return options;
}

template <typename Value>
Value cast_of(const py::handle& object, const std::string& expected) {
  try {
    return py::cast<Value>(object);
  } catch (const py::cast_error&) {
    throw py::value_error("expected " + expected + ", received " +
                          std::string(py::repr(object)));
  }
}

template <typename Value>
Value option(const py::dict& options, const char* name,
             const std::string& expected, Value otherwise) {
  if (!options.contains(name)) return otherwise;
  return cast_of<Value>(options[name],
                        expected + " for '" + std::string(name) + "'");
}

bool flag(const py::dict& options, const char* name) {
  return option(options, name, "True or False", false);
}

std::uint32_t small_count(std::int64_t count, const char* what) {
  if (count >= 0 && count <= std::numeric_limits<std::int32_t>::max()) {
    return static_cast<std::uint32_t>(count);
  }
  throw py::value_error(std::string("expected ") + what + " >= 0, received " +
                        std::to_string(count));
}

Choice choice_of(const py::handle& object) {
  const py::sequence entries = sequence_of(
      object, "an op as [name, probability, low, high] and options", 4);
  const py::dict options = options_of(entries, 4, {"levels", "either_sign"});
  Choice choice;
  choice.kind =
      rule_named(cast_of<std::string>(entries[0], "the name of an op")).kind;
  choice.probability =
      cast_of<double>(entries[1], "a number as the probability of an op");
  choice.low = cast_of<double>(entries[2], "a number as the low end of an op");
  choice.high =
      cast_of<double>(entries[3], "a number as the high end of an op");
  choice.levels = small_count(
      option<std::int64_t>(options, "levels", "a whole number", 0), "levels");
  choice.either_sign = flag(options, "either_sign");
  return choice;
}

Stage stage_of(const py::handle& object) {
  const py::sequence entries =
      sequence_of(object, "a stage as [draws, ops] and options", 2);
  const py::dict options =
      options_of(entries, 2, {"distinct", "probability", "learned"});
  Stage stage;
  stage.draws = small_count(
      cast_of<std::int64_t>(entries[0], "a whole number of draws in a stage"),
      "draws in a stage");
  for (const py::object op : sequence_of(entries[1], "a list of ops", 0)) {
    stage.choices.push_back(choice_of(op));
  }
  stage.distinct = flag(options, "distinct");
  stage.probability = option(options, "probability", "a number", 1.0);
  stage.learned = flag(options, "learned");
  return stage;
}

}  // namespace

py::array checked_images(const py::object& object, int dimensions,
                         const std::string& layout) {
  const std::string expected =
      "expected " + layout + ", received " + described(object);
  if (!py::isinstance<py::array>(object)) throw py::value_error(expected);
  const auto array = py::reinterpret_borrow<py::array>(object);
  if (array.dtype().kind() == 'f') {
    throw py::value_error(expected +
                          "; multiply images in 0..1 by 255 and cast");
  }
  if (!py::isinstance<ByteArray>(object)) throw py::value_error(expected);
  if (array.ndim() == dimensions - 1) {
    throw py::value_error(expected +
                          "; give gray images a last axis, images[..., None]");
  }
  if (array.ndim() != dimensions) throw py::value_error(expected);
  if ((array.flags() & py::array::c_style) == 0) {
    throw py::value_error(
        "expected C-contiguous images, as numpy.ascontiguousarray makes them; "
        "received strides " +
        std::string(py::str(object.attr("strides"))));
  }
  return array;
}

Shape shape_of(const py::array& array, py::ssize_t first_axis) {
  const auto side = [&array, first_axis](py::ssize_t axis) {
    return static_cast<int>(
        std::min<py::ssize_t>(array.shape(first_axis + axis), 1 << 30));
  };
  return {side(0), side(1), side(2)};
}

std::optional<std::vector<std::int64_t>> rows_of(const py::object& object,
                                                 const std::string& stream) {
  if (object.is_none()) return std::nullopt;
  const auto array = py::array::ensure(object);
  if (!array) {
    throw py::value_error("expected a list of integer indices for stream '" +
                          stream + "', received " +
                          std::string(py::repr(object)));
  }
  const bool whole = array.dtype().kind() == 'i' || array.dtype().kind() == 'u';
  if (array.ndim() != 1 || !(whole || array.size() == 0)) {
    throw py::value_error("expected a list of integer indices for stream '" +
                          stream + "', received " + described(array));
  }
  const auto wide =
      py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>(
          array);
  return std::vector<std::int64_t>(wide.data(), wide.data() + wide.size());
}

ConstImage checked_image(const py::object& object) {
  const py::array array = checked_images(
      object, 3, "a uint8 image of shape (height, width, channels)");
  const Shape shape = shape_of(array, 0);
  if ((shape.channels != 1 && shape.channels != 3) || shape.height < 1 ||
      shape.width < 1 || shape.height > kLargestSide ||
      shape.width > kLargestSide) {
    throw py::value_error("expected an image with 1 or 3 channels and 1 to " +
                          std::to_string(kLargestSide) +
                          " pixels in height and width, received " +
                          described(array));
  }
  return {static_cast<const std::uint8_t*>(array.data()), shape};
}

Policy policy_of(const py::object& config) {
  Policy policy;
  bool first = true;
  for (const py::object entry : sequence_of(config, "a list of stages", 0)) {
    if (first && py::isinstance<py::dict>(entry)) {
      const py::dict options =
          options_of(py::reinterpret_borrow<py::sequence>(config), 0, {"size"});
      const auto [height, width] = option<std::pair<int, int>>(
          options, "size", "(height, width)", {0, 0});
      policy.height = height;
      policy.width = width;
    } else {
      policy.stages.push_back(stage_of(entry));
    }
    first = false;
  }
  check_policy(policy);
  return policy;
}

std::uint64_t seed_of(const py::object& seed) {
  const auto number =
      py::reinterpret_steal<py::object>(PyNumber_Index(seed.ptr()));
  if (!number) throw py::error_already_set();
  const unsigned long long value = PyLong_AsUnsignedLongLong(number.ptr());
  if (PyErr_Occurred() == nullptr) return value;
  PyErr_Clear();
  throw py::value_error("expected a seed in [0, 2**64), received " +
                        std::string(py::str(number)));
}

std::size_t counted(std::int64_t number, const char* what) {
  if (number < 0) {
    throw py::value_error(std::string("expected ") + what + " >= 0, received " +
                          std::to_string(number));
  }
  return static_cast<std::size_t>(number);
}

}  // namespace keras_ssl
