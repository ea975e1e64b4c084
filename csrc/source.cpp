#include "source.h"

#include <algorithm>
#include <limits>
#include <mutex>
#include <new>
#include <stdexcept>

#include "drawing.h"
#include "order.h"
#include "rng.h"

#ifndef _WIN32
#include <pthread.h>
#endif

namespace keras_ssl {
namespace {

/// Asks for memory that will be read, or written, soon. A large image alone is
/// worth the nearer caches.
template <bool kWrite>
void prefetch([[maybe_unused]] const std::uint8_t* memory,
              [[maybe_unused]] std::size_t bytes) {
#ifdef __GNUC__
  constexpr std::size_t kMost = kWrite ? 4096 : 524288;
  for (std::size_t i = 0; i < std::min(bytes, kMost); i += 64) {
    __builtin_prefetch(memory + i, kWrite ? 1 : 0);
  }
#endif
}

/// Guards the rates of all sources. A forked child goes on with the sources
/// but not with the threads of its parent, so none of these may hold it then:
/// it is held by whoever forks.
std::mutex rates_mutex;

void hold_while_forking() {
#ifndef _WIN32
  static const int done =
      ::pthread_atfork([] { rates_mutex.lock(); }, [] { rates_mutex.unlock(); },
                       [] { rates_mutex.unlock(); });
  if (done != 0) throw std::bad_alloc();
#endif
}

/// Walks the positions of one pool: the row of an example and its index, while
/// the memory of the next one is already on its way.
class Walk {
 public:
  Walk(const Pool& pool, std::uint64_t seed, std::uint64_t position)
      : pool_(pool),
        order_(static_cast<std::uint64_t>(pool.size()), seed, pool.name),
        position_(position) {
    look_ahead();
  }

  std::uint64_t position() const { return position_ - 2; }
  std::uint64_t index() const { return index_; }
  ConstImage image() const { return {pixels_, pool_.shape}; }

  void step() {
    index_ = next_index_;
    pixels_ = next_pixels_;
    look_ahead();
  }

 private:
  void look_ahead() {
    next_index_ = order_.index_at(position_++);
    const auto row = static_cast<std::size_t>(
        pool_.rows ? static_cast<std::uint64_t>((*pool_.rows)[next_index_])
                   : next_index_);
    next_pixels_ = pool_.pixels + row * pool_.shape.bytes();
    prefetch<false>(next_pixels_, pool_.shape.bytes());
  }

  const Pool& pool_;
  Order order_;
  std::uint64_t position_;
  std::uint64_t index_ = 0;
  std::uint64_t next_index_ = 0;
  const std::uint8_t* pixels_ = nullptr;
  const std::uint8_t* next_pixels_ = nullptr;
};

}  // namespace

Source::Source(std::vector<Pool> pools, std::vector<View> views,
               std::uint64_t seed, std::size_t threads, const Slice& slice)
    : streams_(streams_of(std::move(pools))),
      views_(std::move(views)),
      seed_(seed),
      slice_(slice),
      views_of_(streams_.size()),
      rates_(views_.size()) {
  hold_while_forking();
  check_streams_and_views(streams_, views_);
  check_slice(slice_, streams_);
  for (const View& view : views_) {
    std::size_t stream = 0;
    while (streams_[stream].name != view.stream) ++stream;
    views_of_[stream].push_back(stream_numbers_.size());
    stream_numbers_.push_back(stream);
  }
  divide(threads);
}

std::shared_ptr<Batch> Source::blank(BufferPool& pool) const {
  auto batch = std::make_shared<Batch>();
  for (std::size_t view = 0; view < views_.size(); ++view) {
    const std::size_t items = items_of(stream_of(view));
    batch->views.push_back(pool.take(items * shape_of(view).bytes()));
    batch->turns.push_back(views_[view].policy.turns()
                               ? pool.take(items * sizeof(std::int32_t))
                               : nullptr);
  }
  for (const Stream& stream : streams_) {
    batch->indices.push_back(
        pool.take(items_of(stream) * sizeof(std::int32_t)));
  }
  return batch;
}

std::size_t Source::buffers() const {
  return 2 * views_.size() + streams_.size();
}

void Source::fill(std::uint64_t step, std::size_t part_number, Batch& batch,
                  Scratch& scratch) const {
  const Part& part = parts_[part_number];
  const Pool& pool = streams_[part.stream].pools[part.pool];
  const std::vector<std::size_t>& views = views_of_[part.stream];
  std::vector<std::uint32_t> domains;
  std::vector<std::shared_ptr<const Rates>> rates;
  for (const std::size_t view : views) {
    domains.push_back(domain_of(pool.name, views_[view].name));
    rates.push_back(rates_at(view, step));
  }
  auto* indices =
      reinterpret_cast<std::int32_t*>(batch.indices[part.stream].get());
  Walk walk(pool, seed_,
            step * static_cast<std::uint64_t>(pool.items) + part.first);
  for (std::size_t item = part.first; item < part.last; ++item) {
    walk.step();
    const std::size_t place = part.place + (item - part.first);
    indices[place] =
        static_cast<std::int32_t>(part.index_offset + walk.index());
    for (std::size_t i = 0; i < views.size(); ++i) {
      const std::size_t view = views[i];
      const Shape shape = shape_of(view);
      std::uint8_t* const out = batch.views[view].get() + place * shape.bytes();
      if (item + 1 < part.last) {
        prefetch<true>(out + shape.bytes(), shape.bytes());
      }
      Draws draws(seed_, domains[i], walk.position());
      const int turns =
          apply_policy(views_[view].policy, walk.image(), {out, shape}, draws,
                       scratch, rates[i].get());
      if (batch.turns[view]) {
        reinterpret_cast<std::int32_t*>(batch.turns[view].get())[place] = turns;
      }
    }
  }
}

std::uint64_t Source::last_step() const {
  std::uint64_t last = std::numeric_limits<std::uint64_t>::max();
  for (const Stream& stream : streams_) {
    last = std::min(last, (std::uint64_t{1} << 63) / stream.batch_items() - 1);
  }
  return last;
}

void Source::set_rates(std::size_t view, std::uint64_t step, Rates rates) {
  check_rates(rates, views_[view].policy);
  const std::lock_guard<std::mutex> lock(rates_mutex);
  std::vector<TimedRates>& timed = rates_[view];
  while (!timed.empty() && timed.back().step >= step) timed.pop_back();
  timed.push_back({step, std::make_shared<const Rates>(std::move(rates))});
  if (timed.size() > kKeptRates) timed.erase(timed.begin());
}

std::shared_ptr<const Rates> Source::rates_at(std::size_t view,
                                              std::uint64_t step) const {
  if (!views_[view].policy.learns()) return nullptr;
  const std::lock_guard<std::mutex> lock(rates_mutex);
  const std::vector<TimedRates>& all = rates_[view];
  std::shared_ptr<const Rates> rates;
  for (const TimedRates& timed : all) {
    if (timed.step <= step) rates = timed.rates;
  }
  if (!rates && all.size() == kKeptRates) {
    throw std::runtime_error(
        "expected a step from " + std::to_string(all.front().step) +
        " on, as older rates are forgotten; received " + std::to_string(step));
  }
  return rates;
}

Record Source::record(std::size_t view, std::uint64_t step) const {
  const Policy& policy = views_[view].policy;
  const std::shared_ptr<const Rates> rates = rates_at(view, step);
  Record record;
  record.items = items_of(stream_of(view));
  record.applications = policy.applications();
  record.choices.assign(record.items * record.applications, -1);
  record.levels.assign(record.items * record.applications * 2, 0.0);
  Scratch scratch;
  for (const Part& part : parts_) {
    if (part.stream != stream_numbers_[view]) continue;
    const Pool& pool = streams_[part.stream].pools[part.pool];
    const std::uint32_t domain = domain_of(pool.name, views_[view].name);
    for (std::size_t item = part.first; item < part.last; ++item) {
      Draws draws(seed_, domain,
                  step * static_cast<std::uint64_t>(pool.items) + item);
      const std::size_t row =
          (part.place + (item - part.first)) * record.applications;
      const DrawnPolicy all =
          draw_policy(policy, pool.shape, draws, scratch, rates.get());
      for (std::size_t i = 0; i < all.count; ++i) {
        const Drawn& drawn = all.drawn[i];
        record.choices[row + drawn.slot] = drawn.choice;
        record.levels[2 * (row + drawn.slot)] = drawn.levels[0];
        record.levels[2 * (row + drawn.slot) + 1] = drawn.levels[1];
      }
    }
  }
  return record;
}

/// Parts small enough that the threads finish together, large enough that
/// taking one costs nothing.
void Source::divide(std::size_t threads) {
  std::size_t images = 0;
  for (std::size_t view = 0; view < views_.size(); ++view) {
    images += items_of(stream_of(view));
  }
  const std::size_t share =
      std::clamp<std::size_t>(images / (threads * 8), 1, 32);
  for (std::size_t stream = 0; stream < streams_.size(); ++stream) {
    divide_stream(stream,
                  std::max<std::size_t>(1, share / views_of_[stream].size()));
  }
}

void Source::divide_stream(std::size_t number, std::size_t size) {
  const Stream& stream = streams_[number];
  const std::size_t begin = items_of(stream) * slice_.process;
  const std::size_t end = begin + items_of(stream);
  std::size_t before = 0;  // items of the global batch, of earlier pools
  std::uint64_t index_offset = 0;
  for (std::size_t i = 0; i < stream.pools.size(); ++i) {
    const Pool& pool = stream.pools[i];
    const std::size_t after = before + static_cast<std::size_t>(pool.items);
    const std::size_t stop = std::min(end, after);
    for (std::size_t item = std::max(begin, before); item < stop;
         item += size) {
      const std::size_t last = std::min(item + size, stop);
      parts_.push_back({number, i, item - before, last - before, item - begin,
                        index_offset});
    }
    before = after;
    index_offset += static_cast<std::uint64_t>(pool.size());
  }
}

}  // namespace keras_ssl
