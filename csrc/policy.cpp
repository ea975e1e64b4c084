#include "policy.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace keras_ssl {
namespace {

constexpr std::uint32_t kMostDraws = 1000;

void check_choice(const Choice& choice) {
  const OpRule& rule = rule_of(choice.kind);
  const std::string name = rule.name;
  if (!(choice.probability >= 0.0 && choice.probability <= 1.0)) {
    throw std::invalid_argument("expected a probability in [0, 1] for '" +
                                name + "', received " +
                                text_of(choice.probability));
  }
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

/// Where the image stands between ops: in the source, which is never written,
/// in the output, or in the scratch image.
class Canvas {
 public:
  Canvas(ConstImage source, Image out, Image scratch)
      : out_(out), scratch_(scratch), now_(source) {}

  void apply(OpKind kind, const Values& values) {
    const Image to = target(rule_of(kind).in_place);
    apply_op(kind, now_, to, values);
    now_ = to;
  }

  void finish() {
    if (now_.pixels != out_.pixels) {
      apply_op(OpKind::kIdentity, now_, out_, {});
    }
  }

 private:
  Image target(bool in_place) const {
    if (now_.pixels == out_.pixels) return in_place ? out_ : scratch_;
    if (now_.pixels == scratch_.pixels) return in_place ? scratch_ : out_;
    return out_;
  }

  Image out_;
  Image scratch_;
  ConstImage now_;
};

double draw_offset(Draws& draws, std::uint32_t n, int side, double fraction) {
  const int padding = static_cast<int>(side * fraction);
  const auto places = static_cast<std::uint32_t>(2 * padding + 1);
  return static_cast<int>(draws.below(n, places)) - padding;
}

Values draw_values(const Choice& choice, Draws& draws, std::uint32_t first,
                   const Shape& shape) {
  const double value = choice.low + draws.uniform(first + kDrawValue) *
                                        (choice.high - choice.low);
  switch (choice.kind) {
    case OpKind::kPosterize:
      return {std::max(1.0, static_cast<double>(static_cast<int>(value)))};
    case OpKind::kCrop:
      return {draw_offset(draws, first + kDrawPlaceY, shape.height, value),
              draw_offset(draws, first + kDrawPlaceX, shape.width, value)};
    case OpKind::kCutout: {
      const double center_y = draws.uniform(first + kDrawPlaceY) * shape.height;
      const double center_x = draws.uniform(first + kDrawPlaceX) * shape.width;
      return {value * shape.width, center_x, center_y};
    }
    default:
      return {value};
  }
}

void apply_drawn(const Stage& stage, Draws& draws, std::uint32_t first,
                 const Shape& shape, Canvas& canvas) {
  const auto count = static_cast<std::uint32_t>(stage.choices.size());
  const Choice& choice = stage.choices[draws.below(first + kDrawChoice, count)];
  if (choice.kind == OpKind::kIdentity ||
      draws.uniform(first + kDrawProbability) >= choice.probability) {
    return;
  }
  canvas.apply(choice.kind, draw_values(choice, draws, first, shape));
}

}  // namespace

void check_policy(const Policy& policy) {
  std::uint64_t applications = 0;
  for (const Stage& stage : policy.stages) {
    if (stage.choices.empty()) {
      throw std::invalid_argument(
          "expected at least one op in each stage, received none");
    }
    for (const Choice& choice : stage.choices) check_choice(choice);
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
  Canvas canvas(in, out, scratch.image(in.shape));
  std::uint32_t first = 0;
  for (const Stage& stage : policy.stages) {
    for (std::uint32_t draw = 0; draw < stage.draws; ++draw) {
      apply_drawn(stage, draws, first, in.shape, canvas);
      first += kDrawsPerApplication;
    }
  }
  canvas.finish();
}

}  // namespace keras_ssl
