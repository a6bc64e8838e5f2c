#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/records.h"
#include "core/settings.h"
#include "shadow.h"

namespace penstock::simulation {

/// The witness for what was used: the rows must be the lives of the workers, to the millisecond, whatever crashed.
class UsageLedger {
 public:
  explicit UsageLedger(const core::EngineSettings& settings) : settings_(settings) {}

  void see(const core::Worker& worker);
  void see_removed(Time now, const core::Worker& worker);
  void see(Time now, const core::UsageSaved& r);
  void see(const core::BudgetSaved& r);
  /// After every command.
  void applied(Time now);
  void commit();
  void roll_back();

  /// The endpoint's own; null: it has none.
  const core::Budget* budget_of(const core::Endpoint& endpoint) const;
  /// Whether the budget of the endpoint, or of the account, is used up. By what the records and the time say.
  bool is_used_up(Time now, const core::Endpoint& endpoint) const;
  bool is_used_up(Time now, const core::Budget& budget) const;
  int rows() const { return rows_seen_; }

 private:
  using Pool = std::pair<EndpointId, std::string>;

  struct Sums {
    std::int64_t used_ms = 0;   // as the rows say
    std::int64_t lived_ms = 0;  // of workers that are gone
    Time metered{};
  };
  struct Life {
    Pool pool;
    Time created{};
    int gpus = 0;
    std::optional<Time> frozen{};                     // since then; no budget pays for that
    std::vector<std::pair<Time, Time>> was_frozen{};  // from, to

    Millis charged(Time from, Time to) const;
  };

  static Pool pool_of(const core::Worker& worker);
  double price_of(const std::string& pool) const;

  core::EngineSettings settings_;
  Versioned<WorkerId, Life> living_;
  Versioned<Pool, Sums> sums_;
  Versioned<std::pair<Pool, Time>, core::UsageRow> rows_;
  Versioned<std::pair<AccountId, EndpointId>, core::Budget> budgets_;
  bool changed_ = false;
  int rows_seen_ = 0;
};

}  // namespace penstock::simulation
