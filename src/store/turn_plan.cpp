#include "store/turn_plan.h"

#include <boost/unordered/unordered_flat_map.hpp>
#include <string_view>
#include <utility>

namespace penstock::store {
namespace {

class Planner final : public TurnVisitor {
 public:
  void on_job(const EncodedJob& job, std::string_view) override {
    if (job.is_new) {
      jobs_[job.id] = plan_.steps.size();
      plan_.steps.push_back({nullptr, job});
      return;
    }
    const auto [known, first] = jobs_.try_emplace(job.id, plan_.steps.size());
    if (first) return plan_.steps.push_back({nullptr, job});
    EncodedJob& planned = plan_.steps[known->second].job;
    planned.state = job.state;
    if (!job.sets_output) return;
    planned.sets_output = true;
    planned.output = job.output;
  }

  void on_other(core::Record record, std::string_view) override {
    plan_.records.push_back(std::move(record));
    std::visit([&](const auto& value) { plan(value); }, plan_.records.back());
  }

  TurnPlan take() { return std::move(plan_); }

 private:
  void add_step() { plan_.steps.push_back({&plan_.records.back(), {}}); }

  template <class Value>
  void plan(const Value&) {
    add_step();
  }

  // What follows a removal must not move to before it.
  void plan(const core::JobsForgotten&) {
    jobs_.clear();
    add_step();
  }

  void plan(const core::CountersSaved& saved) { replace_or_add(counters_, saved.endpoint.str()); }
  void plan(const core::BatchSaved& saved) { replace_or_add(batches_, saved.value.id.str()); }

  void plan(const core::BatchRemoved& removed) {
    batches_.erase(removed.id.str());
    add_step();
  }

  void plan(const core::EndpointRemoved&) {
    jobs_.clear();
    counters_.clear();
    batches_.clear();
    add_step();
  }

  using StepById = boost::unordered_flat_map<std::string_view, std::size_t>;

  void replace_or_add(StepById& steps, std::string_view id) {
    const auto [known, first] = steps.try_emplace(id, plan_.steps.size());
    if (first) return add_step();
    plan_.steps[known->second].record = &plan_.records.back();
  }

  TurnPlan plan_;
  StepById jobs_;
  StepById counters_;
  StepById batches_;
};

}  // namespace

TurnPlan plan_turns(std::span<const SharedTurn> turns, const std::function<void()>& before_each) {
  Planner planner;
  for (const SharedTurn& turn : turns) {
    before_each();
    visit_turn(turn->turn(), planner);
  }
  return planner.take();
}

}  // namespace penstock::store
