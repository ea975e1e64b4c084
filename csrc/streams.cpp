#include "streams.h"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

namespace keras_ssl {
namespace {

constexpr std::int64_t kMostExamples = std::numeric_limits<std::int32_t>::max();

std::string quoted(const std::string& name) { return "'" + name + "'"; }

/// Names enter the draws as "stream/view" or "stream/pool/view", so a slash
/// could make two of these one.
void check_name(const std::string& name, const char* what) {
  if (name.empty() || name.find('/') != std::string::npos) {
    refuse(std::string("a ") + what + " name without '/' and not empty",
           quoted(name));
  }
}

template <typename Named>
void check_distinct(const std::vector<Named>& items, const char* what) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (items[i].name == items[j].name) {
        refuse(std::string("distinct ") + what + " names",
               quoted(items[i].name) + " twice");
      }
    }
  }
}

void check_names(const Stream& stream) {
  check_name(stream.name, "stream");
  check_distinct(stream.pools, "stream");
  for (const Pool& pool : stream.pools) {
    if (pool.name == stream.name) continue;
    check_name(pool.name.substr(stream.name.size() + 1), "pool");
  }
}

void check_rows(const Pool& pool) {
  if (!pool.rows) return;
  for (const std::int64_t row : *pool.rows) {
    if (row >= 0 && row < pool.count) continue;
    throw std::out_of_range("expected indices in [0, " +
                            std::to_string(pool.count) + ") for stream " +
                            quoted(pool.name) + ", received " +
                            std::to_string(row));
  }
}

void check_pool(const Pool& pool) {
  const Shape& shape = pool.shape;
  const std::string of = " for stream " + quoted(pool.name);
  if (shape.channels != 1 && shape.channels != 3) {
    refuse("images with 1 or 3 channels" + of, std::to_string(shape.channels));
  }
  if (shape.height < 1 || shape.width < 1 || shape.height > kLargestSide ||
      shape.width > kLargestSide) {
    refuse("images of 1 to " + std::to_string(kLargestSide) +
               " pixels in height and width" + of,
           std::to_string(shape.height) + " x " + std::to_string(shape.width));
  }
  if (pool.size() < 1) refuse("at least one example" + of, "an empty pool");
  if (pool.items < 1 || pool.items > kMostExamples) {
    refuse("a batch size of at least 1" + of, std::to_string(pool.items));
  }
  check_rows(pool);
}

std::string described(const Shape& shape) {
  return std::to_string(shape.height) + " x " + std::to_string(shape.width) +
         " x " + std::to_string(shape.channels);
}

void check_stream(const Stream& stream) {
  const std::string of = " for stream " + quoted(stream.name);
  std::int64_t examples = 0;
  std::int64_t items = 0;
  for (const Pool& pool : stream.pools) {
    check_pool(pool);
    if (described(pool.shape) != described(stream.shape())) {
      refuse("images of one shape" + of + ", here " + described(stream.shape()),
             described(pool.shape) + " in " + quoted(pool.name));
    }
    examples += pool.size();
    items += pool.items;
  }
  if (examples > kMostExamples || items > kMostExamples) {
    refuse("pools and batches whose positions fit into int32" + of,
           std::to_string(std::max(examples, items)) + " examples");
  }
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
  for (const Stream& stream : streams) {
    if (stream.name == view.stream)
      check_policy_for(view.policy, stream.shape());
  }
}

}  // namespace

std::int64_t Stream::batch_size() const {
  std::int64_t items = 0;
  for (const Pool& pool : pools) items += pool.items;
  return items;
}

std::vector<Stream> streams_of(std::vector<Pool> pools) {
  std::vector<Stream> streams;
  for (Pool& pool : pools) {
    const std::string name = pool.name.substr(0, pool.name.find('/'));
    auto stream = std::find_if(
        streams.begin(), streams.end(),
        [&name](const Stream& other) { return other.name == name; });
    if (stream == streams.end()) stream = streams.insert(stream, {name, {}});
    stream->pools.push_back(std::move(pool));
  }
  return streams;
}

void refuse(const std::string& expected, const std::string& received) {
  throw std::invalid_argument("expected " + expected + ", received " +
                              received);
}

void check_slice(const Slice& slice, const std::vector<Stream>& streams) {
  if (slice.process >= slice.processes) {
    refuse("a process below the number of processes, " +
               std::to_string(slice.processes),
           std::to_string(slice.process));
  }
  for (const Stream& stream : streams) {
    if (stream.batch_items() % slice.processes == 0) continue;
    refuse("batches that " + std::to_string(slice.processes) +
               " processes divide for stream " + quoted(stream.name),
           std::to_string(stream.batch_items()) + " items");
  }
}

void check_streams_and_views(const std::vector<Stream>& streams,
                             const std::vector<View>& views) {
  if (streams.empty()) refuse("at least one stream", "none");
  check_distinct(views, "view");
  for (const View& view : views) check_name(view.name, "view");
  for (const Stream& stream : streams) {
    check_names(stream);
    check_stream(stream);
  }
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
