// What a sampler is made of: streams of images and views of them, plain data,
// and the checks they must pass.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "image.h"
#include "policy.h"

namespace keras_ssl {

/// Images that feed a stream, in an endless walk of their own: every batch
/// takes `items` of them, item i of step s from position s * items + i of the
/// walk.
struct Pool {
  /// "stream" or "stream/pool". Order and draws are keyed by this name, so they
  /// depend on no other pool, neither on its size nor on its presence.
  std::string name;
  const std::uint8_t* pixels = nullptr;  // not owned; [count, shape]
  std::int64_t count = 0;
  Shape shape;
  std::optional<std::vector<std::int64_t>> rows;  // which images; default all
  std::int64_t items = 0;

  std::int64_t size() const {
    return rows ? static_cast<std::int64_t>(rows->size()) : count;
  }
};

/// A batch holds the items of the first pool, then those of the second, and so
/// on. An example's index counts through the pools in the same order.
struct Stream {
  std::string name;
  std::vector<Pool> pools;  // at least one, with images of one shape

  const Shape& shape() const { return pools.front().shape; }
  std::int64_t batch_size() const;
  std::size_t batch_items() const {
    return static_cast<std::size_t>(batch_size());
  }
};

/// Pools as streams, both in the order of their first mention: the name of the
/// stream is what stands before the '/' of the pool's name.
std::vector<Stream> streams_of(std::vector<Pool> pools);

/// What one named entry of a batch shows of a stream. Views of one stream show
/// the same examples, each with its own draws.
struct View {
  std::string name;
  std::string stream;
  Policy policy;
};

/// Which part of every global batch this process delivers: of a stream's n
/// items those from n * process / processes on, n / processes in number.
struct Slice {
  std::size_t process = 0;
  std::size_t processes = 1;

  std::size_t items_of(const Stream& stream) const {
    return stream.batch_items() / processes;
  }
};

/// Throws std::invalid_argument unless every stream can be sliced.
void check_slice(const Slice& slice, const std::vector<Stream>& streams);

/// Throws std::invalid_argument, and std::out_of_range for rows.
void check_streams_and_views(const std::vector<Stream>& streams,
                             const std::vector<View>& views);

/// Throws std::invalid_argument: expected ..., received ...
[[noreturn]] void refuse(const std::string& expected,
                         const std::string& received);

}  // namespace keras_ssl
