// Memory that ops work in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace keras_ssl {

/// Hands out arrays for the length of one op. One per thread; it grows to what
/// the greediest op needs, keeps that, and then never allocates again.
class Workspace {
 public:
  /// Bytes behind every array that may be read and written too, so that loops
  /// can move whole words.
  static constexpr std::size_t kSlack = 16;

  /// Begins an op: what was handed out before is handed out again.
  void restart();

  /// `count` values, not set to anything, aligned to 64 bytes, valid until
  /// restart().
  template <typename Value>
  Value* array(std::size_t count) {
    return static_cast<Value*>(take(count * sizeof(Value)));
  }

 private:
  struct Block {
    explicit Block(std::size_t bytes);
    std::unique_ptr<std::uint8_t[]> memory;
    std::uint8_t* begin;  // the first aligned byte
    std::size_t size;
  };

  void* take(std::size_t bytes);

  std::vector<Block> blocks_;  // more than one only until restart()
  std::size_t used_ = 0;       // of the last block
};

}  // namespace keras_ssl
