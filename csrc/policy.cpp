#include "policy.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace keras_ssl {
namespace {

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
  if (choice.either_sign && -choice.high < rule.lowest) {
    throw std::invalid_argument(
        "expected an op that takes negative values beside either_sign, "
        "received '" +
        name + "'");
  }
  if (choice.kind == OpKind::kCrop &&
      !(choice.low == choice.high && choice.high < 1.0)) {
    throw std::invalid_argument(
        "expected low == high < 1, the padded part of each side, for 'crop', " +
        received);
  }
}

bool always_resizes(const Stage& stage) {
  return stage.draws > 0 && stage.probability == 1.0 &&
         std::all_of(stage.choices.begin(), stage.choices.end(),
                     [](const Choice& choice) {
                       return resizes(choice.kind) && choice.probability == 1.0;
                     });
}

bool sometimes_resizes(const Stage& stage) {
  return std::any_of(stage.choices.begin(), stage.choices.end(),
                     [](const Choice& choice) { return resizes(choice.kind); });
}

bool sometimes_turns(const Stage& stage) {
  return std::any_of(
      stage.choices.begin(), stage.choices.end(),
      [](const Choice& choice) { return choice.kind == OpKind::kQuarterTurn; });
}

void check_square(const Shape& shape) {
  if (shape.height == shape.width) return;
  throw std::invalid_argument(
      "expected square images for 'quarter_turn', received " +
      std::to_string(shape.height) + " x " + std::to_string(shape.width));
}

void check_size(const Policy& policy) {
  for (const int side : {policy.height, policy.width}) {
    if (side >= 0 && side <= kLargestSide) continue;
    throw std::invalid_argument("expected a size of 1 to " +
                                std::to_string(kLargestSide) +
                                " pixels, received " + std::to_string(side));
  }
}

}  // namespace

std::size_t Policy::applications() const {
  std::size_t count = 0;
  for (const Stage& stage : stages) count += stage.draws;
  return count;
}

bool Policy::learns() const {
  return std::any_of(stages.begin(), stages.end(),
                     [](const Stage& stage) { return stage.learned; });
}

bool Policy::turns() const {
  return std::any_of(stages.begin(), stages.end(), sometimes_turns);
}

void check_policy(const Policy& policy) {
  std::uint64_t applications = 0;
  std::uint64_t learned = 0;
  std::uint64_t noises = 0;
  for (const Stage& stage : policy.stages) {
    if (stage.choices.empty()) {
      throw std::invalid_argument(
          "expected at least one op in each stage, received none");
    }
    for (const Choice& choice : stage.choices) {
      check_choice(choice);
      if (choice.kind == OpKind::kNoise) noises += stage.draws;
    }
    check_probability(stage.probability, "a stage");
    if (stage.distinct && stage.draws > stage.choices.size()) {
      throw std::invalid_argument(
          "expected at most as many draws as ops in a stage of distinct ops, "
          "received " +
          std::to_string(stage.draws) + " draws of " +
          std::to_string(stage.choices.size()));
    }
    applications += stage.draws;
    learned += stage.learned ? 1 : 0;
  }
  if (applications > kMostDraws) {
    throw std::invalid_argument(
        "expected at most " + std::to_string(kMostDraws) +
        " draws in a policy, received " + std::to_string(applications));
  }
  if (learned > 1 || noises > 1) {
    throw std::invalid_argument(
        std::string("expected at most one ") +
        (learned > 1 ? "learned stage" : "draw of 'noise'") +
        " in a policy, received more");
  }
  check_size(policy);
}

void check_policy_for(const Policy& policy, const Shape& shape) {
  const Shape result = policy.shape_of(shape);
  const bool same = result == shape;
  bool resized = false;     // in any case
  bool may_resize = false;  // in some
  for (const Stage& stage : policy.stages) {
    const bool resizes_here = stage.draws > 0 && sometimes_resizes(stage);
    // With several draws, a turn may come after a resize of the same stage.
    may_resize = may_resize || (stage.draws > 1 && resizes_here);
    if (sometimes_turns(stage)) {
      if (!resized) check_square(shape);
      if (may_resize) check_square(result);
    }
    may_resize = may_resize || resizes_here;
    resized = resized || always_resizes(stage);
  }
  if (!same && !resized) {
    throw std::invalid_argument(
        "expected 'resize', 'center_crop' or 'resized_crop' in a policy whose "
        "size, " +
        std::to_string(result.height) + " x " + std::to_string(result.width) +
        ", is not that of the images, " + std::to_string(shape.height) + " x " +
        std::to_string(shape.width) + "; received none that is always applied");
  }
}

void check_rates(const Rates& rates, const Policy& policy) {
  for (const Stage& stage : policy.stages) {
    if (!stage.learned) continue;
    if (rates.size() == stage.choices.size()) return;
    throw std::invalid_argument(
        "expected rates for " + std::to_string(stage.choices.size()) +
        " ops, received " + std::to_string(rates.size()));
  }
  throw std::invalid_argument(
      "expected a view with a learned stage, received one without");
}

}  // namespace keras_ssl
