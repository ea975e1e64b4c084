// Batches of several views over several streams. A batch is a pure function
// of (configuration, seed, step): threads, ring and history never show in it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "batch_ring.h"
#include "source.h"

namespace keras_ssl {

/// The number of CPUs this process may use.
std::size_t available_threads();

class Sampler {
 public:
  /// Checks everything and starts nothing. Positions are those of the global
  /// batch, whatever `slice` of it is delivered. `threads` 0 means
  /// available_threads(); `ring` is how many batches are made ahead. Throws
  /// std::invalid_argument, and std::out_of_range for rows.
  Sampler(std::vector<Pool> pools, std::vector<View> views, std::uint64_t seed,
          std::size_t threads, std::size_t ring, Slice slice = {});
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;
  ~Sampler();

  /// Right for any step in any order, fast for one after the other; may be
  /// called from several threads, and from a forked child. Whoever has to wait
  /// is asked now and then whether to `go_on`; if not, nothing is returned.
  std::shared_ptr<Batch> get(std::uint64_t step,
                             const std::function<bool()>& go_on = {});
  void close();
  double wait_seconds() const;

  /// From batch `step` on, the learned stage of a view draws levels with these
  /// rates. Batches from there on that stood ready are made anew.
  void set_rates(std::size_t view, std::uint64_t step, Rates rates);
  Record record(std::size_t view, std::uint64_t step) const {
    return source_->record(view, step);
  }

  std::size_t threads() const { return threads_; }
  const std::vector<Stream>& streams() const { return source_->streams(); }
  const std::vector<View>& views() const { return source_->views(); }
  const Stream& stream_of(std::size_t view) const {
    return source_->stream_of(view);
  }
  Shape shape_of(std::size_t view) const { return source_->shape_of(view); }
  std::size_t items_of(const Stream& stream) const {
    return source_->items_of(stream);
  }

 private:
  BatchRing& ring();

  std::unique_ptr<Source> source_;
  const std::size_t threads_;
  const std::size_t ahead_;
  std::atomic<bool> closed_{false};
  // Owned, but for the ring a forked child inherits: its threads do not exist
  // there and its lock may be held by one of them, so it is left alone.
  std::atomic<BatchRing*> ring_;
};

}  // namespace keras_ssl
