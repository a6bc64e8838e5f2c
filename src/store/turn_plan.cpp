#include "store/turn_plan.h"

#include <boost/unordered/unordered_flat_map.hpp>
#include <string_view>

namespace penstock::store {
namespace {

class Planner {
 public:
  explicit Planner(std::size_t size) { steps_.reserve(size); }

  void add(const core::Record& record) {
    std::visit([&](const auto& value) { plan(record, value); }, record);
  }

  std::vector<TurnStep> take() { return std::move(steps_); }

 private:
  template <class Value>
  void plan(const core::Record& record, const Value&) {
    steps_.push_back({&record});
  }

  void plan(const core::Record& record, const core::JobAdded& added) {
    jobs_[added.request.id.str()] = steps_.size();
    steps_.push_back({&record, &added.state});
  }

  void plan(const core::Record& record, const core::JobChanged& changed) {
    const auto [known, first] = jobs_.try_emplace(changed.id.str(), steps_.size());
    if (first) steps_.push_back({&record});
    TurnStep& step = steps_[known->second];
    step.state = &changed.state;
    if (changed.sets_output) step.output = &changed.output;
  }

  // What follows a removal must not move to before it.
  void plan(const core::Record& record, const core::JobsForgotten&) {
    jobs_.clear();
    steps_.push_back({&record});
  }

  void plan(const core::Record& record, const core::CountersSaved& saved) {
    const auto [known, first] = counters_.try_emplace(saved.endpoint.str(), steps_.size());
    if (first) {
      steps_.push_back({&record});
    } else {
      steps_[known->second].record = &record;
    }
  }

  void plan(const core::Record& record, const core::BatchSaved& saved) {
    const auto [known, first] = batches_.try_emplace(saved.value.id.str(), steps_.size());
    if (first) {
      steps_.push_back({&record});
    } else {
      steps_[known->second].record = &record;
    }
  }

  void plan(const core::Record& record, const core::BatchRemoved& removed) {
    batches_.erase(removed.id.str());
    steps_.push_back({&record});
  }

  void plan(const core::Record& record, const core::EndpointRemoved&) {
    jobs_.clear();
    counters_.clear();
    batches_.clear();
    steps_.push_back({&record});
  }

  using StepById = boost::unordered_flat_map<std::string_view, std::size_t>;

  std::vector<TurnStep> steps_;
  StepById jobs_;
  StepById counters_;
  StepById batches_;
};

}  // namespace

std::vector<TurnStep> plan_turns(std::span<const Turn> turns) {
  std::size_t size = 0;
  for (const Turn& turn : turns) size += turn->size();
  Planner planner(size);
  for (const Turn& turn : turns) {
    for (const core::Record& record : *turn) planner.add(record);
  }
  return planner.take();
}

}  // namespace penstock::store
