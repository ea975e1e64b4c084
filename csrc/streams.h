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

/// An endless walk over a pool of images. Item i of the batch of step s stands
/// at position s * batch_size + i of the walk.
struct Stream {
  std::string name;
  const std::uint8_t* pixels = nullptr;  // not owned; [count, shape]
  std::int64_t count = 0;
  Shape shape;
  std::optional<std::vector<std::int64_t>> rows;  // the pool; default all
  std::int64_t batch_size = 0;

  std::int64_t pool_size() const {
    return rows ? static_cast<std::int64_t>(rows->size()) : count;
  }
  std::size_t batch_items() const {
    return static_cast<std::size_t>(batch_size);
  }
};

/// What one named entry of a batch shows of a stream. Views of one stream show
/// the same examples, each with its own draws.
struct View {
  std::string name;
  std::string stream;
  Policy policy;
};

/// Throws std::invalid_argument, and std::out_of_range for rows.
void check_streams_and_views(const std::vector<Stream>& streams,
                             const std::vector<View>& views);

/// Throws std::invalid_argument: expected ..., received ...
[[noreturn]] void refuse(const std::string& expected,
                         const std::string& received);

}  // namespace keras_ssl
