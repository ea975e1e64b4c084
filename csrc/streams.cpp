#include "streams.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace keras_ssl {
namespace {

std::string quoted(const std::string& name) { return "'" + name + "'"; }

/// Names enter the draws as "stream/view", so a slash could make two pairs of
/// names one.
void check_name(const std::string& name, const char* what) {
  if (name.empty() || name.find('/') != std::string::npos) {
    refuse(std::string("a ") + what + " name without '/' and not empty",
           quoted(name));
  }
}

template <typename Named>
void check_distinct(const std::vector<Named>& items, const char* what) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    check_name(items[i].name, what);
    for (std::size_t j = 0; j < i; ++j) {
      if (items[i].name == items[j].name) {
        refuse(std::string("distinct ") + what + " names",
               quoted(items[i].name) + " twice");
      }
    }
  }
}

void check_rows(const Stream& stream) {
  if (!stream.rows) return;
  for (const std::int64_t row : *stream.rows) {
    if (row >= 0 && row < stream.count) continue;
    throw std::out_of_range("expected indices in [0, " +
                            std::to_string(stream.count) + ") for stream " +
                            quoted(stream.name) + ", received " +
                            std::to_string(row));
  }
}

void check_stream(const Stream& stream) {
  const Shape& shape = stream.shape;
  const std::string of = " for stream " + quoted(stream.name);
  if (shape.channels != 1 && shape.channels != 3) {
    refuse("images with 1 or 3 channels" + of, std::to_string(shape.channels));
  }
  if (shape.height < 1 || shape.width < 1 || shape.height > kLargestSide ||
      shape.width > kLargestSide) {
    refuse("images of 1 to " + std::to_string(kLargestSide) +
               " pixels in height and width" + of,
           std::to_string(shape.height) + " x " + std::to_string(shape.width));
  }
  if (stream.pool_size() < 1) {
    refuse("at least one example" + of, "an empty pool");
  }
  if (stream.pool_size() > std::numeric_limits<std::int32_t>::max()) {
    refuse("a pool whose positions fit into int32" + of,
           std::to_string(stream.pool_size()) + " examples");
  }
  if (stream.batch_size < 1 ||
      stream.batch_size > std::numeric_limits<std::int32_t>::max()) {
    refuse("a batch size of at least 1" + of,
           std::to_string(stream.batch_size));
  }
  check_rows(stream);
}

void check_view(const View& view, const std::vector<Stream>& streams) {
  if (view.name == "order") {
    refuse("another view name, as the order of a stream draws under it",
           "'order'");
  }
  if (std::none_of(streams.begin(), streams.end(), [&](const Stream& stream) {
        return stream.name == view.stream;
      })) {
    refuse("the name of a stream for view " + quoted(view.name),
           quoted(view.stream));
  }
  check_policy(view.policy);
}

}  // namespace

void refuse(const std::string& expected, const std::string& received) {
  throw std::invalid_argument("expected " + expected + ", received " +
                              received);
}

void check_streams_and_views(const std::vector<Stream>& streams,
                             const std::vector<View>& views) {
  if (streams.empty()) refuse("at least one stream", "none");
  check_distinct(streams, "stream");
  check_distinct(views, "view");
  for (const Stream& stream : streams) check_stream(stream);
  for (const View& view : views) check_view(view, streams);
  for (const Stream& stream : streams) {
    if (std::none_of(views.begin(), views.end(), [&](const View& view) {
          return view.stream == stream.name;
        })) {
      refuse("a view of every stream", "none of " + quoted(stream.name));
    }
  }
}

}  // namespace keras_ssl
