#include "policy.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

namespace keras_ssl {
namespace {

constexpr std::uint32_t kMostDraws = 1000;

void check_probability(double probability, const std::string& of) {
  if (probability >= 0.0 && probability <= 1.0) return;
  throw std::invalid_argument("expected a probability in [0, 1] for " + of +
                              ", received " + text_of(probability));
}

void check_choice(const Choice& choice) {
  const OpRule& rule = rule_of(choice.kind);
  const std::string name = rule.name;
  check_probability(choice.probability, "'" + name + "'");
  const std::string received =
      "received [" + text_of(choice.low) + ", " + text_of(choice.high) + "]";
  if (!(choice.low <= choice.high)) {
    throw std::invalid_argument("expected low <= high for '" + name + "', " +
                                received);
  }
  if (!(choice.low >= rule.lowest && choice.high <= rule.highest)) {
    throw std::invalid_argument(
        "expected a range within [" + text_of(rule.lowest) + ", " +
        text_of(rule.highest) + "] for '" + name + "', " + received);
  }
  if (choice.kind == OpKind::kCrop &&
      !(choice.low == choice.high && choice.high < 1.0)) {
    throw std::invalid_argument(
        "expected low == high < 1, the padded part of each side, for 'crop', " +
        received);
  }
}

double draw_offset(Draws& draws, std::uint32_t n, int side, double fraction) {
  const int padding = static_cast<int>(side * fraction);
  const auto places = static_cast<std::uint32_t>(2 * padding + 1);
  return static_cast<int>(draws.below(n, places)) - padding;
}

/// An op without a range, or with none to speak of, costs no draw.
double draw_value(const Choice& choice, Draws& draws, std::uint32_t first) {
  double value = choice.low;
  if (choice.levels > 1) {
    const std::uint32_t level = draws.below(first + kDrawValue, choice.levels);
    value += level * (choice.high - choice.low) / (choice.levels - 1);
  } else if (choice.levels == 0 && choice.high > choice.low) {
    value += draws.uniform(first + kDrawValue) * (choice.high - choice.low);
  }
  if (choice.either_sign && draws.uniform(first + kDrawSign) < 0.5) {
    value = -value;
  }
  return value;
}

Values draw_values(const Choice& choice, Draws& draws, std::uint32_t first,
                   const Shape& shape) {
  const double value = draw_value(choice, draws, first);
  switch (choice.kind) {
    case OpKind::kPosterize:
      return {std::max(1.0, std::trunc(value))};
    case OpKind::kCrop:
      return {draw_offset(draws, first + kDrawPlaceY, shape.height, value),
              draw_offset(draws, first + kDrawPlaceX, shape.width, value)};
    case OpKind::kCutout:
    case OpKind::kCutoutGray: {
      const double center_y = draws.uniform(first + kDrawPlaceY) * shape.height;
      const double center_x = draws.uniform(first + kDrawPlaceX) * shape.width;
      return {value * shape.width, center_x, center_y};
    }
    case OpKind::kCutoutBox: {
      const int smaller = std::min(shape.height, shape.width);
      const auto place = [&](std::uint32_t number, int side) {
        return static_cast<double>(
            draws.below(first + number, static_cast<std::uint32_t>(side)));
      };
      return {1 + std::trunc(value * smaller), place(kDrawPlaceX, shape.width),
              place(kDrawPlaceY, shape.height)};
    }
    default:
      return {value};
  }
}

/// The ops that one image gets, in memory of the scratch.
class Drawing {
 public:
  Drawing(const Policy& policy, Draws& draws, const Shape& shape,
          Scratch& scratch)
      : draws_(draws),
        shape_(shape),
        scratch_(scratch),
        list_(reinterpret_cast<Application*>(scratch.bytes(
            Scratch::kApplications, kMostDraws * sizeof(Application)))) {
    std::uint32_t first = 0;
    for (const Stage& stage : policy.stages) {
      draw(stage, first);
      first += stage.draws * kDrawsPerApplication;
    }
  }

  const Application* begin() const { return list_; }
  const Application* end() const { return list_ + count_; }

 private:
  void draw(const Stage& stage, std::uint32_t first) {
    if (stage.probability < 1.0 &&
        draws_.uniform(first + kDrawStage) >= stage.probability) {
      return;
    }
    const auto count = static_cast<std::uint32_t>(stage.choices.size());
    int* left = nullptr;
    if (stage.distinct) {
      left = scratch_.ints(Scratch::kOp, count);
      for (std::uint32_t i = 0; i < count; ++i) left[i] = static_cast<int>(i);
    }
    for (std::uint32_t i = 0; i < stage.draws; ++i) {
      std::uint32_t number = 0;
      if (stage.distinct) {
        const std::uint32_t place = i + pick(first, count - i);
        std::swap(left[i], left[place]);
        number = static_cast<std::uint32_t>(left[i]);
      } else {
        number = pick(first, count);
      }
      add(stage.choices[number], first);
      first += kDrawsPerApplication;
    }
  }

  std::uint32_t pick(std::uint32_t first, std::uint32_t count) {
    return count == 1 ? 0 : draws_.below(first + kDrawChoice, count);
  }

  void add(const Choice& choice, std::uint32_t first) {
    if (choice.kind == OpKind::kIdentity) return;
    if (choice.probability < 1.0 &&
        draws_.uniform(first + kDrawProbability) >= choice.probability) {
      return;
    }
    list_[count_++] = {choice.kind, draw_values(choice, draws_, first, shape_)};
  }

  Draws& draws_;
  const Shape shape_;
  Scratch& scratch_;
  Application* list_;
  std::size_t count_ = 0;
};

}  // namespace

void check_policy(const Policy& policy) {
  std::uint64_t applications = 0;
  for (const Stage& stage : policy.stages) {
    if (stage.choices.empty()) {
      throw std::invalid_argument(
          "expected at least one op in each stage, received none");
    }
    for (const Choice& choice : stage.choices) check_choice(choice);
    check_probability(stage.probability, "a stage");
    if (stage.distinct && stage.draws > stage.choices.size()) {
      throw std::invalid_argument(
          "expected at most as many draws as ops in a stage of distinct ops, "
          "received " +
          std::to_string(stage.draws) + " draws of " +
          std::to_string(stage.choices.size()));
    }
    applications += stage.draws;
  }
  if (applications > kMostDraws) {
    throw std::invalid_argument(
        "expected at most " + std::to_string(kMostDraws) +
        " draws in a policy, received " + std::to_string(applications));
  }
}

void apply_policy(const Policy& policy, ConstImage in, Image out, Draws& draws,
                  Scratch& scratch) {
  const Drawing drawn(policy, draws, in.shape, scratch);
  engine().run(drawn.begin(), drawn.end(), in, out, scratch);
}

}  // namespace keras_ssl
