#include "batch_ring.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace keras_ssl {
namespace {

/// How long a caller waits before being asked whether to go on.
constexpr std::chrono::milliseconds kPatience{50};

}  // namespace

std::shared_ptr<Batch> BatchRing::get(std::uint64_t step,
                                      const std::function<bool()>& go_on) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (closed_) throw std::runtime_error("the sampler is closed");
  start_threads();
  const JobPointer job = take(step);
  while (ahead_.size() < ahead_limit_) {
    ahead_.push_back(
        start(ahead_.empty() ? step + 1 : ahead_.back()->step + 1));
  }
  if (job->unfinished != 0) {
    const auto begin = std::chrono::steady_clock::now();
    const bool finished = finish(job, lock, go_on);
    const std::chrono::duration<double> waited =
        std::chrono::steady_clock::now() - begin;
    wait_seconds_ += waited.count();
    if (!finished) return nullptr;
  }
  if (job->error) std::rethrow_exception(job->error);
  return job->batch;
}

/// Waits for a job; false if the caller did not want to go on.
bool BatchRing::finish(const JobPointer& job,
                       std::unique_lock<std::mutex>& lock,
                       const std::function<bool()>& go_on) {
  const auto over = [&] { return closed_ || job->unfinished == 0; };
  if (!go_on) job_done_.wait(lock, over);
  while (!job_done_.wait_for(lock, kPatience, over)) {
    lock.unlock();
    const bool goes_on = go_on();
    lock.lock();
    if (goes_on) continue;
    drop(job);
    return false;
  }
  if (job->unfinished != 0) {
    throw std::runtime_error("the sampler was closed while a batch was due");
  }
  return true;
}

/// From the ring if the step is there; any other step empties the ring, which
/// then starts anew after it.
BatchRing::JobPointer BatchRing::take(std::uint64_t step) {
  while (!ahead_.empty() && ahead_.front()->step != step) {
    drop(ahead_.front());
    ahead_.pop_front();
  }
  if (ahead_.empty()) return start(step);
  JobPointer job = std::move(ahead_.front());
  ahead_.pop_front();
  return job;
}

BatchRing::JobPointer BatchRing::start(std::uint64_t step) {
  const std::size_t parts = source_.parts();
  auto job = std::make_shared<Job>(
      Job{step, source_.blank(*pool_), 0, parts, nullptr});
  unclaimed_.push_back(job);
  work_waits_.notify_all();
  return job;
}

/// Parts being filled right now are finished in vain; the job dies with the
/// last of them.
void BatchRing::drop(const JobPointer& job) {
  const auto place = std::find(unclaimed_.begin(), unclaimed_.end(), job);
  if (place != unclaimed_.end()) unclaimed_.erase(place);
}

void BatchRing::forget(std::uint64_t step) {
  const std::lock_guard<std::mutex> lock(mutex_);
  while (!ahead_.empty() && ahead_.back()->step >= step) {
    drop(ahead_.back());
    ahead_.pop_back();
  }
}

void BatchRing::start_threads() {
  if (!threads_.empty()) return;
  threads_.reserve(thread_count_);
  for (std::size_t i = 0; i < thread_count_; ++i) {
    try {
      threads_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
      // Fewer threads make the same batches, later; none make nothing.
      if (threads_.empty()) throw;
      return;
    }
  }
}

void BatchRing::work() {
  Scratch scratch;
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    work_waits_.wait(lock, [this] { return closed_ || !unclaimed_.empty(); });
    if (closed_) return;
    const JobPointer job = unclaimed_.front();
    const std::size_t part = job->next_part++;
    if (job->next_part == source_.parts()) unclaimed_.pop_front();
    lock.unlock();
    std::exception_ptr error;
    try {
      source_.fill(job->step, part, *job->batch, scratch);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    if (error && !job->error) job->error = error;
    if (--job->unfinished == 0) job_done_.notify_all();
  }
}

void BatchRing::close() {
  const std::lock_guard<std::mutex> closing(closing_);
  std::vector<std::thread> threads;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
    threads.swap(threads_);
  }
  work_waits_.notify_all();
  job_done_.notify_all();
  for (std::thread& thread : threads) thread.join();
  const std::lock_guard<std::mutex> lock(mutex_);
  unclaimed_.clear();
  ahead_.clear();
  pool_->retire();
}

double BatchRing::wait_seconds() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return wait_seconds_;
}

}  // namespace keras_ssl
