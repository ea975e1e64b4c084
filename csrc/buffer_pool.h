// Output memory that is used again once nobody looks at it any more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

#ifndef _WIN32
#include <unistd.h>
#endif

namespace keras_ssl {

/// Tells a forked child from its parent; constant where there is no fork.
inline long process_id() {
#ifdef _WIN32
  return 0;
#else
  return static_cast<long>(::getpid());
#endif
}

/// Memory with shared owners. The last one to let go, be it an array of the
/// caller's, hands it back to its pool.
using Buffer = std::shared_ptr<std::uint8_t>;

class BufferPool : public std::enable_shared_from_this<BufferPool> {
 public:
  /// What JAX and vector loads ask for.
  static constexpr std::align_val_t kAlignment{64};

  /// Keeps up to `spare` idle buffers of each size.
  explicit BufferPool(std::size_t spare) : spare_(spare) {}
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;
  ~BufferPool() { retire(); }

  Buffer take(std::size_t bytes) {
    auto pool = shared_from_this();
    std::uint8_t* memory = take_idle(bytes);
    if (memory == nullptr) {
      memory = static_cast<std::uint8_t*>(::operator new(bytes, kAlignment));
    }
    return Buffer(memory, [pool = std::move(pool), bytes](std::uint8_t* gone) {
      pool->give_back(gone, bytes);
    });
  }

  /// Frees what is idle and keeps nothing from now on.
  void retire() {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (auto& [bytes, memories] : idle_) {
      for (std::uint8_t* memory : memories) free_memory(memory);
    }
    idle_.clear();
    spare_ = 0;
  }

 private:
  static void free_memory(std::uint8_t* memory) noexcept {
    ::operator delete(memory, kAlignment);
  }

  std::uint8_t* take_idle(std::size_t bytes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    auto& memories = idle_[bytes];
    memories.reserve(spare_);  // so that giving back cannot fail
    if (memories.empty()) return nullptr;
    std::uint8_t* memory = memories.back();
    memories.pop_back();
    return memory;
  }

  void give_back(std::uint8_t* memory, std::size_t bytes) noexcept {
    // In a forked child the lock may stand closed for ever.
    if (process_id() != owner_) return free_memory(memory);
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      const auto place = idle_.find(bytes);
      if (place != idle_.end() && place->second.size() < spare_) {
        place->second.push_back(memory);
        return;
      }
    }
    free_memory(memory);
  }

  const long owner_ = process_id();
  std::mutex mutex_;
  std::size_t spare_;
  std::map<std::size_t, std::vector<std::uint8_t*>> idle_;
};

}  // namespace keras_ssl
