// The core without Python, to be run plain and under sanitizers: known answers
// for the generator, the order's bijection, every op on every small shape, and
// the sampler's threads in all the ways they can be started and stopped.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "check.h"
#include "drawing.h"
#include "order.h"
#include "sampler.h"

namespace {

using namespace keras_ssl;

void test_philox() {
  // From the known-answer file that comes with Random123.
  const Counter zeros = philox({0, 0, 0, 0}, {0, 0});
  CHECK((zeros == Counter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  const Counter pi = philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                            {0xa4093822, 0x299f31d0});
  CHECK((pi == Counter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

void test_order() {
  for (std::uint64_t size = 1; size < 70; ++size) {
    Order order(size, 7, "unlabeled");
    for (std::uint64_t pass = 0; pass < 3; ++pass) {
      std::set<std::uint64_t> seen;
      for (std::uint64_t offset = 0; offset < size; ++offset) {
        seen.insert(order.index_at(pass * size + offset));
      }
      CHECK(seen.size() == size && *seen.rbegin() == size - 1);
    }
  }
  Order huge(std::uint64_t{1} << 62, 7, "unlabeled");
  CHECK(huge.index_at((std::uint64_t{1} << 63) - 1) < std::uint64_t{1} << 62);
}

/// All ops as single choices, with ranges that reach their limits.
std::vector<Choice> all_choices() {
  std::vector<Choice> choices;
  for (int kind = 0; kind <= static_cast<int>(OpKind::kLast); ++kind) {
    const OpRule& rule = rule_of(static_cast<OpKind>(kind));
    if (rule.kind == OpKind::kNoise) continue;  // one in a policy at most
    Choice choice{rule.kind, 1.0, rule.lowest, rule.highest};
    if (rule.kind == OpKind::kCrop) choice.low = choice.high = 0.99;
    choices.push_back(choice);
  }
  return choices;
}

void test_ops_stay_inside() {
  Scratch scratch;
  for (const int channels : {1, 3}) {
    for (int height = 1; height < 12; ++height) {
      for (int width = 1; width < 12; ++width) {
        const Shape shape{height, width, channels};
        std::vector<std::uint8_t> from(shape.bytes());
        for (std::size_t i = 0; i < from.size(); ++i) {
          from[i] = static_cast<std::uint8_t>(i * 37);
        }
        // Exact sizes, so that a sanitizer sees the first byte outside.
        std::vector<std::uint8_t> to(shape.bytes());
        for (const Choice& choice : all_choices()) {
          const Policy policy{{{2, {choice}}}};
          check_policy(policy);
          if (policy.turns() && height != width) continue;
          for (std::uint64_t position = 0; position < 8; ++position) {
            Draws draws(1, domain_of("a", "b"), position);
            apply_policy(policy, {from.data(), shape}, {to.data(), shape},
                         draws, scratch);
          }
        }
      }
    }
  }
}

/// An op after one that makes images larger reads where that one wrote.
void test_growing_images() {
  const Shape small{4, 4, 3};
  const Shape large{9, 9, 3};
  std::vector<std::uint8_t> from(small.bytes());
  std::vector<std::uint8_t> to(large.bytes());
  const Stage crop{1, {{OpKind::kCrop, 1.0, 0.5, 0.5}}};
  const Stage grow{1, {{OpKind::kResize}}};
  const Stage blur{1, {{OpKind::kBlur, 1.0, 1.0, 1.0}}};
  const Stage color{1, {{OpKind::kColor, 1.0, 0.5, 0.5}}};
  for (const Stage& before : {crop, blur, color}) {
    for (const Stage& after : {crop, blur, color}) {
      Policy policy{{before, grow, after}};
      policy.height = policy.width = 9;
      Scratch scratch;
      Draws draws(1, domain_of("a", "b"), 0);
      apply_policy(policy, {from.data(), small}, {to.data(), large}, draws,
                   scratch);
    }
  }
}

struct Job {
  std::vector<std::uint8_t> labeled = std::vector<std::uint8_t>(10 * 5 * 7 * 3);
  std::vector<std::uint8_t> unlabeled =
      std::vector<std::uint8_t>(40 * 8 * 8 * 1);

  Job() {
    for (std::size_t i = 0; i < labeled.size(); ++i) {
      labeled[i] = static_cast<std::uint8_t>(i * 31);
    }
    for (std::size_t i = 0; i < unlabeled.size(); ++i) {
      unlabeled[i] = static_cast<std::uint8_t>(i * 57);
    }
  }

  std::vector<Pool> pools() const {
    const Shape small{5, 7, 3};
    const Shape gray{8, 8, 1};
    return {
        {"labeled", labeled.data(), 10, small, {{3, 1, 9}}, 8},
        {"unlabeled", unlabeled.data(), 40, gray, {}, 15},
        {"unlabeled/more", unlabeled.data(), 30, gray, {}, 6},
    };
  }

  std::vector<View> views() const {
    const Stage crop{1, {{OpKind::kCrop, 1.0, 0.125, 0.125}}};
    const Stage any{3, all_choices()};
    return {{"x", "labeled", {{crop}}},
            {"weak", "unlabeled", {{crop}}},
            {"strong", "unlabeled", {{crop, any}}}};
  }

  Sampler sampler(std::size_t threads, std::size_t ring = 2) const {
    return Sampler(pools(), views(), 5, threads, ring);
  }
};

std::string bytes_of(const Batch& batch) {
  const std::size_t view_bytes[] = {8 * 5 * 7 * 3, 21 * 8 * 8, 21 * 8 * 8};
  const std::size_t index_bytes[] = {8 * 4, 21 * 4};
  std::string all;
  for (std::size_t i = 0; i < 3; ++i) {
    all.append(reinterpret_cast<const char*>(batch.views[i].get()),
               view_bytes[i]);
  }
  for (std::size_t i = 0; i < 2; ++i) {
    all.append(reinterpret_cast<const char*>(batch.indices[i].get()),
               index_bytes[i]);
  }
  return all;
}

void test_threads_and_history_do_not_show() {
  const Job job;
  std::vector<std::string> expected;
  {
    Sampler plain = job.sampler(1, 0);
    for (std::uint64_t s = 0; s < 12; ++s) {
      expected.push_back(bytes_of(*plain.get(s)));
    }
  }
  for (const std::size_t threads : {1u, 2u, 7u}) {
    for (const std::size_t ring : {0u, 1u, 3u}) {
      Sampler sampler = job.sampler(threads, ring);
      for (const std::uint64_t s : {0, 1, 2, 2, 1, 0, 9, 11, 10, 3, 4, 6}) {
        CHECK(bytes_of(*sampler.get(s)) == expected[s]);
      }
    }
  }
}

void test_slices_make_up_the_whole() {
  const Job job;
  const auto whole = job.sampler(2).get(4);
  for (const std::size_t processes : {1u, 2u, 4u}) {
    for (std::size_t process = 0; process < processes; ++process) {
      const std::size_t bytes = 8 * 5 * 7 * 3 / processes;
      Sampler sampler({job.pools()[0]}, {job.views()[0]}, 5, 2, 1,
                      {process, processes});
      CHECK(std::memcmp(sampler.get(4)->views[0].get(),
                        whole->views[0].get() + process * bytes, bytes) == 0);
    }
  }
  check_throws<std::invalid_argument>(
      [&] { Sampler(job.pools(), job.views(), 5, 1, 1, {0, 2}); });
  check_throws<std::invalid_argument>(
      [&] { Sampler(job.pools(), job.views(), 5, 1, 1, {1, 1}); });
  check_throws<std::invalid_argument>(
      [&] { Sampler(job.pools(), job.views(), 5, 1, 1, {0, 0}); });
}

void test_held_buffers_are_left_alone() {
  const Job job;
  Sampler sampler = job.sampler(2, 2);
  const auto held = sampler.get(0);
  const std::string before = bytes_of(*held);
  Buffer survivor;
  for (std::uint64_t s = 1; s < 50; ++s) survivor = sampler.get(s)->views[0];
  CHECK(bytes_of(*held) == before);
  CHECK(reinterpret_cast<std::uintptr_t>(survivor.get()) % 64 == 0);
  sampler.close();
  CHECK(survivor.get()[0] == survivor.get()[0]);
}

void test_many_callers() {
  const Job job;
  Sampler reference = job.sampler(1, 0);
  std::vector<std::string> expected;
  for (std::uint64_t s = 0; s < 20; ++s) {
    expected.push_back(bytes_of(*reference.get(s)));
  }
  Sampler sampler = job.sampler(2);
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (std::uint64_t caller = 0; caller < 3; ++caller) {
    callers.emplace_back([&, caller] {
      for (std::uint64_t s = 0; s < 20; ++s) {
        const std::uint64_t step = (s * (caller + 1)) % 20;
        if (bytes_of(*sampler.get(step)) != expected[step]) ++wrong;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong == 0);
  CHECK(sampler.wait_seconds() >= 0.0);
}

void test_ends_at_any_time() {
  const Job job;
  for (int round = 0; round < 100; ++round) {
    Sampler sampler = job.sampler(1 + static_cast<std::size_t>(round) % 3);
    for (int s = 0; s < round % 4; ++s) {
      sampler.get(static_cast<std::uint64_t>(s));
    }
    if (round % 2 == 0) {
      sampler.close();
      sampler.close();
      check_throws<std::runtime_error>([&] { sampler.get(0); });
    }
  }
  for (int round = 0; round < 50; ++round) {
    Sampler sampler = job.sampler(2);
    std::thread caller([&sampler] {
      try {
        for (std::uint64_t s = 0;; ++s) sampler.get(s);
      } catch (const std::runtime_error&) {  // closed under our feet
      }
    });
    if (round % 2 == 0) std::this_thread::yield();
    sampler.close();
    caller.join();
  }
}

void test_checks() {
  const Job job;
  const auto refused = [&job](auto change) {
    auto pools = job.pools();
    auto views = job.views();
    change(pools, views);
    check_throws<std::invalid_argument>(
        [&] { Sampler(pools, views, 0, 1, 1); });
  };
  refused([](auto& pools, auto&) { pools[0].shape.channels = 2; });
  refused([](auto& pools, auto&) { pools[0].shape.height = 0; });
  refused([](auto& pools, auto&) { pools[0].items = 0; });
  refused([](auto& pools, auto&) { pools[0].rows->clear(); });
  refused([](auto& pools, auto&) { pools[1].name = "labeled"; });
  refused([](auto& pools, auto&) { pools[1].name = "unlabeled/"; });
  refused([](auto& pools, auto&) { pools[2].name = "unlabeled/a/b"; });
  refused([](auto& pools, auto&) { pools[2].shape.channels = 3; });
  refused([](auto& pools, auto&) { pools.clear(); });
  refused([](auto&, auto& views) { views[0].stream = "nobody"; });
  refused([](auto&, auto& views) { views[0].name = "a/b"; });
  refused([](auto&, auto& views) { views[0].name = "order"; });
  refused([](auto&, auto& views) { views.erase(views.begin()); });
  refused([](auto&, auto& views) {
    views[0].policy.stages[0].choices[0].probability = 1.5;
  });
  auto pools = job.pools();
  pools[0].rows->push_back(10);
  check_throws<std::out_of_range>(
      [&] { Sampler(pools, job.views(), 0, 1, 1); });
  Sampler sampler = job.sampler(1);
  check_throws<std::invalid_argument>(
      [&] { sampler.get(~std::uint64_t{0} / 8); });
}

}  // namespace

int main() {
  test_philox();
  test_order();
  for (const Engine& engine : engines()) {
    use_engine(engine.name);
    test_ops_stay_inside();
    test_growing_images();
    test_threads_and_history_do_not_show();
    test_slices_make_up_the_whole();
    test_held_buffers_are_left_alone();
    test_many_callers();
    test_ends_at_any_time();
  }
  test_checks();
  std::puts("all core tests passed");
  return 0;
}
