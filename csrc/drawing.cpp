#include "drawing.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "noise_ops.h"

namespace keras_ssl {
namespace {

double draw_offset(Draws& draws, std::uint32_t n, int side, double fraction) {
  const int padding = static_cast<int>(side * fraction);
  const auto places = static_cast<std::uint32_t>(2 * padding + 1);
  return static_cast<int>(draws.below(n, places)) - padding;
}

/// Without a density all levels are equally likely.
double level_of(double uniform, const Density* density) {
  return density == nullptr ? uniform : density->level(uniform);
}

/// Part of [low, high] that a level stands for. An op without a range, or with
/// none to speak of, costs no draw.
double draw_level(const Choice& choice, Draws& draws, std::uint32_t n,
                  const Density* density) {
  if (choice.levels > 1) {
    return static_cast<double>(draws.below(n, choice.levels)) /
           (choice.levels - 1);
  }
  if (choice.levels == 1 || !(choice.high > choice.low)) return 0.0;
  return level_of(draws.uniform(n), density);
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
    const Choice& choice = stage.choices[number];
    const std::uint32_t first = slot * kDrawsPerApplication;
    if (choice.probability < 1.0 &&
        draws_.uniform(first + kDrawProbability) >= choice.probability) {
      return;
    }
    const Density* const densities =
        stage.learned && rates_ != nullptr ? (*rates_)[number].data() : nullptr;
    const Density* const seconds = densities ? densities + 1 : nullptr;
    Drawn drawn{slot, static_cast<std::int32_t>(number), {}};
    drawn.levels[0] = draw_level(choice, draws_, first + kDrawValue, densities);
    if (choice.kind == OpKind::kRescale) {
      drawn.levels[1] = level_of(draws_.uniform(first + kDrawSecond), seconds);
    }
    double value = value_of(choice, drawn.levels[0]);
    if (choice.either_sign && draws_.uniform(first + kDrawSign) < 0.5) {
      value = -value;
    }
    drawn_[count_] = drawn;
    list_[count_] = {choice.kind, values_of(choice, value, drawn, first)};
    if (choice.kind == OpKind::kNoise) {
      list_[count_].words = draw_noise(drawn.slot);
    }
    if (resizes(choice.kind)) shape_ = result_;
    ++count_;
  }

  Values values_of(const Choice& choice, double value, const Drawn& drawn,
                   std::uint32_t first) {
    switch (choice.kind) {
      case OpKind::kPosterize:
        return {std::clamp(std::trunc(value), 1.0, 8.0)};
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
  const std::uint32_t* draw_noise(std::size_t slot) {
    const std::size_t count = noise_words(shape_.bytes());
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
