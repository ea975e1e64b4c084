// A fuzz target: bytes become a policy, an image and a single op. Whatever the
// checks let through must run on every engine, without a finding of the
// sanitizers, and give the same bytes on all of them.
//
// Built by Clang this is libFuzzer's. Any other compiler gets a plain program
// that takes the same arguments: files to replay, or -runs=N -seed=S for N
// random inputs, always the same ones.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <utility>
#include <vector>

#include "check.h"
#include "drawing.h"

namespace {

using namespace keras_ssl;
using Bytes = std::vector<std::uint8_t>;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Values made of the input, zeros once it is used up.
class Reader {
 public:
  Reader(const std::uint8_t* data, std::size_t size)
      : data_(data), end_(data + size), wild_(below(4) == 0) {}

  /// Most inputs are tamed, as few wild ones come through the checks.
  bool wild() const { return wild_; }

  bool empty() const { return data_ == end_; }

  template <typename Value>
  Value raw() {
    Value value{};
    const auto left = static_cast<std::size_t>(end_ - data_);
    const std::size_t count = std::min(sizeof(Value), left);
    if (count != 0) std::memcpy(&value, data_, count);
    data_ += count;
    return value;
  }
  std::uint32_t below(std::uint32_t limit) {
    return raw<std::uint8_t>() % limit;
  }
  bool flag() { return below(2) == 1; }

  /// Any double at all, but mostly one of some use between two limits.
  double number(double low, double high) {
    switch (wild_ ? below(8) : 2 + below(6)) {
      case 0:
        return raw<double>();
      case 1: {
        const double special[] = {0.0,        -0.0,         1.0,       -1.0,
                                  0.5,        std::nan(""), kInfinity, -1e300,
                                  -kInfinity, 1e18,         5e-324};
        return special[below(11)];
      }
      case 2:
        return low;
      case 3:
        return high;
      case 4:
        if (!wild_) return (low + high) / 2;
        return std::nextafter(flag() ? low : high,
                              flag() ? kInfinity : -kInfinity);
      case 5:
        return std::floor(low + (high - low) * below(256) / 255.0);
      default:
        return low + (high - low) * raw<std::uint16_t>() / 65535.0;
    }
  }
  double probability() { return below(4) == 0 ? number(0.0, 1.0) : 1.0; }
  std::uint32_t count(std::uint32_t usual) {
    return wild_ && below(8) == 0 ? raw<std::uint32_t>() : below(usual);
  }
  int side() {
    const int special[] = {-1, kLargestSide + 1,
                           std::numeric_limits<int>::min(),
                           std::numeric_limits<int>::max()};
    return wild_ && below(4) == 0 ? special[below(4)]
                                  : static_cast<int>(below(41));
  }

 private:
  const std::uint8_t* data_;
  const std::uint8_t* end_;
  const bool wild_;
};

OpKind any_kind(Reader& reader) {
  return static_cast<OpKind>(
      reader.below(static_cast<std::uint32_t>(OpKind::kLast) + 1));
}

Choice any_choice(Reader& reader) {
  Choice choice;
  choice.kind = any_kind(reader);
  const OpRule& rule = rule_of(choice.kind);
  choice.probability = reader.probability();
  choice.low = reader.number(rule.lowest, rule.highest);
  choice.high =
      reader.flag() ? choice.low : reader.number(choice.low, rule.highest);
  if (!reader.wild() && choice.kind == OpKind::kCrop) {
    choice.low = choice.high = 0.9 * choice.low;
  }
  choice.levels = reader.flag() ? 0 : reader.count(32);
  choice.either_sign =
      reader.flag() && (reader.wild() || choice.high <= -rule.lowest);
  return choice;
}

Stage any_stage(Reader& reader) {
  Stage stage;
  stage.draws = reader.count(6);
  stage.distinct = reader.below(4) == 0;
  stage.probability = reader.probability();
  stage.learned = reader.below(4) == 0;
  for (std::uint32_t n = reader.below(6); n > 0; --n) {
    stage.choices.push_back(any_choice(reader));
  }
  if (!reader.wild()) {
    if (stage.choices.empty()) stage.choices.push_back({OpKind::kResize});
    if (stage.distinct) stage.draws %= stage.choices.size() + 1;
  }
  return stage;
}

Policy any_policy(Reader& reader) {
  Policy policy;
  if (reader.below(4) == 0) {
    policy.height = reader.side();
    policy.width = reader.side();
  }
  for (std::uint32_t n = reader.below(5); n > 0; --n) {
    policy.stages.push_back(any_stage(reader));
  }
  return policy;
}

Rates any_rates(Reader& reader, const Policy& policy) {
  Rates rates;
  std::size_t count = reader.wild() ? reader.below(5) : 0;
  for (const Stage& stage : policy.stages) {
    if (stage.learned && count == 0) count = stage.choices.size();
  }
  for (; count > 0; --count) {
    rates.emplace_back();
    for (Density& density : rates.back()) {
      std::vector<double> weights(reader.below(20));
      for (double& weight : weights) weight = reader.number(0.0, 1.0);
      if (!reader.wild() && !weights.empty()) weights.front() = 0.5;
      density = Density(weights);
    }
  }
  return rates;
}

Bytes any_image(Reader& reader, const Shape& shape) {
  Bytes image(shape.bytes());
  std::uint32_t state = reader.raw<std::uint32_t>() | 1;
  const std::uint32_t levels = 1 + reader.below(255);  // also few, and one
  for (std::uint8_t& value : image) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<std::uint8_t>((state >> 24) % levels);
  }
  return image;
}

/// Runs on every engine, on memory of exactly the size, and compares.
template <typename Run>
void check_engines(const Bytes& image, const Shape& in, const Shape& out,
                   Run run) {
  Bytes first;
  const Bytes before = image;
  for (const Engine& engine : engines()) {
    use_engine(engine.name);
    Bytes result(out.bytes(), 0xA5);
    Scratch scratch;
    run(ConstImage{image.data(), in}, Image{result.data(), out}, scratch);
    CHECK(image == before);
    if (first.empty()) first = result;
    CHECK(result == first);
  }
}

void check_drawn(const Policy& policy, const Shape& shape, Draws draws,
                 const Rates* rates) {
  Scratch scratch;
  const DrawnPolicy all = draw_policy(policy, shape, draws, scratch, rates);
  CHECK(all.count <= policy.applications());
  for (std::size_t i = 0; i < all.count; ++i) {
    CHECK(all.drawn[i].slot < policy.applications());
    CHECK(all.drawn[i].choice >= 0);
    for (const double level : all.drawn[i].levels) {
      CHECK(level >= 0.0 && level <= 1.0);
    }
    for (const double value : all.applications[i].values) {
      CHECK(std::isfinite(value));
    }
  }
}

void fuzz_policy(Reader& reader, const Bytes& image, const Shape& shape) {
  const Policy policy = any_policy(reader);
  check_policy(policy);
  check_policy_for(policy, shape);
  const Draws draws(reader.raw<std::uint64_t>(), reader.raw<std::uint32_t>(),
                    reader.raw<std::uint64_t>());
  Rates rates;
  const Rates* given = nullptr;
  const bool learns =
      std::any_of(policy.stages.begin(), policy.stages.end(),
                  [](const Stage& stage) { return stage.learned; });
  if (reader.wild() ? reader.flag() : learns) {
    rates = any_rates(reader, policy);
    check_rates(rates, policy);
    given = &rates;
  }
  check_drawn(policy, shape, draws, given);
  check_engines(image, shape, policy.shape_of(shape),
                [&](ConstImage in, Image out, Scratch& scratch) {
                  Draws again = draws;
                  const int turns =
                      apply_policy(policy, in, out, again, scratch, given);
                  CHECK(turns >= 0 && turns < 4);
                });
}

std::vector<double> any_values(Reader& reader, const OpRule& rule,
                               const Shape& shape) {
  const double sides[] = {static_cast<double>(shape.width),
                          static_cast<double>(shape.height)};
  std::vector<double> values(reader.wild() && reader.below(4) == 0
                                 ? reader.below(6)
                                 : rule.parameters);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double side = sides[i % 2];
    if (resizes(rule.kind)) {  // a box, possibly inside
      values[i] =
          i < 2 ? reader.number(0.0, side) : reader.number(values[i - 2], side);
    } else if (rule.kind == OpKind::kCrop) {
      values[i] =
          reader.number(1.0 - sides[(i + 1) % 2], sides[(i + 1) % 2] - 1.0);
    } else if (i > 0) {  // the center of a cutout, the filter of a rescaling
      values[i] =
          reader.number(0.0, rule.parameters == 2 ? 5.0 : sides[(i + 1) % 2]);
    } else {
      values[i] = reader.number(rule.lowest, rule.highest);
      if (rule.parameters == 3) values[i] *= side;
    }
    const bool whole =
        rule.kind == OpKind::kPosterize || rule.kind == OpKind::kQuarterTurn ||
        rule.kind == OpKind::kCrop || (rule.kind == OpKind::kRescale && i == 1);
    if (whole && !reader.wild()) values[i] = std::trunc(values[i]);
  }
  return values;
}

void fuzz_op(Reader& reader, const Bytes& image, const Shape& shape) {
  const OpRule& rule = rule_of(any_kind(reader));
  const Application op{
      rule.kind, checked_values(rule, any_values(reader, rule, shape), shape)};
  Shape result = shape;
  if (resizes(rule.kind)) {
    result.height = 1 + static_cast<int>(reader.below(40));
    result.width = 1 + static_cast<int>(reader.below(40));
  }
  check_engines(image, shape, result,
                [&op](ConstImage in, Image out, Scratch& scratch) {
                  engine().run(&op, &op + 1, in, out, scratch);
                });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  Reader reader(data, size);
  Shape shape{1 + static_cast<int>(reader.below(40)),
              1 + static_cast<int>(reader.below(40)), reader.flag() ? 3 : 1};
  if (reader.flag()) shape.width = shape.height;
  if (reader.below(64) == 63) {  // as long as images may be, and thin
    shape.height = 1 + static_cast<int>(reader.below(3));
    shape.width = kLargestSide;
    if (reader.flag()) std::swap(shape.height, shape.width);
  }
  const Bytes image = any_image(reader, shape);
  for (const auto fuzz : {fuzz_op, fuzz_op, fuzz_policy}) {
    try {
      fuzz(reader, image, shape);
    } catch (const std::invalid_argument&) {  // refused
    }
  }
  return 0;
}

#ifndef KERAS_SSL_LIBFUZZER
#include <fstream>
#include <iterator>
#include <random>
#include <string>

namespace {

/// Where the input is left that ended the program, to be replayed. All have
/// one size, so that the file need not be made anew for each.
constexpr const char* kFoundFile = "fuzz_policy_found";
constexpr std::size_t kInputBytes = 400;

void run_random(std::uint64_t runs, std::uint64_t seed) {
  std::ofstream found(kFoundFile, std::ios::binary);
  for (std::uint64_t run = 0; run < runs; ++run) {
    std::mt19937_64 generator(seed * 1000003 + run);
    Bytes input(kInputBytes);
    const std::size_t used = generator() % kInputBytes;
    for (std::size_t i = 0; i < used; ++i) {
      input[i] = static_cast<std::uint8_t>(generator());
    }
    found.seekp(0);
    found.write(reinterpret_cast<const char*>(input.data()), kInputBytes);
    found.flush();
    LLVMFuzzerTestOneInput(input.data(), input.size());
  }
  std::remove(kFoundFile);
}

void run_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  CHECK(file.good());
  const std::string input{std::istreambuf_iterator<char>(file), {}};
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()),
                         input.size());
}

}  // namespace

int main(int count, char** arguments) {
  std::uint64_t runs = 0;
  std::uint64_t seed = 0;
  for (int i = 1; i < count; ++i) {
    const std::string argument = arguments[i];
    if (argument.rfind("-runs=", 0) == 0) {
      runs = std::stoull(argument.substr(6));
    } else if (argument.rfind("-seed=", 0) == 0) {
      seed = std::stoull(argument.substr(6));
    } else {
      run_file(argument);
    }
  }
  run_random(runs, seed);
  std::puts("all inputs passed");
  return 0;
}
#endif
