#include "simulation.h"

#include <algorithm>

#include "clients.h"
#include "operator.h"
#include "receivers.h"
#include "shell.h"
#include "violation.h"
#include "worker_park.h"

namespace penstock::simulation {
namespace {

constexpr Time kStart{Millis{1'800'000'000'000}};
constexpr Millis kSettleMax{2h};
constexpr int kEventsMax = 500'000;  // more in one run: something runs in circles

/// Everything of one run.
class World {
 public:
  explicit World(const Scenario& scenario)
      : scenario_(scenario),
        timeline_(kStart),
        dice_(scenario.seed * 2 + 7'919),
        park_(scenario, timeline_, dice_, shell_address_),
        receivers_(scenario, timeline_, shell_address_),
        shell_(scenario, timeline_, dice_, tally_,
               {[this](core::LaunchOrder order) { park_.give_order(std::move(order)); },
                [this](core::PostWebhook post) { receivers_.post(std::move(post)); },
                [this] {
                  park_.server_died();
                  receivers_.server_died();
                }}),
        operator_(scenario, dice_, shell_, park_),
        clients_(scenario, timeline_, dice_, shell_) {
    shell_address_ = &shell_;
  }

  void run() {
    shell_.begin();
    if (shell_.up()) operator_.begin();
    work();
    settle();
    close_down();
  }

  Outcome outcome() const { return {std::nullopt, shell_.trace(), timeline_.now(), tally_, shell_.waits().given()}; }

 private:
  /// Goes to the next instant at which something happens, and lets it happen. False when nothing ever will.
  bool step(Time limit) {
    std::optional<Time> next = limit;
    for (const auto at : {timeline_.next(), park_.next_event(), shell_.wake_time()}) {
      if (at) next = std::min(*next, *at);
    }
    timeline_.move_to(*next);
    park_.advance();
    if (const auto wake = shell_.wake_time(); wake && *wake <= timeline_.now()) shell_.wake();
    timeline_.act();
    if (++events_ > kEventsMax) violated("more than {} events: something runs in circles", kEventsMax);
    return timeline_.now() < limit;
  }

  void pass(Millis time) {
    const Time until = timeline_.now() + time;
    while (step(until)) {
    }
  }

  void work() {
    for (int i = 0; i < scenario_.steps; ++i) {
      if (dice_.chance(80)) {
        operator_.act();
      } else {
        clients_.act();
      }
      if (dice_.chance(scenario_.faults.graceful_restart)) {
        shell_.stop_gracefully(dice_.chance(500) ? core::StopWorkers::idle : core::StopWorkers::all);
      }
      if (dice_.chance(50)) operator_.probe();
      if (dice_.chance(600)) pass(dice_.skewed(1ms, 20'000ms));
    }
  }

  template <class Condition>
  bool wait_for(Condition&& condition, Millis most) {
    const Time until = timeline_.now() + most;
    while (!condition()) {
      if (!step(until)) return condition();
    }
    return true;
  }

  std::optional<JobId> unfinished() const {
    for (const auto& [id, job] : shell_.ledger().jobs().all()) {
      if (!is_terminal(job.state.status)) return id;
    }
    return std::nullopt;
  }

  /// Faults have ended and every endpoint could have workers: now each accepted job must come to an end.
  void settle() {
    shell_.calm_down();
    park_.calm_down();
    receivers_.calm_down();
    clients_.calm_down();
    pass(1'000ms);  // what is on its way arrives
    if (dice_.chance(100)) {
      pass(scenario_.settings.crash_backoff_settled + 300'000ms);  // longer than any back-off and any start
      shell_.check_staff();
    }
    operator_.settle(dice_.chance(600));
    pass(5'000ms);
    if (!wait_for([&] { return !unfinished(); }, kSettleMax)) describe_stuck(*unfinished());
    for (const JobId& id : shell_.ledger().acknowledged()) {
      const Ledger& ledger = shell_.ledger();
      if (!ledger.jobs().find(id) && !ledger.was_terminal(id) && !ledger.was_deleted(id)) {
        violated("job {} was acknowledged and is nowhere", id.str());
      }
    }
    settle_webhooks();
    shell_.check_everything();
    clients_.read_all_streams();
    if (!wait_for([&] { return clients_.streams_open() == 0; }, 60'000ms)) violated("a reader of a stream waits on");
    pass(10'000ms);
    clients_.read_all_streams();
    pass(30'000ms);
    shell_.ledger().check_streams_read(timeline_.now());
  }

  /// Each is delivered, or given up by the rules.
  void settle_webhooks() {
    const DeliveryLedger& webhooks = shell_.ledger().webhooks();
    if (wait_for([&] { return webhooks.pending() == nullptr; }, kSettleMax)) return;
    violated("webhook {} is neither delivered nor given up; {} attempts, {} in flight", webhooks.pending()->id.str(),
             webhooks.pending()->state.attempts, shell_.engine().webhooks_in_flight());
  }

  [[noreturn]] void describe_stuck(const JobId& id) {
    const JobShadow& job = *shell_.ledger().jobs().find(id);
    const auto health = shell_.engine().health(job.request.endpoint);
    violated(
        "job {} is still {} (attempt {}) {} s after the last fault; {} in queue, {} in progress, workers {} idle, {} "
        "initializing, {} running, {} throttled, {} unhealthy, {} at all",
        id.str(), to_text(job.state.status), job.state.attempt, kSettleMax.count() / 1000, health->in_queue,
        health->in_progress, health->idle, health->initializing, health->running, health->throttled, health->unhealthy,
        shell_.engine().workers_of(job.request.endpoint).size());
  }

  void close_down() {
    operator_.close_down();
    pass(1'000ms);
    operator_.delete_all();
    pass(100ms);
    const auto all_gone = [&] { return shell_.ledger().workers().all().empty() && park_.living().empty(); };
    if (!wait_for(all_gone, 600'000ms)) {
      violated("{} workers are on the books and {} alive when all endpoints are deleted",
               shell_.ledger().workers().all().size(), park_.living().size());
    }
    if (shell_.engine().fleet().gpus_taken() != 0) violated("GPUs are taken and there is no worker");
    if (!shell_.ledger().endpoints().all().empty()) violated("an endpoint could not be deleted");
    shell_.check_everything();
  }

  const Scenario& scenario_;
  Timeline timeline_;
  Dice dice_;
  Tally tally_;
  Shell* shell_address_ = nullptr;
  WorkerPark park_;
  Receivers receivers_;
  Shell shell_;
  Operator operator_;
  Clients clients_;
  int events_ = 0;
};

}  // namespace

Outcome simulate(const Scenario& scenario) {
  World world(scenario);
  std::optional<std::string> violation;
  try {
    world.run();
  } catch (const std::exception& broken) {
    violation = broken.what();
  }
  Outcome outcome = world.outcome();
  outcome.violation = std::move(violation);
  return outcome;
}

std::string reproduce(std::uint64_t seed, int steps) {
  return fmt::format("simulation --seed {} --steps {}", seed, steps);
}

}  // namespace penstock::simulation
