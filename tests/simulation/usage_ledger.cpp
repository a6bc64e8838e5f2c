#include "usage_ledger.h"

#include <algorithm>
#include <numeric>

#include "violation.h"

namespace penstock::simulation {
namespace {

constexpr Millis kHour{3'600'000};
constexpr Millis kDay{24 * kHour};

std::int64_t sum(const std::array<std::int64_t, core::kUsageStates>& states) {
  return std::accumulate(states.begin(), states.end(), std::int64_t{0});
}

}  // namespace

UsageLedger::Pool UsageLedger::pool_of(const core::Worker& worker) {
  return {worker.endpoint, worker.placement.pool.empty() ? "CPU" : worker.placement.pool};
}

void UsageLedger::see(const core::Worker& worker) {
  if (worker.external) return;
  if (!living_.find(worker.id)) {
    living_.edit(worker.id) = Life{pool_of(worker), worker.created, static_cast<int>(worker.placement.gpus.size())};
  }
  if (living_.find(worker.id)->frozen == worker.frozen) return;
  Life& life = living_.edit(worker.id);
  if (!worker.frozen) life.was_frozen.emplace_back(*life.frozen, worker.start.placed.value());
  life.frozen = worker.frozen;
}

/// Of this time, what counts for budgets.
Millis UsageLedger::Life::charged(Time from, Time to) const {
  Millis all = std::max(to - from, Millis{0});
  const auto leave_out = [&](Time begin, Time end) {
    all -= std::max(std::min(end, to) - std::max(begin, from), Millis{0});
  };
  for (const auto& [begin, end] : was_frozen) leave_out(begin, end);
  if (frozen) leave_out(*frozen, to);
  return all;
}

void UsageLedger::see_removed(Time now, const core::Worker& worker) {
  if (worker.external) return;
  sums_.edit(pool_of(worker)).lived_ms += (now - worker.created).count();
  living_.erase(worker.id);
  changed_ = true;
}

void UsageLedger::see(Time now, const core::UsageSaved& r) {
  const core::UsageRow& row = r.value;
  const Pool pool{row.endpoint, row.pool};
  const auto key = std::pair(pool, row.hour);
  const core::UsageRow* before = rows_.find(key);
  if (row.hour.time_since_epoch() % kHour != Millis{0}) violated("a row of usage begins within an hour");
  if (row.metered > now || row.metered < row.hour || row.metered > row.hour + kHour) {
    violated("usage of endpoint {} is metered beyond its hour or the present", row.endpoint.str());
  }
  for (std::size_t i = 0; i < core::kUsageStates; ++i) {
    const bool less = before && (row.worker_ms[i] < before->worker_ms[i] || row.gpu_ms[i] < before->gpu_ms[i]);
    if (less || row.worker_ms[i] < 0) violated("usage of endpoint {} became less", row.endpoint.str());
  }
  Sums& sums = sums_.edit(pool);
  sums.used_ms += sum(row.worker_ms) - (before ? sum(before->worker_ms) : 0);
  sums.metered = std::max(sums.metered, row.metered);
  rows_.edit(key) = row;
  changed_ = true;
  ++rows_seen_;
}

void UsageLedger::see(const core::BudgetSaved& r) {
  const auto key = std::pair(r.value.owner, r.value.endpoint);
  if (r.value.per_day) {
    budgets_.edit(key) = r.value;
  } else {
    budgets_.erase(key);
  }
}

void UsageLedger::applied(Time) {
  if (!changed_) return;
  changed_ = false;
  std::map<Pool, std::int64_t> expected;
  for (const auto& [pool, sums] : sums_.all()) expected[pool] = sums.lived_ms;
  for (const auto& [id, life] : living_.all()) {
    const Sums* sums = sums_.find(life.pool);
    if (sums) expected[life.pool] += std::max(std::int64_t{0}, (sums->metered - life.created).count());
  }
  for (const auto& [pool, ms] : expected) {
    const std::int64_t used = sums_.find(pool)->used_ms;
    if (used != ms) {
      violated("usage of endpoint {} in {}: its rows say {} ms, its workers lived {} ms", pool.first.str(), pool.second,
               used, ms);
    }
  }
}

void UsageLedger::commit() {
  living_.commit();
  sums_.commit();
  rows_.commit();
  budgets_.commit();
}

void UsageLedger::roll_back() {
  living_.roll_back();
  sums_.roll_back();
  rows_.roll_back();
  budgets_.roll_back();
}

double UsageLedger::price_of(const std::string& pool) const {
  const auto found = settings_.prices.find(pool);
  return found == settings_.prices.end() ? 0 : static_cast<double>(found->second);
}

const core::Budget* UsageLedger::budget_of(const core::Endpoint& endpoint) const {
  return budgets_.find({endpoint.owner, endpoint.id});
}

bool UsageLedger::is_used_up(Time now, const core::Endpoint& endpoint) const {
  return std::ranges::any_of(budgets_.all(), [&](const auto& entry) {
    const core::Budget& budget = entry.second;
    const bool applies = budget.endpoint.empty() || budget.endpoint == endpoint.id;
    return applies && is_used_up(now, budget);
  });
}

bool UsageLedger::is_used_up(Time now, const core::Budget& budget) const {
  const Time day{now.time_since_epoch() / kDay * kDay};
  double used = 0;
  const auto add = [&](const std::string& pool, double worker_ms, double gpu_ms) {
    const bool money = budget.unit == core::BudgetUnit::money;
    used += money ? (pool == "CPU" ? worker_ms : gpu_ms) * price_of(pool) / 3'600'000 : gpu_ms;
  };
  for (const auto& [key, row] : rows_.all()) {
    if (!budget.endpoint.empty() && row.endpoint != budget.endpoint) continue;
    if (row.hour < day) continue;
    const auto frozen = static_cast<std::size_t>(core::UsageState::frozen);
    add(row.pool, static_cast<double>(sum(row.worker_ms) - row.worker_ms[frozen]),
        static_cast<double>(sum(row.gpu_ms) - row.gpu_ms[frozen]));
  }
  for (const auto& [id, life] : living_.all()) {
    if (!budget.endpoint.empty() && life.pool.first != budget.endpoint) continue;
    const Sums* sums = sums_.find(life.pool);
    const Time since = std::max({day, life.created, sums ? sums->metered : Time{}});
    const auto ms = static_cast<double>(life.charged(since, now).count());
    add(life.pool.second, ms, ms * life.gpus);
  }
  return used >= static_cast<double>(*budget.per_day) * (1 - 1e-9);
}

}  // namespace penstock::simulation
