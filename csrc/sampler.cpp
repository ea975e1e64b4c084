#include "sampler.h"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <thread>

#include "engine.h"
#include "source.h"

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

Sampler::Sampler(std::vector<Pool> pools, std::vector<View> views,
                 std::uint64_t seed, std::size_t threads, std::size_t ring,
                 Slice slice)
    : threads_(threads == 0 ? available_threads() : threads), ahead_(ring) {
  if (threads_ > kMostThreads) {
    refuse("at most " + std::to_string(kMostThreads) + " threads",
           std::to_string(threads_));
  }
  if (ring > kLongestRing) {
    refuse("a ring of at most " + std::to_string(kLongestRing) + " batches",
           std::to_string(ring));
  }
  source_ = std::make_unique<Source>(std::move(pools), std::move(views), seed,
                                     threads_, slice);
  engine();  // an unknown name is refused here, and not later in a thread
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

std::shared_ptr<Batch> Sampler::get(std::uint64_t step,
                                    const std::function<bool()>& go_on) {
  if (closed_) throw std::runtime_error("the sampler is closed");
  if (step > source_->last_step()) {
    refuse("a step up to " + std::to_string(source_->last_step()),
           std::to_string(step));
  }
  return ring().get(step, go_on);
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

void Sampler::set_rates(std::size_t view, std::uint64_t step, Rates rates) {
  source_->set_rates(view, step, std::move(rates));
  ring().forget(step);
}

}  // namespace keras_ssl
