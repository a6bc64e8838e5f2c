#include "core/usage/budgets.h"

#include <cmath>

namespace penstock::core {
namespace {

/// Without the zeros at its end.
std::string decimal(std::int64_t value, std::int64_t unit) {
  std::string text = std::to_string(value / unit);
  std::string rest = std::to_string(unit + value % unit).substr(1);
  while (rest.ends_with('0')) rest.pop_back();
  return rest.empty() ? text : text + "." + rest;
}

}  // namespace

bool is_used_up(const Budget& budget, const Spent& spent) {
  if (!budget.per_day) return false;
  if (budget.unit == BudgetUnit::gpu_seconds) return spent.gpu_ms >= *budget.per_day;
  return spent.money >= static_cast<double>(*budget.per_day);
}

std::optional<Millis> lasts_for(const Budget& budget, const Spent& spent, const UsageMeters::Pace& pace) {
  if (!budget.per_day || is_used_up(budget, spent)) return std::nullopt;
  const bool money = budget.unit == BudgetUnit::money;
  const double left = static_cast<double>(*budget.per_day) - (money ? spent.money : static_cast<double>(spent.gpu_ms));
  const double rate = money ? pace.money : static_cast<double>(pace.gpus);
  constexpr double kDayMs = 86'400'000;
  if (rate <= 0 || left / rate > kDayMs) return std::nullopt;
  return Millis{static_cast<std::int64_t>(std::ceil(left / rate))};
}

std::string in_words(const Budget& budget) {
  const std::string whose = budget.endpoint.empty() ? "the account's" : "the endpoint's";
  const bool money = budget.unit == BudgetUnit::money;
  const std::string limit = decimal(budget.per_day.value_or(0), money ? 1'000'000 : 1'000);
  return whose + " budget of " + limit + (money ? " (money) a day" : " GPU-seconds a day") + " is used up";
}

}  // namespace penstock::core
