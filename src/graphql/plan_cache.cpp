#include "graphql/plan_cache.h"

#include <algorithm>

#include "graphql/request_state.h"

namespace penstock::graphql {
namespace {

/// Whether every integer is an Int wherever it stands: the one thing that validation asks of a number's value.
bool integers_are_short(const std::vector<Literal>& literals) {
  constexpr std::size_t kSafe = 9;  // the sign may take one of them
  return std::ranges::all_of(literals,
                             [](const Literal& literal) { return !literal.is_int || literal.text.size() <= kSafe; });
}

}  // namespace

PlanCache::PlanCache(const Schema& schema, PrepareOptions options, CacheLimits limits)
    : schema_(schema), options_(options), limits_(limits) {}
PlanCache::~PlanCache() = default;

std::size_t PlanCache::bytes_of(const Entry& entry) {
  return entry.key.size() + entry.plan->text().size();
}

std::variant<Request, std::vector<GraphqlError>> PlanCache::prepare(std::string text, const std::string* operation_name,
                                                                    const json::Value* variables) {
  auto state = std::make_unique<Request::State>(options_, std::move(text));
  std::optional<Shape> shape;
  if (state->text.size() <= limits_.text_bytes_max) shape = shape_of(state->text, options_.limits);
  if (shape && !integers_are_short(shape->literals)) shape.reset();
  if (const auto known = shape ? index_.find(shape->key) : index_.end(); known != index_.end()) {
    ++hits_;
    plans_.splice(plans_.begin(), plans_, known->second);
    state->literals = std::move(shape->literals);
    return bind(std::move(state), plans_.front().plan, operation_name, variables);
  }
  auto made = Plan::make(schema_, options_.limits, options_.leniency, state->text);
  if (auto* errors = std::get_if<std::vector<GraphqlError>>(&made)) return std::move(*errors);
  auto& plan = std::get<std::shared_ptr<const Plan>>(made);
  if (shape && plan->serves_shape()) keep(std::move(shape->key), plan);
  return bind(std::move(state), std::move(plan), operation_name, variables);
}

void PlanCache::keep(std::string key, std::shared_ptr<const Plan> plan) {
  plans_.push_front({std::move(key), std::move(plan)});
  index_.emplace(plans_.front().key, plans_.begin());
  bytes_ += bytes_of(plans_.front());
  while (plans_.size() > limits_.plans_max || bytes_ > limits_.bytes_max) {
    bytes_ -= bytes_of(plans_.back());
    index_.erase(plans_.back().key);
    plans_.pop_back();
  }
}

}  // namespace penstock::graphql
