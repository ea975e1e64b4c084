#include "sampler.h"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <thread>

#include "order.h"
#include "rng.h"

#ifdef __linux__
#include <sched.h>
#endif

namespace keras_ssl {
namespace {

constexpr std::size_t kMostThreads = 1024;
constexpr std::size_t kLongestRing = 64;

}  // namespace

std::size_t available_threads() {
#ifdef __linux__
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof(mask), &mask) == 0) {
    const int count = CPU_COUNT(&mask);
    if (count > 0) return static_cast<std::size_t>(count);
  }
#endif
  return std::max<std::size_t>(1, std::thread::hardware_concurrency());
}

/// What the batches hold; the ring decides who fills them when.
class Sampler::Source : public BatchSource {
 public:
  Source(std::vector<Pool> pools, std::vector<View> views, std::uint64_t seed,
         std::size_t threads, const Slice& slice)
      : streams_(streams_of(std::move(pools))),
        views_(std::move(views)),
        seed_(seed),
        slice_(slice) {
    check_streams_and_views(streams_, views_);
    check_slice(slice_, streams_);
    for (const View& view : views_) link(view);
    divide(threads);
  }

  std::shared_ptr<Batch> blank(BufferPool& pool) const override {
    auto batch = std::make_shared<Batch>();
    for (std::size_t view = 0; view < views_.size(); ++view) {
      const Stream& stream = stream_of(view);
      batch->views.push_back(
          pool.take(slice_.items_of(stream) * stream.shape().bytes()));
    }
    for (const Stream& stream : streams_) {
      batch->indices.push_back(
          pool.take(slice_.items_of(stream) * sizeof(std::int32_t)));
    }
    return batch;
  }

  std::size_t buffers() const override {
    return views_.size() + streams_.size();
  }
  std::size_t parts() const override { return parts_.size(); }

  void fill(std::uint64_t step, std::size_t part_number, Batch& batch,
            Scratch& scratch) const override {
    const Part& part = parts_[part_number];
    const Link& link = links_[part.view];
    const View& view = views_[part.view];
    const Pool& pool = streams_[link.stream].pools[part.pool];
    const std::size_t bytes = pool.shape.bytes();
    Order order(static_cast<std::uint64_t>(pool.size()), seed_, pool.name);
    const std::uint32_t domain = domain_of(pool.name, view.name);
    std::int32_t* indices =
        link.writes_index
            ? reinterpret_cast<std::int32_t*>(batch.indices[link.stream].get())
            : nullptr;
    for (std::size_t item = part.first; item < part.last; ++item) {
      const std::uint64_t position =
          step * static_cast<std::uint64_t>(pool.items) + item;
      const std::uint64_t index = order.index_at(position);
      const std::size_t place = part.place + (item - part.first);
      if (indices != nullptr) {
        indices[place] = static_cast<std::int32_t>(part.index_offset + index);
      }
      const auto row = static_cast<std::size_t>(
          pool.rows ? static_cast<std::uint64_t>((*pool.rows)[index]) : index);
      Draws draws(seed_, domain, position);
      apply_policy(view.policy, {pool.pixels + row * bytes, pool.shape},
                   {batch.views[part.view].get() + place * bytes, pool.shape},
                   draws, scratch);
    }
  }

  /// Beyond it, positions would not fit into 63 bits.
  std::uint64_t last_step() const {
    std::uint64_t last = std::numeric_limits<std::uint64_t>::max();
    for (const Stream& stream : streams_) {
      last =
          std::min(last, (std::uint64_t{1} << 63) / stream.batch_items() - 1);
    }
    return last;
  }

  const std::vector<Stream>& streams() const { return streams_; }
  const std::vector<View>& views() const { return views_; }
  const Stream& stream_of(std::size_t view) const {
    return streams_[links_[view].stream];
  }

 private:
  struct Link {
    std::size_t stream;
    bool writes_index;  // one view per stream does
  };

  /// Items [first, last) of one pool in one view.
  struct Part {
    std::size_t view;
    std::size_t pool;
    std::size_t first;
    std::size_t last;
    std::size_t place;           // where the batch shows the first of them
    std::uint64_t index_offset;  // the examples of the pools before this one
  };

  void link(const View& view) {
    std::size_t stream = 0;
    while (streams_[stream].name != view.stream) ++stream;
    const bool first = std::none_of(
        links_.begin(), links_.end(),
        [stream](const Link& link) { return link.stream == stream; });
    links_.push_back({stream, first});
  }

  /// Parts small enough that the threads finish together, large enough that
  /// taking one costs nothing.
  void divide(std::size_t threads) {
    std::size_t items = 0;
    for (std::size_t view = 0; view < views_.size(); ++view) {
      items += slice_.items_of(stream_of(view));
    }
    const std::size_t size =
        std::clamp<std::size_t>(items / (threads * 8), 1, 32);
    for (std::size_t view = 0; view < views_.size(); ++view) {
      divide(view, size);
    }
  }

  void divide(std::size_t view, std::size_t size) {
    const Stream& stream = stream_of(view);
    const std::size_t begin = slice_.items_of(stream) * slice_.process;
    const std::size_t end = begin + slice_.items_of(stream);
    std::size_t before = 0;  // items of the global batch, of earlier pools
    std::uint64_t index_offset = 0;
    for (std::size_t number = 0; number < stream.pools.size(); ++number) {
      const Pool& pool = stream.pools[number];
      const std::size_t after = before + static_cast<std::size_t>(pool.items);
      const std::size_t stop = std::min(end, after);
      for (std::size_t item = std::max(begin, before); item < stop;
           item += size) {
        const std::size_t last = std::min(item + size, stop);
        parts_.push_back({view, number, item - before, last - before,
                          item - begin, index_offset});
      }
      before = after;
      index_offset += static_cast<std::uint64_t>(pool.size());
    }
  }

  const std::vector<Stream> streams_;
  const std::vector<View> views_;
  const std::uint64_t seed_;
  const Slice slice_;
  std::vector<Link> links_;
  std::vector<Part> parts_;
};

Sampler::Sampler(std::vector<Pool> pools, std::vector<View> views,
                 std::uint64_t seed, std::size_t threads, std::size_t ring,
                 Slice slice)
    : threads_(threads == 0 ? available_threads() : threads),
      ahead_(ring),
      slice_(slice) {
  if (threads_ > kMostThreads) {
    refuse("at most " + std::to_string(kMostThreads) + " threads",
           std::to_string(threads_));
  }
  if (ring > kLongestRing) {
    refuse("a ring of at most " + std::to_string(kLongestRing) + " batches",
           std::to_string(ring));
  }
  source_ = std::make_unique<Source>(std::move(pools), std::move(views), seed,
                                     threads_, slice_);
  ring_ = std::make_unique<BatchRing>(*source_, threads_, ahead_).release();
}

Sampler::~Sampler() {
  close();
  BatchRing* ring = ring_.load();
  if (ring->owner() == process_id()) std::unique_ptr<BatchRing>{ring};
}

BatchRing& Sampler::ring() {
  BatchRing* ring = ring_.load();
  if (ring->owner() == process_id()) return *ring;
  auto fresh = std::make_unique<BatchRing>(*source_, threads_, ahead_);
  if (ring_.compare_exchange_strong(ring, fresh.get())) ring = fresh.release();
  return *ring;
}

std::shared_ptr<Batch> Sampler::get(std::uint64_t step) {
  if (closed_) throw std::runtime_error("the sampler is closed");
  if (step > source_->last_step()) {
    refuse("a step up to " + std::to_string(source_->last_step()),
           std::to_string(step));
  }
  return ring().get(step);
}

void Sampler::close() {
  closed_ = true;
  BatchRing* ring = ring_.load();
  if (ring->owner() == process_id()) ring->close();
}

double Sampler::wait_seconds() const {
  const BatchRing* ring = ring_.load();
  return ring->owner() == process_id() ? ring->wait_seconds() : 0.0;
}

const std::vector<Stream>& Sampler::streams() const {
  return source_->streams();
}

const std::vector<View>& Sampler::views() const { return source_->views(); }

const Stream& Sampler::stream_of(std::size_t view) const {
  return source_->stream_of(view);
}

}  // namespace keras_ssl
