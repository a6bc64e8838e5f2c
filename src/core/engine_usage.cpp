#include <algorithm>

#include "core/engine_state.h"
#include "core/usage/budgets.h"

namespace penstock::core {
namespace {

constexpr Millis kDay{86'400'000};
// contract/data-plane 3.4: what becomes of an endpoint that nobody asks anything.
constexpr Millis kUnusedLow = 3 * kDay;
constexpr int kUnusedLowWorkers = 2;
constexpr Millis kUnusedNone = 7 * kDay;

int gpus_of(const WorkerEntry& worker) {
  return static_cast<int>(worker.worker.placement.gpus.size());
}

}  // namespace

UsageState EngineState::usage_of(const WorkerEntry& worker) {
  if (worker.worker.frozen) return UsageState::frozen;
  if (!is_ready(worker)) return UsageState::starting;
  return worker.holding.empty() ? UsageState::idle : UsageState::active;
}

void EngineState::meter_begins(WorkerEntry& worker, Time since) {
  const AccountId owner = worker.endpoint ? worker.endpoint->endpoint.owner : AccountId{};
  worker.meter = &meters.meter(owner, worker.worker.endpoint, worker.worker.placement.pool);
  worker.usage = usage_of(worker);
  meters.enter(*worker.meter, worker.usage, gpus_of(worker), since, now);
}

void EngineState::note_usage(WorkerEntry& worker) {
  if (!worker.meter) return;
  const UsageState state = usage_of(worker);
  if (state == worker.usage) return;
  meters.move(*worker.meter, worker.usage, state, gpus_of(worker), now);
  // After a crash all time since the last row counts as what the worker does then, and frozen time is not charged.
  if (state == UsageState::frozen || worker.usage == UsageState::frozen) {
    save_usage(meters.take_changed(*worker.meter, now));
  }
  worker.usage = state;
}

void EngineState::meter_ends(WorkerEntry& worker) {
  if (!worker.meter) return;
  meters.leave(*worker.meter, worker.usage, gpus_of(worker), now);
  save_usage(meters.take_changed(*worker.meter, now));
  worker.meter = nullptr;
}

void EngineState::save_usage(std::vector<UsageRow> rows) {
  for (UsageRow& row : rows) fx->records.push_back(UsageSaved{std::move(row)});
}

/// Before the workers are there.
void EngineState::restore_fleet(const StoredState& stored) {
  for (EndpointEntry* entry : endpoint_order) entry->last_request = now;  // where nobody knows better
  for (const auto& [id, at] : stored.last_requests) {
    const auto found = endpoints.find(id);
    if (found != endpoints.end() && at > Time{}) found->second->last_request = at;
  }
  for (const Budget& budget : stored.budgets) budgets.emplace(std::pair(budget.owner, budget.endpoint), budget);
  meters.restore(stored.usage);
  restore_releases(stored.releases);
}

/// With the workers and what they hold: adds what is not in the rows yet, since the server was last here.
void EngineState::restore_usage() {
  std::vector<std::pair<WorkerEntry*, Time>> since;
  for (const auto& [id, entry] : workers) {
    const Worker& worker = entry->worker;
    if (worker.external) continue;
    const AccountId owner = entry->endpoint ? entry->endpoint->endpoint.owner : AccountId{};
    const auto& meter = meters.meter(owner, worker.endpoint, worker.placement.pool);
    since.emplace_back(entry.get(), std::max(worker.created, meters.metered(meter)));
  }
  std::ranges::sort(since, {}, [](const auto& one) { return one.first->worker.id; });
  for (const auto& [worker, at] : since) meter_begins(*worker, at);
}

/// Once a minute.
void EngineState::sweep_usage() {
  save_usage(meters.take_all_changed(now));
}

void EngineState::on(MeterUsage& c) {
  save_usage(meters.take_all_changed(now));
  reply(c.to, Done{});
}

// ---------------------------------------------------------------- budgets

void EngineState::on(SaveBudget& c) {
  const Budget& budget = c.budget;
  if (!budget.endpoint.empty()) {
    const auto found = endpoints.find(budget.endpoint);
    if (found == endpoints.end() || found->second->endpoint.owner != budget.owner) {
      return reply_error(c.to, Errc::not_found, "endpoint \"" + budget.endpoint.str() + "\" not found");
    }
  }
  const auto key = std::pair(budget.owner, budget.endpoint);
  if (budget.per_day) {
    budgets.insert_or_assign(key, budget);
  } else {
    budgets.erase(key);
  }
  fx->records.push_back(BudgetSaved{budget});
  accounts_stopped.erase(budget.owner);
  touch_all(budget.owner);
  reply(c.to, Done{});
}

std::optional<Budget> EngineState::used_up_budget(EndpointEntry& entry) {
  if (budgets.empty()) return std::nullopt;
  const Endpoint& endpoint = entry.endpoint;
  std::optional<Budget> out;
  const auto check = [&](const EndpointId& of, const Spent& spent, const UsageMeters::Pace& pace) {
    const auto budget = budgets.find(std::pair(endpoint.owner, of));
    if (budget == budgets.end()) return;
    if (const auto left = lasts_for(budget->second, spent, pace)) look_again(entry, now + *left);
    if (!out && is_used_up(budget->second, spent)) out = budget->second;
  };
  check(endpoint.id, meters.spent_by(endpoint.id, now), meters.pace_of(endpoint.id, now));
  check(EndpointId{}, meters.spent_by(endpoint.owner, now), meters.pace_of(endpoint.owner, now));
  Time& stopped_until = accounts_stopped[endpoint.owner];
  if (out && out->endpoint.empty() && stopped_until < next_day(now)) {
    stopped_until = next_day(now);
    touch_all(endpoint.owner);
  }
  if (out) look_again(entry, next_day(now));
  return out;
}

void EngineState::touch_all(const AccountId& owner) {
  for (EndpointEntry* entry : endpoint_order) {
    if (entry->endpoint.owner == owner) touch(*entry);
  }
}

/// Only where the budget asks for it; jobs go back to the queue.
void EngineState::stop_for_budget(EndpointEntry& entry) {
  if (!entry.used_up || entry.used_up->action != BudgetAction::stop_workers) return;
  for (WorkerEntry* worker : entry.workers) {
    if (worker->worker.external || worker->stop_sent) continue;
    drain(*worker, in_words(*entry.used_up));
    if (!worker->stop_sent) send_stop(*worker, settings.stop_grace);
  }
}

// ---------------------------------------------------------------- endpoints that nobody uses

void EngineState::lower_when_unused(EndpointEntry& entry) {
  if (!settings.idle_scale_down || entry.endpoint.workers_max == 0) return;
  const Millis unused = now - entry.last_request;
  const bool is_low = entry.endpoint.workers_max <= kUnusedLowWorkers;
  int most = entry.endpoint.workers_max;
  if (unused >= kUnusedNone) {
    most = 0;
  } else if (unused >= kUnusedLow && !is_low) {
    most = kUnusedLowWorkers;
  }
  if (most == entry.endpoint.workers_max) {
    return look_again(entry, entry.last_request + (is_low ? kUnusedNone : kUnusedLow));
  }
  entry.endpoint.workers_max = most;
  entry.endpoint.workers_min = std::min(entry.endpoint.workers_min, most);
  if (entry.endpoint.workers_standby) entry.endpoint.workers_standby = std::min(*entry.endpoint.workers_standby, most);
  fx->warnings.push_back("endpoint " + entry.endpoint.id.str() + " had no request for " +
                         std::to_string(unused / kDay) + " days: its workersMax is now " + std::to_string(most) +
                         "; it is not raised again by itself");
  put_endpoint(entry);
}

// ---------------------------------------------------------------- reads

const Budget* Engine::find_budget(const AccountId& owner, const EndpointId& endpoint) const {
  const auto found = state_->budgets.find(std::pair(owner, endpoint));
  return found == state_->budgets.end() || !found->second.per_day ? nullptr : &found->second;
}

Spent Engine::spent_today(Time now, const AccountId& owner, const EndpointId& endpoint) const {
  now = std::max(now, state_->now);
  return endpoint.empty() ? state_->meters.spent_by(owner, now) : state_->meters.spent_by(endpoint, now);
}

}  // namespace penstock::core
