// Memory that ops work in: one Scratch per thread, grown once and kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

#include "image.h"
#include "workspace.h"

namespace keras_ssl {

class Scratch {
 public:
  /// Ops may read this far beyond the end of an image in a room.
  static constexpr std::size_t kSlack = 64;

  enum Room {
    kApplications,  // the ops that an image gets
    kDrawn,         // and what was drawn for each
    kNoise,         // random words
    kFirstImage,    // where an image stands between ops
    kSecondImage,   // so that the next op has somewhere to write
    kStrip,         // rows of the result, before they leave the caches
    kMap,           // where rows and columns come from
    kOtherMap,      // the same while two maps are being joined
    kSpans,         // runs of columns that move together
    kMoves,         // the ops that bring them in
    kOutside,       // which pixels came from outside of the image
    kRooms
  };

  /// At least `bytes` of memory, aligned to a cache line, and slack after it.
  /// Valid until the same room is asked for more.
  std::uint8_t* bytes(Room room, std::size_t bytes) {
    Block& block = blocks_[room];
    if (block.size < bytes || !block.memory) {
      block.memory.reset(static_cast<std::uint8_t*>(
          ::operator new(bytes + kSlack, std::align_val_t{64})));
      block.size = bytes;
    }
    return block.memory.get();
  }
  int* ints(Room room, std::size_t count) {
    return reinterpret_cast<int*>(bytes(room, count * sizeof(int)));
  }
  Image image(Room room, const Shape& shape) {
    return {bytes(room, shape.bytes()), shape};
  }

  /// What one op needs while it runs.
  Workspace& workspace() {
    workspace_.restart();
    return workspace_;
  }

  /// Another scratch, for a chain within the chain.
  Scratch& inner() {
    if (!inner_) inner_ = std::make_unique<Scratch>();
    return *inner_;
  }

 private:
  struct Free {
    void operator()(std::uint8_t* memory) const {
      ::operator delete(memory, std::align_val_t{64});
    }
  };
  struct Block {
    std::unique_ptr<std::uint8_t, Free> memory;
    std::size_t size = 0;
  };
  Block blocks_[kRooms];
  Workspace workspace_;
  std::unique_ptr<Scratch> inner_;
};

}  // namespace keras_ssl
