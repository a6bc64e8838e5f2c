#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/time.h"

namespace penstock::core {

/// What a worker of the server's own does with its time. Every moment of its life is one of these.
enum class UsageState { starting, idle, active, frozen };
inline constexpr std::size_t kUsageStates = 4;

/// The pool of workers without GPUs.
inline constexpr std::string_view kCpuPool = "CPU";

/// What the workers of an endpoint in one pool used in one hour, as far as it is metered.
struct UsageRow {
  AccountId owner;
  EndpointId endpoint;  // may be deleted by now
  std::string pool;
  Time hour{};     // its beginning
  Time metered{};  // until when; later in the hour may follow
  std::array<std::int64_t, kUsageStates> worker_ms{};
  std::array<std::int64_t, kUsageStates> gpu_ms{};  // worker_ms times the GPUs of each worker
  std::int64_t price = 0;  // millionths of the currency for a GPU (CPU pool: a worker) and hour
  int discount = 0;        // millionths of the price that were taken off

  /// Time that is charged: all but frozen.
  std::int64_t charged_worker_ms() const { return worker_ms[0] + worker_ms[1] + worker_ms[2]; }
  std::int64_t charged_gpu_ms() const { return gpu_ms[0] + gpu_ms[1] + gpu_ms[2]; }
  /// In the currency, the discount taken off.
  double cost() const;

  friend bool operator==(const UsageRow&, const UsageRow&) = default;
};

/// Which hours to list: those that begin in [from, to).
struct UsageQuery {
  AccountId owner;
  std::optional<EndpointId> endpoint;
  Time from{};
  Time to{};
};

enum class BudgetUnit { gpu_seconds, money };
/// What becomes of workers when a budget is reached. New ones are not started either way.
enum class BudgetAction { keep_workers, stop_workers };
std::string_view to_text(BudgetUnit unit);
std::string_view to_text(BudgetAction action);
std::optional<BudgetUnit> parse_budget_unit(std::string_view text);
std::optional<BudgetAction> parse_budget_action(std::string_view text);

/// How much may be used in a day (UTC) by one endpoint, or by all of an account together.
struct Budget {
  AccountId owner;
  EndpointId endpoint;                  // empty: the account
  std::optional<std::int64_t> per_day;  // thousandths of GPU-seconds, or millionths of the currency; none: no budget
  BudgetUnit unit = BudgetUnit::gpu_seconds;
  BudgetAction action = BudgetAction::keep_workers;

  friend bool operator==(const Budget&, const Budget&) = default;
};

/// What was used on one day, for budgets.
struct Spent {
  std::int64_t gpu_ms = 0;
  double money = 0;  // millionths of the currency
};

}  // namespace penstock::core
