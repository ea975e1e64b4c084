#include "policy.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

#include "noise_ops.h"

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

bool holds(const Policy& policy, OpKind kind) {
  for (const Stage& stage : policy.stages) {
    for (const Choice& choice : stage.choices) {
      if (choice.kind == kind) return true;
    }
  }
  return false;
}

bool always_resizes(const Stage& stage) {
  return stage.draws > 0 && stage.probability == 1.0 &&
         std::all_of(stage.choices.begin(), stage.choices.end(),
                     [](const Choice& choice) {
                       return resizes(choice.kind) && choice.probability == 1.0;
                     });
}

void check_size(const Policy& policy) {
  for (const int side : {policy.height, policy.width}) {
    if (side >= 0 && side <= kLargestSide) continue;
    throw std::invalid_argument("expected a size of 1 to " +
                                std::to_string(kLargestSide) +
                                " pixels, received " + std::to_string(side));
  }
}

double draw_offset(Draws& draws, std::uint32_t n, int side, double fraction) {
  const int padding = static_cast<int>(side * fraction);
  const auto places = static_cast<std::uint32_t>(2 * padding + 1);
  return static_cast<int>(draws.below(n, places)) - padding;
}

/// Part of [low, high] that a level stands for. An op without a range, or with
/// none to speak of, costs no draw.
double draw_level(const Choice& choice, Draws& draws, std::uint32_t n,
                  const Density& density) {
  if (choice.levels > 1) {
    return static_cast<double>(draws.below(n, choice.levels)) /
           (choice.levels - 1);
  }
  if (choice.levels == 1 || !(choice.high > choice.low)) return 0.0;
  return density.level(draws.uniform(n));
}

double value_of(const Choice& choice, double level) {
  if (choice.levels > 1) {  // the products first, so that they stay whole
    return choice.low + std::round(level * (choice.levels - 1)) *
                            (choice.high - choice.low) / (choice.levels - 1);
  }
  return choice.low + level * (choice.high - choice.low);
}

Values whole_image(const Shape& shape) {
  return {0.0, 0.0, static_cast<double>(shape.width),
          static_cast<double>(shape.height)};
}

/// The largest box in the middle that has the proportions of the result, and
/// `part` of its sides.
Values center_box(const Shape& shape, const Shape& result, double part) {
  const double scale =
      part * std::min(static_cast<double>(shape.width) / result.width,
                      static_cast<double>(shape.height) / result.height);
  const double width = std::max(1.0, std::round(scale * result.width));
  const double height = std::max(1.0, std::round(scale * result.height));
  const double left = std::floor((shape.width - width) / 2);
  const double top = std::floor((shape.height - height) / 2);
  return {left, top, left + width, top + height};
}

/// torchvision's RandomResizedCrop: ten attempts at a box of this part of the
/// area, its proportions log-uniform in [3/4, 4/3]; the middle if none fits.
Values resized_box(const Choice& choice, const Shape& shape, Draws draws) {
  constexpr double kLowest = 3.0 / 4.0;
  constexpr double kHighest = 4.0 / 3.0;
  const double width = shape.width;
  const double height = shape.height;
  for (std::uint32_t attempt = 0; attempt < 10; ++attempt) {
    const std::uint32_t n = 4 * attempt;
    const double area =
        width * height *
        (choice.low + draws.uniform(n) * (choice.high - choice.low));
    const double proportion = std::exp(
        std::log(kLowest) +
        draws.uniform(n + 1) * (std::log(kHighest) - std::log(kLowest)));
    const double box_width = std::nearbyint(std::sqrt(area * proportion));
    const double box_height = std::nearbyint(std::sqrt(area / proportion));
    if (box_width < 1 || box_width > width || box_height < 1 ||
        box_height > height) {
      continue;
    }
    const auto place = [&draws](std::uint32_t word, double room) {
      return static_cast<double>(
          draws.below(word, static_cast<std::uint32_t>(room) + 1));
    };
    const double top = place(n + 2, height - box_height);
    const double left = place(n + 3, width - box_width);
    return {left, top, left + box_width, top + box_height};
  }
  const double proportion = width / height;
  const double box_width =
      proportion > kHighest ? std::nearbyint(height * kHighest) : width;
  const double box_height =
      proportion < kLowest ? std::nearbyint(width / kLowest) : height;
  const double left = std::floor((width - box_width) / 2);
  const double top = std::floor((height - box_height) / 2);
  return {left, top, left + box_width, top + box_height};
}

/// The ops that one image gets.
class Drawing {
 public:
  Drawing(const Policy& policy, const Shape& shape, Draws& draws,
          Scratch& scratch, const Rates* rates)
      : draws_(draws),
        shape_(shape),
        result_(policy.shape_of(shape)),
        scratch_(scratch),
        rates_(rates),
        list_(reinterpret_cast<Application*>(scratch.bytes(
            Scratch::kApplications, kMostDraws * sizeof(Application)))),
        drawn_(reinterpret_cast<Drawn*>(
            scratch.bytes(Scratch::kDrawn, kMostDraws * sizeof(Drawn)))) {
    std::uint32_t slot = 0;
    for (const Stage& stage : policy.stages) {
      draw(stage, slot);
      slot += stage.draws;
    }
  }

  DrawnPolicy result() const { return {list_, drawn_, count_}; }

 private:
  void draw(const Stage& stage, std::uint32_t slot) {
    if (stage.probability < 1.0 &&
        draws_.uniform(slot * kDrawsPerApplication + kDrawStage) >=
            stage.probability) {
      return;
    }
    const auto count = static_cast<std::uint32_t>(stage.choices.size());
    std::uint32_t* left = nullptr;
    if (stage.distinct) {
      left = scratch_.workspace().array<std::uint32_t>(count);
      for (std::uint32_t i = 0; i < count; ++i) left[i] = i;
    }
    for (std::uint32_t i = 0; i < stage.draws; ++i, ++slot) {
      std::uint32_t number = pick(slot, stage.distinct ? count - i : count);
      if (stage.distinct) {
        std::swap(left[i], left[i + number]);
        number = left[i];
      }
      add(stage, number, slot);
    }
  }

  std::uint32_t pick(std::uint32_t slot, std::uint32_t count) {
    return count == 1
               ? 0
               : draws_.below(slot * kDrawsPerApplication + kDrawChoice, count);
  }

  void add(const Stage& stage, std::uint32_t number, std::uint32_t slot) {
    static const std::array<Density, 2> kUniform;
    const Choice& choice = stage.choices[number];
    const std::uint32_t first = slot * kDrawsPerApplication;
    if (choice.probability < 1.0 &&
        draws_.uniform(first + kDrawProbability) >= choice.probability) {
      return;
    }
    const auto& densities =
        stage.learned && rates_ != nullptr ? (*rates_)[number] : kUniform;
    Drawn drawn{slot, static_cast<std::int32_t>(number), {}};
    drawn.levels[0] =
        draw_level(choice, draws_, first + kDrawValue, densities[0]);
    if (choice.kind == OpKind::kRescale) {
      drawn.levels[1] = densities[1].level(draws_.uniform(first + kDrawSecond));
    }
    double value = value_of(choice, drawn.levels[0]);
    if (choice.either_sign && draws_.uniform(first + kDrawSign) < 0.5) {
      value = -value;
    }
    drawn_[count_] = drawn;
    list_[count_] = {choice.kind, values_of(choice, value, drawn, first)};
    if (choice.kind == OpKind::kNoise) {
      list_[count_].words = noise_words(drawn.slot);
    }
    if (resizes(choice.kind)) shape_ = result_;
    ++count_;
  }

  Values values_of(const Choice& choice, double value, const Drawn& drawn,
                   std::uint32_t first) {
    switch (choice.kind) {
      case OpKind::kPosterize:
        return {std::max(1.0, std::trunc(value))};
      case OpKind::kShiftX:
      case OpKind::kShiftY:
      case OpKind::kQuarterTurn:
        return {std::trunc(value)};
      case OpKind::kCrop:
        return {draw_offset(draws_, first + kDrawPlaceY, shape_.height, value),
                draw_offset(draws_, first + kDrawPlaceX, shape_.width, value)};
      case OpKind::kCutout:
      case OpKind::kCutoutGray: {
        const double center_y =
            draws_.uniform(first + kDrawPlaceY) * shape_.height;
        const double center_x =
            draws_.uniform(first + kDrawPlaceX) * shape_.width;
        return {value * shape_.width, center_x, center_y};
      }
      case OpKind::kCutoutBox: {
        const int smaller = std::min(shape_.height, shape_.width);
        return {1 + std::trunc(value * smaller),
                draw_place(first + kDrawPlaceX, shape_.width),
                draw_place(first + kDrawPlaceY, shape_.height)};
      }
      case OpKind::kRescale:  // of six filters, as the reference code rounds
        return {value, std::trunc(drawn.levels[1] * 5.99)};
      case OpKind::kResize:
        return whole_image(shape_);
      case OpKind::kCenterCrop:
        return center_box(shape_, result_, value);
      case OpKind::kResizedCrop:
        return resized_box(choice, shape_,
                           draws_.part(static_cast<std::uint32_t>(drawn.slot)));
      default:
        return {value};
    }
  }

  double draw_place(std::uint32_t n, int side) {
    return draws_.below(n, static_cast<std::uint32_t>(side));
  }

  /// A word for two values. check_policy() allows one noise in a policy.
  const std::uint32_t* noise_words(std::size_t slot) {
    const std::size_t count = keras_ssl::noise_words(shape_.bytes());
    auto* words = reinterpret_cast<std::uint32_t*>(
        scratch_.bytes(Scratch::kNoise, count * sizeof(std::uint32_t)));
    Draws draws = draws_.part(static_cast<std::uint32_t>(slot));
    for (std::size_t n = 0; n < count; ++n) {
      words[n] = draws.word(static_cast<std::uint32_t>(n));
    }
    return words;
  }

  Draws& draws_;
  Shape shape_;  // of the image after the ops drawn so far
  const Shape result_;
  Scratch& scratch_;
  const Rates* rates_;
  Application* list_;
  Drawn* drawn_;
  std::size_t count_ = 0;
};

}  // namespace

std::size_t Policy::applications() const {
  std::size_t count = 0;
  for (const Stage& stage : stages) count += stage.draws;
  return count;
}

bool Policy::turns() const { return holds(*this, OpKind::kQuarterTurn); }

Density::Density(const std::vector<double>& weights) {
  double sum = 0.0;
  for (const double weight : weights) {
    if (!(weight >= 0.0 && std::isfinite(weight))) {
      throw std::invalid_argument(
          "expected finite rates of 0 or more, received " + text_of(weight));
    }
    sum += weight;
    ends_.push_back(sum);
  }
  if (weights.empty()) return;
  if (!(sum > 0.0 && std::isfinite(sum))) {
    throw std::invalid_argument(
        "expected rates with a finite sum above 0, received a sum of " +
        text_of(sum));
  }
  for (double& end : ends_) end /= sum;
}

double Density::level(double uniform) const {
  if (ends_.empty()) return uniform;
  const auto end = std::upper_bound(ends_.begin(), ends_.end(), uniform);
  const auto bin =
      static_cast<std::size_t>(std::min(end, ends_.end() - 1) - ends_.begin());
  const double begin = bin == 0 ? 0.0 : ends_[bin - 1];
  // A bin ends before the next begins, whatever the division rounds to.
  const double part =
      std::min((uniform - begin) / (ends_[bin] - begin), 1.0 - 0x1p-32);
  return (static_cast<double>(bin) + part) / static_cast<double>(ends_.size());
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
  bool resized = false;
  for (const Stage& stage : policy.stages) {
    for (const Choice& choice : stage.choices) {
      if (choice.kind == OpKind::kQuarterTurn &&
          (resized ? result.height != result.width
                   : shape.height != shape.width)) {
        throw std::invalid_argument(
            "expected square images for 'quarter_turn', received " +
            std::to_string(shape.height) + " x " + std::to_string(shape.width));
      }
    }
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

DrawnPolicy draw_policy(const Policy& policy, const Shape& shape, Draws& draws,
                        Scratch& scratch, const Rates* rates) {
  return Drawing(policy, shape, draws, scratch, rates).result();
}

int apply_policy(const Policy& policy, ConstImage in, Image out, Draws& draws,
                 Scratch& scratch, const Rates* rates) {
  const DrawnPolicy drawn =
      draw_policy(policy, in.shape, draws, scratch, rates);
  const Application* first = drawn.applications;
  engine().run(first, first + drawn.count, in, out, scratch);
  double turns = 0.0;
  for (std::size_t i = 0; i < drawn.count; ++i) {
    if (first[i].kind == OpKind::kQuarterTurn) turns += first[i].values[0];
  }
  return static_cast<int>(turns) % 4;
}

}  // namespace keras_ssl
