#include "workspace.h"

#include <algorithm>

namespace keras_ssl {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kSmallestBlock = 16 * 1024;

std::size_t rounded_up(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

Workspace::Block::Block(std::size_t bytes)
    : memory(std::make_unique<std::uint8_t[]>(bytes + kAlignment)),
      size(bytes) {
  const auto address = reinterpret_cast<std::uintptr_t>(memory.get());
  begin = memory.get() + (rounded_up(address) - address);
}

void Workspace::restart() {
  used_ = 0;
  if (blocks_.size() < 2) return;
  std::size_t total = 0;
  for (const Block& block : blocks_) total += block.size;
  blocks_.clear();
  blocks_.emplace_back(total);
}

/// A full block stays where it is, as its arrays are in use; the next one
/// joins it.
void* Workspace::take(std::size_t bytes) {
  const std::size_t size = rounded_up(bytes + kSlack);
  if (blocks_.empty() || blocks_.back().size - used_ < size) {
    blocks_.emplace_back(std::max(size, kSmallestBlock));
    used_ = 0;
  }
  std::uint8_t* const array = blocks_.back().begin + used_;
  used_ += size;
  return array;
}

}  // namespace keras_ssl
