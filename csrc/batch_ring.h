// Worker threads and a ring of batches made ahead of the consumer. Knows
// nothing of images: what a batch holds and how a part of it is filled is the
// business of its source.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "buffer_pool.h"
#include "scratch.h"

namespace keras_ssl {

struct Batch {
  std::vector<Buffer>
      views;  // per view: uint8 [batch, height, width, channels]
  std::vector<Buffer> turns;    // per view: int32 [batch], or none
  std::vector<Buffer> indices;  // per stream: int32 [batch]
};

/// Makes batches in parts that may be filled in any order on any thread. What
/// it writes must depend on the step and the part alone.
class BatchSource {
 public:
  virtual ~BatchSource() = default;
  /// The memory of a batch, not yet filled.
  virtual std::shared_ptr<Batch> blank(BufferPool& pool) const = 0;
  /// How many buffers a batch holds.
  virtual std::size_t buffers() const = 0;
  virtual std::size_t parts() const = 0;
  virtual void fill(std::uint64_t step, std::size_t part, Batch& batch,
                    Scratch& scratch) const = 0;
};

class BatchRing {
 public:
  /// Starts nothing; the threads start with the first get().
  BatchRing(const BatchSource& source, std::size_t threads, std::size_t ahead)
      : source_(source),
        thread_count_(threads),
        ahead_limit_(ahead),
        // Those in the ring, the one handed out and the one before it.
        pool_(std::make_shared<BufferPool>((ahead + 2) * source.buffers())) {}
  BatchRing(const BatchRing&) = delete;
  BatchRing& operator=(const BatchRing&) = delete;
  ~BatchRing() { close(); }

  /// The finished batch of any step, and work on the steps after it begins.
  /// Rethrows what a worker threw; throws std::runtime_error once closed.
  /// Whoever has to wait is asked now and then, without any lock held, whether
  /// to `go_on`; if not, nothing is returned.
  std::shared_ptr<Batch> get(std::uint64_t step,
                             const std::function<bool()>& go_on = {});

  /// Makes batches from `step` on anew, as their source has changed.
  void forget(std::uint64_t step);

  /// Joins the threads and wakes waiting callers. May be called again, and by
  /// several callers at once: all return when the last thread has ended.
  void close();

  /// The time all callers together have spent waiting.
  double wait_seconds() const;

  /// The process that owns the threads; a forked child has none of them.
  long owner() const { return owner_; }

 private:
  struct Job {
    std::uint64_t step;
    std::shared_ptr<Batch> batch;
    std::size_t next_part;
    std::size_t unfinished;
    std::exception_ptr error;
  };
  using JobPointer = std::shared_ptr<Job>;

  void start_threads();
  void work();
  JobPointer start(std::uint64_t step);
  JobPointer take(std::uint64_t step);
  bool finish(const JobPointer& job, std::unique_lock<std::mutex>& lock,
              const std::function<bool()>& go_on);
  void drop(const JobPointer& job);

  const BatchSource& source_;
  const std::size_t thread_count_;
  const std::size_t ahead_limit_;
  const std::shared_ptr<BufferPool> pool_;
  const long owner_ = process_id();

  std::mutex closing_;
  mutable std::mutex mutex_;
  std::condition_variable work_waits_;
  std::condition_variable job_done_;
  std::deque<JobPointer> unclaimed_;  // jobs with parts nobody works on yet
  std::deque<JobPointer> ahead_;      // consecutive steps, not asked for yet
  std::vector<std::thread> threads_;
  bool closed_ = false;
  double wait_seconds_ = 0.0;
};

}  // namespace keras_ssl
