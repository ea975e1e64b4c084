// What the batches of a sampler hold, and how a part of one is filled. Which
// thread does that, and when, is the business of batch_ring.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "batch_ring.h"
#include "streams.h"

namespace keras_ssl {

/// What a view drew for its items: for each application of an op the number of
/// the choice, -1 if none was applied, and its two levels in [0, 1).
struct Record {
  std::size_t items = 0;
  std::size_t applications = 0;
  std::vector<std::int32_t> choices;  // [items, applications]
  std::vector<double> levels;         // [items, applications, 2]
};

class Source : public BatchSource {
 public:
  /// Throws std::invalid_argument, and std::out_of_range for rows.
  Source(std::vector<Pool> pools, std::vector<View> views, std::uint64_t seed,
         std::size_t threads, const Slice& slice);

  std::shared_ptr<Batch> blank(BufferPool& pool) const override;
  std::size_t buffers() const override;
  std::size_t parts() const override { return parts_.size(); }
  void fill(std::uint64_t step, std::size_t part, Batch& batch,
            Scratch& scratch) const override;

  /// Beyond it, positions would not fit into 63 bits.
  std::uint64_t last_step() const;

  /// From batch `step` on, the learned stage of a view draws levels with these
  /// rates, whatever was said for later steps before.
  void set_rates(std::size_t view, std::uint64_t step, Rates rates);
  /// What fill() draws, without touching a pixel.
  Record record(std::size_t view, std::uint64_t step) const;

  const std::vector<Stream>& streams() const { return streams_; }
  const std::vector<View>& views() const { return views_; }
  const Stream& stream_of(std::size_t view) const {
    return streams_[stream_numbers_[view]];
  }
  Shape shape_of(std::size_t view) const {
    return views_[view].policy.shape_of(stream_of(view).shape());
  }
  /// How many items of a stream are delivered.
  std::size_t items_of(const Stream& stream) const {
    return slice_.items_of(stream);
  }

 private:
  /// Items [first, last) of one pool, in all views of its stream.
  struct Part {
    std::size_t stream;
    std::size_t pool;
    std::size_t first;
    std::size_t last;
    std::size_t place;           // where the batch shows the first of them
    std::uint64_t index_offset;  // the examples of the pools before this one
  };

  /// A view as one pool feeds it.
  struct Feed {
    std::size_t view;
    std::uint32_t domain;
  };

  struct TimedRates {
    std::uint64_t step;
    std::shared_ptr<const Rates> rates;
  };
  /// Rates that were replaced are remembered for so many steps back.
  static constexpr std::size_t kKeptRates = 256;

  void divide(std::size_t threads);
  void divide_stream(std::size_t stream, std::size_t size);
  std::shared_ptr<const Rates> rates_at(std::size_t view,
                                        std::uint64_t step) const;

  const std::vector<Stream> streams_;
  const std::vector<View> views_;
  const std::uint64_t seed_;
  const Slice slice_;
  std::vector<std::size_t> stream_numbers_;         // of each view
  std::vector<std::vector<std::size_t>> views_of_;  // of each stream
  std::vector<Part> parts_;
  std::vector<std::vector<TimedRates>> rates_;  // of each view, by step
};

}  // namespace keras_ssl
