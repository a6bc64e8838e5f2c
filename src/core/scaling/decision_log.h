#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "core/scaling/decide.h"

namespace penstock::core {

/// What kept a wanted worker from being started, once the decision was made.
enum class ScaleHold { none, back_off, no_place };
std::string_view to_text(ScaleHold hold);
std::optional<ScaleHold> parse_scale_hold(std::string_view text);

/// What came of a decision.
struct ScaleOutcome {
  int started = 0;
  int stopped = 0;  // that were told to go since the decision before, for whatever reason
  int missing = 0;  // that are wanted, allowed and not there
  ScaleHold hold = ScaleHold::none;
  std::string why{};  // in words: what holds workers back, or why the last of those that were stopped was

  std::vector<Millis> ready{};  // how long the starts took of workers that came to their first poll since then

  friend bool operator==(const ScaleOutcome&, const ScaleOutcome&) = default;
};

/// One entry of the flight recorder. decide(inputs) gives `decision` again, today and later.
struct RecordedDecision {
  EndpointId endpoint;
  Time at{};
  ScaleInputs inputs;
  ScaleDecision decision;
  ScaleOutcome outcome;

  friend bool operator==(const RecordedDecision&, const RecordedDecision&) = default;
};

/// The decision held workers back: by a bound, or by what stood in the way.
bool is_held_back(const RecordedDecision& one);

/// The members of a value with the names that they are kept under, for all who write or read them. New ones go to the
/// end and keep their initial value where an older entry does not have them.
template <class Inputs, class Visit>
  requires std::is_same_v<std::remove_const_t<Inputs>, ScaleInputs>
void each_member(Inputs& in, Visit&& visit) {
  visit("scalerType", in.scaler);
  visit("scalerValue", in.scaler_value);
  visit("workersMin", in.workers_min);
  visit("workersMax", in.workers_max);
  visit("queued", in.queued);
  visit("inProgress", in.in_progress);
  visit("oldestWaitMs", in.oldest_wait);
  visit("lowPriorityQueued", in.low_priority_queued);
  visit("oldestLowPriorityWaitMs", in.oldest_low_priority_wait);
  visit("present", in.present);
  visit("starting", in.starting);
  visit("sinceLastAdditionMs", in.since_last_addition);
  visit("budgetUsedUp", in.budget_used_up);
}

template <class Decision, class Visit>
  requires std::is_same_v<std::remove_const_t<Decision>, ScaleDecision>
void each_member(Decision& out, Visit&& visit) {
  visit("wanted", out.wanted);
  visit("rule", out.rule);
  visit("clamp", out.clamp);
  visit("lookAgainInMs", out.look_again_in);
}

/// `name=value` with `;` between: how the recorder keeps them. The same values give the same bytes.
std::string to_text(const ScaleInputs& inputs);
std::string to_text(const ScaleDecision& decision);
/// Nothing when the text is not such; names that are not known are skipped: a newer version wrote them.
std::optional<ScaleInputs> parse_scale_inputs(std::string_view text);
std::optional<ScaleDecision> parse_scale_decision(std::string_view text);

/// "from 1 to 2 workers: rule QUEUE_DELAY, queued 3 ...", for the log and for people.
std::string in_words(const RecordedDecision& one);

/// Which decisions of one endpoint are kept. An endpoint is decided about at every event, which mostly changes nothing.
/// Kept are
///   - those that start or stop workers, or see workers become ready, always;
///   - of the others those whose relevant part differs from that of the last one kept: the settings, and while workers
///     are held back the rule, the wanted count, and what holds them. Of these at most kUneventfulMax in a minute.
class DecisionFilter {
 public:
  static constexpr int kUneventfulMax = 60;

  /// Asked once for each decision, in order.
  bool keeps(const RecordedDecision& one);

 private:
  struct Relevant {
    ScalerType scaler{};
    int scaler_value = 0;
    int workers_min = 0;
    int workers_max = 0;
    bool held = false;
    int wanted = 0;  // while held, as the rest
    ScaleRule rule{};
    ScaleClamp clamp{};
    ScaleHold hold{};

    friend bool operator==(const Relevant&, const Relevant&) = default;
  };
  static Relevant relevant(const RecordedDecision& one);

  std::optional<Relevant> last_;
  Time minute_{};
  int in_minute_ = 0;
};

/// Which recorded decisions to list, the newest first.
struct DecisionQuery {
  EndpointId endpoint;
  std::optional<Time> from;            // made then or later
  std::optional<Time> until;           // made then or earlier
  std::optional<std::int64_t> before;  // go on behind this number
  int count = 100;                     // at most
};
struct DecisionPage {
  std::vector<RecordedDecision> decisions;
  std::optional<std::int64_t> next;  // to go on behind; nothing: there are no more
};

}  // namespace penstock::core
