// The only file that knows Python: it checks arrays, moves buffers and lets go
// of the GIL while the core works.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "order.h"
#include "policy.h"
#include "rng.h"
#include "sampler.h"

namespace py = pybind11;

namespace keras_ssl {
namespace {

using ByteArray = py::array_t<std::uint8_t>;
using ChoiceTuple = std::tuple<std::string, double, double, double>;
using StageTuples =
    std::vector<std::pair<std::int64_t, std::vector<ChoiceTuple>>>;
using PoolTuple = std::tuple<std::string, py::object, py::object, std::int64_t>;
using ViewTuple = std::tuple<std::string, std::string, StageTuples>;

std::string described(const py::object& object) {
  if (!py::isinstance<py::array>(object)) {
    return "an object of type " +
           std::string(py::str(py::type::of(object).attr("__name__")));
  }
  return std::string(py::str(object.attr("dtype"))) + " of shape " +
         std::string(py::str(object.attr("shape")));
}

/// The array itself, never a copy: the core reads the caller's memory.
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
  if (!array) throw py::error_already_set();
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

Policy policy_of(const StageTuples& stages) {
  Policy policy;
  for (const auto& [draws, choices] : stages) {
    if (draws < 0 || draws > std::numeric_limits<std::int32_t>::max()) {
      throw py::value_error("expected draws >= 0 in a stage, received " +
                            std::to_string(draws));
    }
    Stage stage;
    stage.draws = static_cast<std::uint32_t>(draws);
    for (const auto& [name, probability, low, high] : choices) {
      stage.choices.push_back({rule_named(name).kind, probability, low, high});
    }
    policy.stages.push_back(std::move(stage));
  }
  check_policy(policy);
  return policy;
}

/// Any Python integer, so that a negative one is told from a wrong type.
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

/// An array that shows a buffer and keeps it from being used again.
template <typename Value>
py::array_t<Value> array_of(const Buffer& buffer,
                            const std::vector<py::ssize_t>& shape) {
  auto owner = std::make_unique<Buffer>(buffer);
  const py::capsule keeper(owner.get(), [](void* held) {
    const std::unique_ptr<Buffer> released(static_cast<Buffer*>(held));
  });
  owner.release();
  return py::array_t<Value>(shape, reinterpret_cast<const Value*>(buffer.get()),
                            keeper);
}

class PySampler {
 public:
  PySampler(const std::vector<PoolTuple>& pools,
            const std::vector<ViewTuple>& views, const py::object& seed,
            std::int64_t threads, std::int64_t ring, std::int64_t process,
            std::int64_t processes) {
    std::vector<Pool> core_pools;
    for (const auto& [name, images, rows, items] : pools) {
      const py::array array = checked_images(
          images, 4, "uint8 images of shape (count, height, width, channels)");
      core_pools.push_back(
          {name, static_cast<const std::uint8_t*>(array.data()), array.shape(0),
           shape_of(array, 1), rows_of(rows, name), items});
      arrays_.push_back(array);
    }
    std::vector<View> core_views;
    for (const auto& [name, stream, stages] : views) {
      core_views.push_back({name, stream, policy_of(stages)});
    }
    sampler_ = std::make_unique<Sampler>(
        std::move(core_pools), std::move(core_views), seed_of(seed),
        counted(threads, "threads"), counted(ring, "ring"),
        Slice{counted(process, "process"), counted(processes, "processes")});
  }
  PySampler(const PySampler&) = delete;
  PySampler& operator=(const PySampler&) = delete;

  ~PySampler() {
    const py::gil_scoped_release release;
    sampler_.reset();
  }

  py::dict batch(std::int64_t step) {
    const std::size_t number = counted(step, "a step");
    std::shared_ptr<Batch> made;
    {
      const py::gil_scoped_release release;
      made = sampler_->get(number);
    }
    py::dict arrays;
    for (std::size_t i = 0; i < made->views.size(); ++i) {
      const Stream& stream = sampler_->stream_of(i);
      const Shape& shape = stream.shape();
      arrays[py::str(sampler_->views()[i].name)] = array_of<std::uint8_t>(
          made->views[i],
          {delivered(stream), shape.height, shape.width, shape.channels});
    }
    for (std::size_t i = 0; i < made->indices.size(); ++i) {
      const Stream& stream = sampler_->streams()[i];
      arrays[py::str("index/" + stream.name)] =
          array_of<std::int32_t>(made->indices[i], {delivered(stream)});
    }
    return arrays;
  }

  void close() {
    {
      const py::gil_scoped_release release;
      sampler_->close();
    }
    arrays_.clear();
  }

  double wait_seconds() const {
    const py::gil_scoped_release release;
    return sampler_->wait_seconds();
  }
  std::size_t threads() const { return sampler_->threads(); }

 private:
  py::ssize_t delivered(const Stream& stream) const {
    return static_cast<py::ssize_t>(sampler_->items_of(stream));
  }

  std::vector<py::array> arrays_;  // outlive the threads that read them
  std::unique_ptr<Sampler> sampler_;
};

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

std::pair<ByteArray, Image> blank_image(const Shape& shape) {
  ByteArray array({shape.height, shape.width, shape.channels});
  const Image image{array.mutable_data(), shape};
  return {std::move(array), image};
}

ByteArray apply_op_to(const std::string& name, const py::object& image,
                      const py::args& values) {
  const ConstImage in = checked_image(image);
  const OpRule& rule = rule_named(name);
  const Values checked =
      checked_values(rule, values.cast<std::vector<double>>(), in.shape);
  auto [array, out] = blank_image(in.shape);
  const Application application{rule.kind, checked};
  Scratch scratch;
  engine().run(&application, &application + 1, in, out, scratch);
  return array;
}

ByteArray apply_policy_to(const StageTuples& stages, const py::object& image,
                          const py::object& seed, std::uint64_t position,
                          const std::string& stream, const std::string& view) {
  const ConstImage in = checked_image(image);
  const Policy policy = policy_of(stages);
  auto [array, out] = blank_image(in.shape);
  Draws draws(seed_of(seed), domain_of(stream, view), position);
  Scratch scratch;
  apply_policy(policy, in, out, draws, scratch);
  return array;
}

std::uint64_t order_index_at(std::uint64_t position, std::uint64_t size,
                             const py::object& seed,
                             const std::string& stream) {
  if (size == 0 || size > std::uint64_t{1} << 62) {
    throw py::value_error("expected a size in [1, 2**62], received " +
                          std::to_string(size));
  }
  return Order(size, seed_of(seed), stream).index_at(position);
}

}  // namespace
}  // namespace keras_ssl

PYBIND11_MODULE(_core, module) {
  using keras_ssl::PySampler;
  module.doc() = "The C++ core of keras_ssl: batches, order and image ops.";

  py::class_<PySampler>(
      module, "Sampler",
      "Makes batches: pure functions of its arguments and a "
      "step. `streams` lists (name, images, rows, items); "
      "'s' and 's/extra' both feed stream 's', whose batch "
      "holds the items of each, in this order. Process p of P "
      "delivers the p-th of P equal parts of every batch.")
      .def(py::init<const std::vector<keras_ssl::PoolTuple>&,
                    const std::vector<keras_ssl::ViewTuple>&, const py::object&,
                    std::int64_t, std::int64_t, std::int64_t, std::int64_t>(),
           py::arg("streams"), py::arg("views"), py::arg("seed") = 0,
           py::arg("threads") = 0, py::arg("ring") = 2, py::arg("process") = 0,
           py::arg("processes") = 1)
      .def("batch", &PySampler::batch, py::arg("step"))
      .def("close", &PySampler::close)
      .def_property_readonly("wait_seconds", &PySampler::wait_seconds)
      .def_property_readonly("threads", &PySampler::threads)
      .def("__enter__", [](py::object self) { return self; })
      .def("__exit__", [](PySampler& self, const py::args&) { self.close(); });

  module.def("apply_op", &keras_ssl::apply_op_to, py::arg("name"),
             py::arg("image"), "One op with explicit parameters.");
  module.def("apply_policy", &keras_ssl::apply_policy_to, py::arg("stages"),
             py::arg("image"), py::arg("seed"), py::arg("position"),
             py::arg("stream"), py::arg("view"),
             "What a sampler shows of an image.");
  module.def(
      "engines",
      [] {
        std::vector<std::string> names;
        for (const auto& engine : keras_ssl::engines()) {
          names.emplace_back(engine.name);
        }
        return names;
      },
      "The instruction sets that this CPU has, the plainest first.");
  module.def(
      "engine", [] { return keras_ssl::engine().name; },
      "The instruction set in use.");
  module.def("use_engine", &keras_ssl::use_engine, py::arg("name"),
             "Uses one of engines() from now on.");
  module.def("index_at", &keras_ssl::order_index_at, py::arg("position"),
             py::arg("size"), py::arg("seed"), py::arg("stream"),
             "Which example stands at a position of a stream.");
  module.def("philox", &keras_ssl::philox, py::arg("counter"), py::arg("key"),
             "Philox4x32-10: four random words.");
}
