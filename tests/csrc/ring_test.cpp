// The ring with sources that fail, dawdle or run out of memory: errors reach
// whoever asked, and the batches after them are right.
#include <atomic>
#include <chrono>
#include <functional>
#include <new>
#include <stdexcept>
#include <thread>
#include <vector>

#include "batch_ring.h"
#include "check.h"

namespace {

using namespace keras_ssl;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kParts = 5;

/// Every part of a batch is the number of its step, unless something happens.
class TestSource : public BatchSource {
 public:
  std::function<void()> on_blank = [] {};
  std::function<void(std::uint64_t, std::size_t)> on_fill = [](auto, auto) {};
  mutable std::atomic<int> filling{0};

  std::shared_ptr<Batch> blank(BufferPool& pool) const override {
    on_blank();
    auto batch = std::make_shared<Batch>();
    batch->views.push_back(pool.take(kParts));
    return batch;
  }
  std::size_t buffers() const override { return 1; }
  std::size_t parts() const override { return kParts; }
  void fill(std::uint64_t step, std::size_t part, Batch& batch,
            Scratch&) const override {
    ++filling;
    try {
      on_fill(step, part);
    } catch (...) {
      --filling;
      throw;
    }
    batch.views[0].get()[part] = static_cast<std::uint8_t>(step);
    --filling;
  }
};

bool is_right(const std::shared_ptr<Batch>& batch, std::uint64_t step) {
  for (std::size_t part = 0; part < kParts; ++part) {
    if (batch->views[0].get()[part] != static_cast<std::uint8_t>(step)) {
      return false;
    }
  }
  return true;
}

template <typename Error>
void test_errors_of_some_parts(std::size_t threads, std::size_t ahead) {
  TestSource source;
  source.on_fill = [](std::uint64_t step, std::size_t part) {
    if (step % 3 == 1 && part >= 3) throw Error();
  };
  BatchRing ring(source, threads, ahead);
  for (int round = 0; round < 20; ++round) {
    for (std::uint64_t step = 0; step < 9; ++step) {
      if (step % 3 == 1) {
        check_throws<Error>([&] { ring.get(step); });
      } else {
        CHECK(is_right(ring.get(step), step));
      }
    }
  }
  ring.close();
  CHECK(source.filling == 0);
}

struct PageFault : std::runtime_error {
  PageFault() : std::runtime_error("no such page") {}
};

/// What failed once is made when it is asked for again.
void test_second_attempt() {
  TestSource source;
  std::atomic<bool> fails{true};
  source.on_fill = [&](std::uint64_t step, std::size_t part) {
    if (step == 2 && part == 4 && fails.exchange(false)) throw PageFault();
  };
  BatchRing ring(source, 2, 3);
  CHECK(is_right(ring.get(0), 0));
  CHECK(is_right(ring.get(1), 1));
  check_throws<PageFault>([&] { ring.get(2); });
  CHECK(is_right(ring.get(2), 2));
  CHECK(is_right(ring.get(3), 3));
}

/// No memory for a batch, be it the one asked for or one made ahead.
void test_no_memory_for_a_batch() {
  for (int first = 0; first < 8; ++first) {
    TestSource source;
    int asked = 0;
    source.on_blank = [&] {
      if (asked++ == first) throw std::bad_alloc();
    };
    BatchRing ring(source, 2, 3);
    int failed = 0;
    for (std::uint64_t step = 0; step < 8; ++step) {
      try {
        CHECK(is_right(ring.get(step), step));
      } catch (const std::bad_alloc&) {
        ++failed;
        CHECK(is_right(ring.get(step), step));
      }
    }
    CHECK(failed == 1);
  }
}

void test_closed_while_failing() {
  for (int round = 0; round < 100; ++round) {
    TestSource source;
    source.on_fill = [](std::uint64_t, std::size_t) { throw PageFault(); };
    BatchRing ring(source, 3, 4);
    std::thread caller([&ring] {
      try {
        ring.get(0);
        CHECK(!"expected an exception");
      } catch (const std::runtime_error&) {  // failed or closed
      }
    });
    if (round % 2 == 0) std::this_thread::yield();
    ring.close();
    CHECK(source.filling == 0);
    caller.join();
  }
}

/// Whoever has closed the ring may free what its source reads.
void test_all_who_close_wait() {
  TestSource source;
  source.on_fill = [](std::uint64_t, std::size_t) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  };
  BatchRing ring(source, 2, 2);
  std::thread asking([&ring] {
    try {
      ring.get(0);
    } catch (const std::runtime_error&) {  // closed while it was due
    }
  });
  while (source.filling == 0) std::this_thread::yield();
  std::vector<std::thread> closing;
  std::atomic<int> early{0};
  for (int i = 0; i < 3; ++i) {
    closing.emplace_back([&] {
      ring.close();
      if (source.filling != 0) ++early;
    });
  }
  for (std::thread& thread : closing) thread.join();
  asking.join();
  CHECK(early == 0);
}

void test_giving_up() {
  TestSource source;
  std::atomic<bool> slow{true};
  source.on_fill = [&](std::uint64_t, std::size_t) {
    for (int i = 0; slow && i < 2000; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  };
  BatchRing ring(source, 1, 1);
  int asked = 0;
  const auto begin = Clock::now();
  const auto nothing = ring.get(0, [&asked] { return ++asked < 3; });
  CHECK(nothing == nullptr);
  CHECK(asked == 3);
  CHECK(Clock::now() - begin < std::chrono::seconds(2));
  slow = false;
  const auto patient = [] { return true; };
  CHECK(is_right(ring.get(0, patient), 0));
  CHECK(is_right(ring.get(1, patient), 1));
  CHECK(is_right(ring.get(7, patient), 7));
  CHECK(ring.wait_seconds() > 0.05);
}

/// Whoever need not wait long is not asked.
void test_patience() {
  TestSource source;
  BatchRing ring(source, 1, 1);
  ring.get(0);
  for (std::uint64_t step = 1; step < 500; ++step) {
    std::atomic<bool> asked{false};
    const auto begin = Clock::now();
    CHECK(ring.get(step, [&asked] { return asked = true; }) != nullptr);
    CHECK(!asked || Clock::now() - begin > std::chrono::milliseconds(40));
  }
}

}  // namespace

int main() {
  for (const std::size_t threads : {1u, 3u}) {
    for (const std::size_t ahead : {0u, 2u}) {
      test_errors_of_some_parts<PageFault>(threads, ahead);
      test_errors_of_some_parts<std::bad_alloc>(threads, ahead);
    }
  }
  test_second_attempt();
  test_no_memory_for_a_batch();
  test_closed_while_failing();
  test_all_who_close_wait();
  test_giving_up();
  test_patience();
  std::puts("all ring tests passed");
  return 0;
}
