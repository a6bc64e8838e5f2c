#include "core/usage/meters.h"

#include <algorithm>

#include "base/error.h"

namespace penstock::core {
namespace {

constexpr Millis kHour{3'600'000};
constexpr Millis kDay{24 * kHour};
constexpr double kMillion = 1'000'000;

Time day_of(Time time) {
  return std::chrono::floor<std::chrono::days>(time);
}

/// In millionths of the currency.
double money(const UsageRow& row, std::int64_t worker_ms, std::int64_t gpu_ms) {
  const auto units = static_cast<double>(row.pool == kCpuPool ? worker_ms : gpu_ms);
  const double full = units * static_cast<double>(row.price) / static_cast<double>(kHour.count());
  return full * (kMillion - row.discount) / kMillion;
}

std::size_t index_of(UsageState state) {
  return static_cast<std::size_t>(state);
}

}  // namespace

double UsageRow::cost() const {
  return money(*this, charged_worker_ms(), charged_gpu_ms()) / kMillion;
}

std::string_view to_text(BudgetUnit unit) {
  return unit == BudgetUnit::money ? "money" : "gpuSeconds";
}
std::string_view to_text(BudgetAction action) {
  return action == BudgetAction::stop_workers ? "stopWorkers" : "keepWorkers";
}
std::optional<BudgetUnit> parse_budget_unit(std::string_view text) {
  if (text == "money") return BudgetUnit::money;
  if (text == "gpuSeconds") return BudgetUnit::gpu_seconds;
  return std::nullopt;
}
std::optional<BudgetAction> parse_budget_action(std::string_view text) {
  if (text == "stopWorkers") return BudgetAction::stop_workers;
  if (text == "keepWorkers") return BudgetAction::keep_workers;
  return std::nullopt;
}

Time hour_of(Time time) {
  return std::chrono::floor<std::chrono::hours>(time);
}
Time next_day(Time time) {
  return std::chrono::floor<std::chrono::days>(time) + kDay;
}

// ---------------------------------------------------------------- rows and days

void UsageMeters::restore(const std::vector<UsageRow>& rows) {
  for (const UsageRow& row : rows) {
    Meter& known = meter(row.owner, row.endpoint, row.pool);
    known.at_ = std::max(known.at_, row.metered);
    for (Purse* purse : {&endpoint_purses_[row.endpoint], &account_purses_[row.owner]}) {
      if (day_of(row.hour) > day_of(purse->at)) *purse = Purse{};
      if (day_of(row.hour) < day_of(purse->at) && purse->at > Time{}) continue;
      purse->at = std::max(purse->at, row.hour);
      purse->spent.gpu_ms += row.charged_gpu_ms();
      purse->spent.money += money(row, row.charged_worker_ms(), row.charged_gpu_ms());
    }
    if (!known.rows_.empty() && known.rows_.rbegin()->first > row.hour) continue;
    known.rows_.clear();
    known.rows_.emplace(row.hour, Meter::Row{row, false});
  }
}

UsageMeters::Meter& UsageMeters::meter(const AccountId& owner, const EndpointId& endpoint, const std::string& pool) {
  std::string name = pool.empty() ? std::string(kCpuPool) : pool;
  const auto [found, fresh] = meters_.try_emplace(std::pair(endpoint, name));
  if (fresh) {
    found->second.owner_ = owner;
    found->second.endpoint_ = endpoint;
    found->second.pool_ = std::move(name);
  }
  return found->second;
}

Time UsageMeters::metered(const Meter& meter) const {
  return meter.at_;
}

UsageRow& UsageMeters::row_of(Meter& meter, Time hour) {
  const auto [found, fresh] = meter.rows_.try_emplace(hour);
  Meter::Row& row = found->second;
  row.changed = true;
  if (!fresh) return row.value;
  row.value.owner = meter.owner_;
  row.value.endpoint = meter.endpoint_;
  row.value.pool = meter.pool_;
  row.value.hour = hour;
  row.value.price = price_of(meter.pool_);
  row.value.discount = discount_at(hour);
  return row.value;
}

std::int64_t UsageMeters::price_of(const std::string& pool) const {
  const auto price = prices_.per_hour.find(pool);
  return price == prices_.per_hour.end() ? 0 : price->second;
}

int discount_at(const Prices& prices, Time time) {
  return !prices.discount_until || hour_of(time) < *prices.discount_until ? prices.discount : 0;
}

// ---------------------------------------------------------------- what is spent today

UsageMeters::Pace UsageMeters::pace_of(const Purse& purse, Time now) const {
  Pace pace{purse.gpus, 0};
  for (const auto& [pool, units] : purse.charged) {
    pace.money += units * static_cast<double>(price_of(pool)) / static_cast<double>(kHour.count());
  }
  pace.money *= (kMillion - discount_at(now)) / kMillion;
  return pace;
}

/// The discount may end in between.
double UsageMeters::money_for(const Purse& purse, Time from, Time to) const {
  double spent = 0;
  while (from < to) {
    Time end = to;
    if (prices_.discount_until) {
      const Time last = hour_of(*prices_.discount_until - Millis{1}) + kHour;
      if (from < last) end = std::min(to, last);
    }
    spent += pace_of(purse, from).money * static_cast<double>((end - from).count());
    from = end;
  }
  return spent;
}

void UsageMeters::advance(Purse& purse, Time now) const {
  if (now <= purse.at) return;
  const Time today = day_of(now);
  if (today > purse.at) {
    purse.spent = {};
    purse.at = today;
  }
  purse.spent.gpu_ms += purse.gpus * (now - purse.at).count();
  purse.spent.money += money_for(purse, purse.at, now);
  purse.at = now;
}

void UsageMeters::charge_worker(const Meter& meter, UsageState state, int gpus, int sign, Time now) {
  if (state == UsageState::frozen) return;
  for (Purse* purse : {&endpoint_purses_[meter.endpoint_], &account_purses_[meter.owner_]}) {
    advance(*purse, now);
    purse->gpus += sign * gpus;
    purse->charged[meter.pool_] += sign * (meter.pool_ == kCpuPool ? 1 : gpus);
  }
}

/// A worker's time before it was known here.
void UsageMeters::catch_up(Purse& purse, const Meter& meter, int gpus, Time since, Time now) const {
  const Time from = std::max(since, day_of(now));
  if (from >= now) return;
  Purse one;
  one.charged[meter.pool_] = meter.pool_ == kCpuPool ? 1 : gpus;
  purse.spent.gpu_ms += gpus * (now - from).count();
  purse.spent.money += money_for(one, from, now);
}

/// Shares the time out over the hours that it lies in.
void UsageMeters::charge(Meter& meter, UsageState state, int workers, int gpus, Time from, Time to) {
  while (from < to) {
    const Time hour = hour_of(from);
    const Time end = std::min(to, hour + kHour);
    UsageRow& row = row_of(meter, hour);
    const std::int64_t worker_ms = (end - from).count() * workers;
    const std::int64_t gpu_ms = (end - from).count() * gpus;
    row.worker_ms[index_of(state)] += worker_ms;
    row.gpu_ms[index_of(state)] += gpu_ms;
    row.metered = std::max(row.metered, end);
    from = end;
  }
}

void UsageMeters::advance(Meter& meter, Time now) {
  if (now <= meter.at_) return;
  for (std::size_t i = 0; i < kUsageStates; ++i) {
    const Meter::Count& count = meter.counts_[i];
    if (count.workers > 0) charge(meter, static_cast<UsageState>(i), count.workers, count.gpus, meter.at_, now);
  }
  meter.at_ = now;
}

// ---------------------------------------------------------------- workers

void UsageMeters::enter(Meter& meter, UsageState state, int gpus, Time since, Time now) {
  advance(meter, now);
  charge(meter, state, 1, gpus, since, now);
  charge_worker(meter, state, gpus, 1, now);
  if (since < now && state != UsageState::frozen) {
    catch_up(endpoint_purses_[meter.endpoint_], meter, gpus, since, now);
    catch_up(account_purses_[meter.owner_], meter, gpus, since, now);
  }
  Meter::Count& count = meter.counts_[index_of(state)];
  ++count.workers;
  count.gpus += gpus;
  if (meter.workers_++ == 0) running_.emplace(std::pair(meter.endpoint_, meter.pool_), &meter);
}

void UsageMeters::move(Meter& meter, UsageState from, UsageState to, int gpus, Time now) {
  if (from == to) return;
  advance(meter, now);
  Meter::Count& before = meter.counts_[index_of(from)];
  Meter::Count& after = meter.counts_[index_of(to)];
  ENSURE(before.workers > 0);
  --before.workers;
  before.gpus -= gpus;
  ++after.workers;
  after.gpus += gpus;
  if (from != UsageState::frozen && to != UsageState::frozen) return;
  charge_worker(meter, from, gpus, -1, now);
  charge_worker(meter, to, gpus, 1, now);
}

void UsageMeters::leave(Meter& meter, UsageState state, int gpus, Time now) {
  advance(meter, now);
  Meter::Count& count = meter.counts_[index_of(state)];
  ENSURE(count.workers > 0);
  --count.workers;
  count.gpus -= gpus;
  charge_worker(meter, state, gpus, -1, now);
  if (--meter.workers_ == 0) running_.erase(std::pair(meter.endpoint_, meter.pool_));
}

// ---------------------------------------------------------------- reading

std::vector<UsageRow> UsageMeters::take_changed(Meter& meter, Time now) {
  advance(meter, now);
  std::vector<UsageRow> out;
  for (auto it = meter.rows_.begin(); it != meter.rows_.end();) {
    if (it->second.changed) out.push_back(it->second.value);
    it->second.changed = false;
    const bool last = std::next(it) == meter.rows_.end();
    it = last ? std::next(it) : meter.rows_.erase(it);
  }
  return out;
}

std::vector<UsageRow> UsageMeters::take_changed(const EndpointId& endpoint, Time now) {
  std::vector<UsageRow> out;
  for (auto it = meters_.lower_bound(std::pair(endpoint, std::string()));
       it != meters_.end() && it->first.first == endpoint; ++it) {
    for (UsageRow& row : take_changed(it->second, now)) out.push_back(std::move(row));
  }
  return out;
}

std::vector<UsageRow> UsageMeters::take_all_changed(Time now) {
  std::vector<UsageRow> out;
  for (const auto& [key, meter] : running_) {
    for (UsageRow& row : take_changed(*meter, now)) out.push_back(std::move(row));
  }
  return out;
}

Spent UsageMeters::spent_by(const EndpointId& endpoint, Time now) {
  const auto purse = endpoint_purses_.find(endpoint);
  if (purse == endpoint_purses_.end()) return {};
  advance(purse->second, now);
  return purse->second.spent;
}

Spent UsageMeters::spent_by(const AccountId& owner, Time now) {
  const auto purse = account_purses_.find(owner);
  if (purse == account_purses_.end()) return {};
  advance(purse->second, now);
  return purse->second.spent;
}

UsageMeters::Pace UsageMeters::pace_of(const EndpointId& endpoint, Time now) const {
  const auto purse = endpoint_purses_.find(endpoint);
  return purse == endpoint_purses_.end() ? Pace{} : pace_of(purse->second, now);
}

UsageMeters::Pace UsageMeters::pace_of(const AccountId& owner, Time now) const {
  const auto purse = account_purses_.find(owner);
  return purse == account_purses_.end() ? Pace{} : pace_of(purse->second, now);
}

}  // namespace penstock::core
