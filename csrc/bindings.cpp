// The only file that knows Python: it checks arrays, moves buffers and lets go
// of the GIL while the core works.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <exception>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "bindings_arguments.h"
#include "drawing.h"
#include "noise_ops.h"
#include "order.h"
#include "rng.h"
#include "sampler.h"

namespace keras_ssl {
namespace {

using PoolTuple = std::tuple<std::string, py::object, py::object, std::int64_t>;
using ViewTuple = std::tuple<std::string, std::string, py::object>;

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

/// Lets go of the GIL while `work` runs, which gets a function to ask whether
/// to go on: false once a Python error, such as KeyboardInterrupt, is set.
///
/// No guard, as elsewhere in pybind11: while Python exits, asking for the GIL
/// ends a thread by unwinding it, and out of a destructor that aborts the
/// process.
template <typename Work>
void without_gil(Work work) {
  PyThreadState* state = PyEval_SaveThread();
  const auto go_on = [&state] {
    PyEval_RestoreThread(state);
    const bool undisturbed = PyErr_CheckSignals() == 0;
    state = PyEval_SaveThread();
    return undisturbed;
  };
  std::exception_ptr error;
  try {
    work(go_on);
  } catch (const std::exception&) {
    error = std::current_exception();
  }
  PyEval_RestoreThread(state);
  if (error) std::rethrow_exception(error);
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

  py::dict batch(std::int64_t step) {
    const std::size_t number = counted(step, "a step");
    std::shared_ptr<Batch> made;
    without_gil(
        [&](const auto& go_on) { made = sampler_->get(number, go_on); });
    if (!made) throw py::error_already_set();
    py::dict arrays;
    for (std::size_t i = 0; i < made->views.size(); ++i) {
      const py::ssize_t items = delivered(sampler_->stream_of(i));
      const Shape shape = sampler_->shape_of(i);
      const std::string& name = sampler_->views()[i].name;
      arrays[py::str(name)] = array_of<std::uint8_t>(
          made->views[i], {items, shape.height, shape.width, shape.channels});
      if (made->turns[i]) {
        arrays[py::str("turns/" + name)] =
            array_of<std::int32_t>(made->turns[i], {items});
      }
    }
    for (std::size_t i = 0; i < made->indices.size(); ++i) {
      const Stream& stream = sampler_->streams()[i];
      arrays[py::str("index/" + stream.name)] =
          array_of<std::int32_t>(made->indices[i], {delivered(stream)});
    }
    return arrays;
  }

  void set_rates(const std::string& view, std::int64_t step,
                 const std::vector<std::vector<std::vector<double>>>& weights) {
    Rates rates;
    for (const auto& of_choice : weights) {
      if (of_choice.size() > 2) {
        throw py::value_error(
            "expected rates of at most 2 levels for an op, "
            "received " +
            std::to_string(of_choice.size()));
      }
      rates.emplace_back();
      for (std::size_t i = 0; i < of_choice.size(); ++i) {
        rates.back()[i] = Density(of_choice[i]);
      }
    }
    sampler_->set_rates(view_numbered(view), counted(step, "a step"),
                        std::move(rates));
  }

  py::tuple drawn(const std::string& view, std::int64_t step) const {
    const Record record =
        sampler_->record(view_numbered(view), counted(step, "a step"));
    const std::vector<std::size_t> shape = {record.items, record.applications};
    py::array_t<std::int32_t> choices(shape, record.choices.data());
    py::array_t<double> levels(
        std::vector<std::size_t>{record.items, record.applications, 2},
        record.levels.data());
    return py::make_tuple(choices, levels);
  }

  void close() {
    without_gil([this](const auto&) { sampler_->close(); });
    arrays_.clear();
  }

  double wait_seconds() const { return sampler_->wait_seconds(); }
  std::size_t threads() const { return sampler_->threads(); }

 private:
  std::size_t view_numbered(const std::string& name) const {
    const std::vector<View>& views = sampler_->views();
    for (std::size_t i = 0; i < views.size(); ++i) {
      if (views[i].name == name) return i;
    }
    throw py::value_error("expected the name of a view, received '" + name +
                          "'");
  }

  py::ssize_t delivered(const Stream& stream) const {
    return static_cast<py::ssize_t>(sampler_->items_of(stream));
  }

  std::vector<py::array> arrays_;  // outlive the threads that read them
  std::unique_ptr<Sampler> sampler_;
};

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
  if (resizes(rule.kind)) {
    throw py::value_error(
        "expected 'resize' and the crops that resize in a "
        "policy with a size, received a single op; "
        "resized() takes a box");
  }
  auto [array, out] = blank_image(in.shape);
  const Application application{rule.kind, checked};
  Scratch scratch;
  engine().run(&application, &application + 1, in, out, scratch);
  return array;
}

Filter filter_named(const std::string& name) {
  const std::vector<std::string> names = {"lanczos", "bicubic", "bilinear",
                                          "box",     "hamming", "nearest"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (name == names[i]) return static_cast<Filter>(i);
  }
  throw py::value_error(
      "expected a filter among lanczos, bicubic, bilinear, box, hamming, "
      "nearest; received '" +
      name + "'");
}

ByteArray resized(const py::object& image,
                  const std::tuple<float, float, float, float>& box,
                  const std::pair<int, int>& size, const std::string& filter) {
  const ConstImage in = checked_image(image);
  const auto [left, top, right, bottom] = box;
  const auto [height, width] = size;
  if (!(left >= 0 && top >= 0 && left < right && top < bottom &&
        right <= static_cast<float>(in.shape.width) &&
        bottom <= static_cast<float>(in.shape.height))) {
    throw py::value_error(
        "expected a box (left, top, right, bottom) inside the image and not "
        "empty, received " +
        std::string(py::str(py::cast(box))));
  }
  if (height < 1 || width < 1 || height > kLargestSide ||
      width > kLargestSide) {
    throw py::value_error("expected a size of 1 to " +
                          std::to_string(kLargestSide) + " pixels, received " +
                          std::string(py::str(py::cast(size))));
  }
  auto [array, out] = blank_image({height, width, in.shape.channels});
  Workspace workspace;
  engine().resize(in, out, {left, top, right, bottom}, filter_named(filter),
                  workspace);
  return array;
}

ByteArray add_noise_to(const py::object& image, double sigma,
                       const py::array& words) {
  const ConstImage in = checked_image(image);
  if (!(sigma >= 0.0 && sigma <= 1e6)) {
    throw py::value_error("expected a sigma in [0, 1e6], received " +
                          text_of(sigma));
  }
  const std::size_t needed = noise_words(in.shape.bytes());
  if (!py::isinstance<py::array_t<std::uint32_t, py::array::c_style>>(words) ||
      words.ndim() != 1 || static_cast<std::size_t>(words.size()) < needed) {
    throw py::value_error("expected at least " + std::to_string(needed) +
                          " words of dtype uint32, received " +
                          std::string(py::str(words.dtype())) + " of shape " +
                          std::string(py::str(words.attr("shape"))));
  }
  auto [array, out] = blank_image(in.shape);
  const Application application{
      OpKind::kNoise, {sigma}, static_cast<const std::uint32_t*>(words.data())};
  Scratch scratch;
  engine().run(&application, &application + 1, in, out, scratch);
  return array;
}

ByteArray apply_policy_to(const py::object& stages, const py::object& image,
                          const py::object& seed, std::uint64_t position,
                          const std::string& stream, const std::string& view) {
  const ConstImage in = checked_image(image);
  const Policy policy = policy_of(stages);
  check_policy_for(policy, in.shape);
  auto [array, out] = blank_image(policy.shape_of(in.shape));
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
  namespace py = pybind11;
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
      .def(
          "set_rates", &PySampler::set_rates, py::arg("view"), py::arg("step"),
          py::arg("rates"),
          "From batch `step` on, the learned stage of a view draws levels with "
          "these rates: for each op a list of weights of bins for each level.")
      .def("drawn", &PySampler::drawn, py::arg("view"), py::arg("step"),
           "What a view draws at a step: int32 choices (items, applications), "
           "-1 where none is applied, and float64 levels (items, applications, "
           "2).")
      .def("close", &PySampler::close)
      .def_property_readonly("wait_seconds", &PySampler::wait_seconds)
      .def_property_readonly("threads", &PySampler::threads)
      .def("__enter__", [](py::object self) { return self; })
      .def("__exit__", [](PySampler& self, const py::args&) { self.close(); });

  module.def("apply_op", &keras_ssl::apply_op_to, py::arg("name"),
             py::arg("image"), "One op with explicit parameters.");
  module.def("resized", &keras_ssl::resized, py::arg("image"), py::arg("box"),
             py::arg("size"), py::arg("filter"),
             "A part (left, top, right, bottom) of an image, scaled to "
             "(height, width).");
  module.def("add_noise", &keras_ssl::add_noise_to, py::arg("image"),
             py::arg("sigma"), py::arg("words"),
             "An image with Gaussian noise of sigma gray levels, made of "
             "random words.");
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
