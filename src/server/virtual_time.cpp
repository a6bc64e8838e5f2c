#include "server/virtual_time.h"

#include <algorithm>
#include <utility>

namespace penstock::server {
namespace {

constexpr std::uint64_t kStepsHereMax = 1'000'000;  // an instant that needs more than that never ends
constexpr Millis kWebhookPause{1};                  // of real time, while one is being delivered

}  // namespace

void VirtualTime::advance(Millis by, std::function<void(Result<std::uint64_t>)> done) {
  goals_.push_back({by, std::nullopt, std::move(done)});
  nudge();
}

void VirtualTime::nudge() {
  if (is_stepping_) return;
  is_stepping_ = true;
  again();
}

void VirtualTime::again() {
  loop_.post([this] { step(); });
}

/// Does what is due at this instant. False: nothing is, and nothing is under way.
bool VirtualTime::settle_now() {
  if (!core_.is_quiet()) return true;
  const Time now = clock_.now();
  const auto is_due = [&](std::optional<Time> at) { return at && *at <= now; };
  const bool for_workers = is_due(workers_.next_event());
  const bool for_engine = is_due(core_.engine().next_wakeup());
  if (for_workers) workers_.advance(now);
  if (for_engine) core_.give(core::Tick{});
  return for_workers || for_engine;
}

void VirtualTime::step() {
  if (settle_now()) {
    if (++steps_here_ < kStepsHereMax) return again();
    steps_here_ = 0;
    is_stepping_ = false;
    while (!goals_.empty()) {
      finish(
          fail(Errc::internal, "at " + iso8601(clock_.now()) +
                                   " things go on without end: does the script let workers start or work in no time?"));
    }
    return;
  }
  if (goals_.empty()) {
    is_stepping_ = false;
    return;
  }
  if (core_.engine().webhooks_in_flight() > 0) return pause_.set(kWebhookPause, [this] { step(); });
  Goal& goal = goals_.front();
  if (!goal.at) goal.at = clock_.now() + goal.by;
  if (*goal.at <= clock_.now()) {
    finish(goal.steps);
    return again();
  }
  Time next = *goal.at;
  for (const auto at : {workers_.next_event(), core_.engine().next_wakeup()}) {
    if (at) next = std::min(next, *at);
  }
  ++goal.steps;
  steps_here_ = 0;
  clock_.set(next);
  workers_.advance(next);
  core_.give(core::Tick{});
  again();
}

void VirtualTime::finish(Result<std::uint64_t> how) {
  const Goal done = std::move(goals_.front());
  goals_.pop_front();
  done.done(std::move(how));
}

}  // namespace penstock::server
