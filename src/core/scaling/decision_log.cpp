#include "core/scaling/decision_log.h"

#include <charconv>
#include <type_traits>

namespace penstock::core {
namespace {

constexpr Millis kMinute{60'000};

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

template <class Value>
std::string value_text(const Value& value) {
  if constexpr (std::is_same_v<Value, int>) {
    return std::to_string(value);
  } else if constexpr (std::is_same_v<Value, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::is_same_v<Value, Millis>) {
    return std::to_string(value.count());
  } else if constexpr (std::is_same_v<Value, std::optional<Millis>>) {
    return value ? value_text(*value) : "";
  } else {
    return std::string(to_text(value));
  }
}

/// By the texts of the enumerators, which count up from 0.
template <class Enum>
bool parse_enum(std::string_view text, Enum& out) {
  for (int i = 0; !to_text(static_cast<Enum>(i)).empty(); ++i) {
    if (to_text(static_cast<Enum>(i)) != text) continue;
    out = static_cast<Enum>(i);
    return true;
  }
  return false;
}

bool parse_value(std::string_view text, int& out) {
  const auto value = number(text);
  if (value) out = static_cast<int>(*value);
  return value.has_value();
}
bool parse_value(std::string_view text, bool& out) {
  out = text == "true";
  return out || text == "false";
}
bool parse_value(std::string_view text, Millis& out) {
  const auto value = number(text);
  if (value) out = Millis{*value};
  return value.has_value();
}
bool parse_value(std::string_view text, std::optional<Millis>& out) {
  out.reset();
  return text.empty() || parse_value(text, out.emplace());
}
bool parse_value(std::string_view text, ScalerType& out) {
  const auto value = parse_scaler_type(text);
  if (value) out = *value;
  return value.has_value();
}
bool parse_value(std::string_view text, ScaleRule& out) {
  return parse_enum(text, out);
}
bool parse_value(std::string_view text, ScaleClamp& out) {
  return parse_enum(text, out);
}

template <class Value>
std::string members_text(const Value& value) {
  std::string out;
  each_member(value, [&](std::string_view name, const auto& member) {
    if (!out.empty()) out += ';';
    out.append(name).append("=").append(value_text(member));
  });
  return out;
}

template <class Value>
std::optional<Value> parse_members(std::string_view text) {
  Value value;
  bool good = true;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(';'));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    const auto sign = part.find('=');
    if (sign == std::string_view::npos) return std::nullopt;
    each_member(value, [&](std::string_view name, auto& member) {
      if (name == part.substr(0, sign)) good = good && parse_value(part.substr(sign + 1), member);
    });
  }
  return good ? std::optional<Value>(std::move(value)) : std::nullopt;
}

}  // namespace

std::string_view to_text(ScaleHold hold) {
  switch (hold) {
    case ScaleHold::none:
      return "none";
    case ScaleHold::back_off:
      return "back-off";
    case ScaleHold::no_place:
      return "no place";
  }
  return "";
}

std::optional<ScaleHold> parse_scale_hold(std::string_view text) {
  ScaleHold hold{};
  if (!parse_enum(text, hold)) return std::nullopt;
  return hold;
}

bool is_held_back(const RecordedDecision& one) {
  const bool bounded = one.decision.clamp != ScaleClamp::none && one.decision.clamp != ScaleClamp::workers_min;
  return bounded || one.outcome.hold != ScaleHold::none || one.outcome.missing > 0;
}

std::string to_text(const ScaleInputs& inputs) {
  return members_text(inputs);
}
std::string to_text(const ScaleDecision& decision) {
  return members_text(decision);
}
std::optional<ScaleInputs> parse_scale_inputs(std::string_view text) {
  return parse_members<ScaleInputs>(text);
}
std::optional<ScaleDecision> parse_scale_decision(std::string_view text) {
  return parse_members<ScaleDecision>(text);
}

std::string in_words(const RecordedDecision& one) {
  const ScaleInputs& in = one.inputs;
  const ScaleOutcome& out = one.outcome;
  std::string text = "wants " + std::to_string(one.decision.wanted) +
                     (one.decision.wanted == 1 ? " worker" : " workers") + " and has " + std::to_string(in.present);
  if (out.started > 0) text += ", starts " + std::to_string(out.started);
  if (out.stopped > 0) text += ", stops " + std::to_string(out.stopped);
  for (const Millis took : out.ready) text += ", one is ready after " + std::to_string(took.count()) + " ms";
  if (out.missing > 0) text += ", misses " + std::to_string(out.missing);
  text += ": rule " + std::string(to_text(one.decision.rule)) + ", clamp " + std::string(to_text(one.decision.clamp)) +
          ", queued " + std::to_string(in.queued) + ", in progress " + std::to_string(in.in_progress) +
          ", oldest wait " + std::to_string(in.oldest_wait.count()) + " ms";
  if (out.hold != ScaleHold::none) text += ", held back by " + std::string(to_text(out.hold));
  return out.why.empty() ? text : text + " (" + out.why + ")";
}

DecisionFilter::Relevant DecisionFilter::relevant(const RecordedDecision& one) {
  const ScaleInputs& in = one.inputs;
  Relevant out{in.scaler, in.scaler_value, in.workers_min, in.workers_max, is_held_back(one), 0, {}, {}, {}};
  if (!out.held) return out;
  out.wanted = one.decision.wanted;
  out.rule = one.decision.rule;
  out.clamp = one.decision.clamp;
  out.hold = one.outcome.hold;
  return out;
}

bool DecisionFilter::keeps(const RecordedDecision& one) {
  const Relevant now = relevant(one);
  const bool acts = one.outcome.started > 0 || one.outcome.stopped > 0 || !one.outcome.ready.empty();
  if (!acts) {
    if (last_ == now || (!last_ && !now.held)) return false;
    if (one.at >= minute_ + kMinute) {
      minute_ = one.at;
      in_minute_ = 0;
    }
    if (in_minute_ >= kUneventfulMax) return false;
    ++in_minute_;
  }
  last_ = now;
  return true;
}

}  // namespace penstock::core
