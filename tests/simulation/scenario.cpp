#include "scenario.h"

#include "timeline.h"

namespace penstock::simulation {
namespace {

core::Node make_node(Dice& dice, int number) {
  core::Node node;
  node.name = "node" + std::to_string(number);
  node.emulated = true;
  if (dice.chance(300)) {
    node.location = dice.chance(500) ? "US" : "CZ";
    node.data_center = "DC-" + std::to_string(number);
  }
  const int gpus = dice.between(1, 4);
  for (int i = 0; i < gpus; ++i) {
    if (number == 0 && i == 0) {
      node.gpus.push_back({i, "NVIDIA GeForce RTX 4090", "ADA_24"});
    } else if (dice.chance(500)) {
      node.gpus.push_back({i, "NVIDIA GeForce RTX 4090", "ADA_24"});
    } else {
      node.gpus.push_back({i, dice.chance(500) ? "NVIDIA RTX A4000" : "NVIDIA RTX A4500", "AMPERE_16"});
    }
  }
  if (number == 0) {  // where every endpoint can be served in the end
    node.location.clear();
    node.data_center.clear();
  }
  return node;
}

/// Rare faults and, for some seeds, one or two that are frequent.
int rate(Dice& dice, int rare, int frequent) {
  if (dice.chance(500)) return 0;
  return dice.chance(150) ? frequent : dice.between(1, rare);
}

Faults make_faults(Dice& dice) {
  Faults f;
  if (dice.chance(100)) return f;
  if (dice.chance(700)) {
    f.crash_before_commit = rate(dice, 6, 30);
    f.crash_after_commit = rate(dice, 6, 30);
    f.crash_between_replies = rate(dice, 6, 30);
    f.crash_between_orders = rate(dice, 20, 200);
    f.graceful_restart = rate(dice, 10, 30);
  }
  f.request_lost = rate(dice, 10, 80);
  f.answer_lost = rate(dice, 20, 120);
  f.client_leaves = rate(dice, 50, 300);
  f.start_fails = rate(dice, 30, 300);
  f.exits_at_start = rate(dice, 50, 400);
  f.never_ready = rate(dice, 30, 200);
  f.ignores_term = rate(dice, 100, 800);
  f.never_pings = rate(dice, 100, 1000);
  f.dies_with_server = rate(dice, 200, 1000);
  f.refreshes = rate(dice, 100, 600);
  f.rejects_job = rate(dice, 20, 150);
  f.dies_in_job = rate(dice, 30, 300);
  f.hangs_in_job = rate(dice, 20, 150);
  f.hangs_after_job = rate(dice, 20, 150);
  f.loses_result = rate(dice, 20, 150);
  f.repeats_result = rate(dice, 50, 300);
  f.late_result = rate(dice, 20, 200);
  return f;
}

core::EngineSettings make_settings(Dice& dice) {
  core::EngineSettings s;
  s.poll_hold = dice.between(Millis{5'000}, Millis{25'000});
  s.start_timeout = dice.between(Millis{20'000}, Millis{120'000});
  s.crash_backoff_settled = Millis{600'000};
  s.attempts_max = dice.chance(700) ? 2 : dice.between(1, 4);
  s.queue_jobs_min = dice.chance(300) ? dice.between(1, 6) : 50;
  s.queue_jobs_per_worker = dice.chance(300) ? dice.between(1, 5) : 500;
  s.resident_jobs_max = static_cast<std::size_t>(dice.chance(500) ? dice.between(1, 5) : 1'000);
  if (dice.chance(200)) s.resident_bytes_max = 4'096;
  s.retention_async = dice.chance(300) ? Millis{dice.between(5, 120) * 1000} : Millis{24h};
  s.retention_sync = dice.chance(300) ? Millis{dice.between(1, 60) * 1000} : Millis{1h};
  s.ttl_expiry_deletes = dice.chance(150);
  s.execution_timeout = Millis{dice.between(30, 300) * 1000};
  s.priority_ageing = Millis{dice.between(1, 60) * 1000};
  s.stream_chunks_max = dice.chance(100) ? 3 : 100'000;
  s.modify_resets_defaults = dice.chance(200);
  s.delete_requires_zero_workers = dice.chance(600);
  s.template_sharing = dice.chance(200);
  s.workers_quota = dice.chance(200) ? dice.between(6, 10) : 1'000;
  s.external_workers_max = dice.between(1, 3);
  return s;
}

/// With dice of its own, so that a seed means for the rest what it meant before there were webhooks.
void add_webhooks(Scenario& scenario) {
  Dice dice(scenario.seed * 2 + 104'729);
  Faults& f = scenario.faults;
  f.webhook_refused = rate(dice, 100, 900);
  f.webhook_lost = rate(dice, 100, 900);
  core::EngineSettings& s = scenario.settings;
  s.webhook_first_retry = Millis{dice.between(100, 5'000)};
  s.webhook_retry_for = dice.chance(500) ? 0ms : Millis{dice.between(1, 120) * 1000};
  if (dice.chance(300)) s.webhook_retention = Millis{dice.between(1, 120) * 1000};
  s.webhooks_in_flight_max = dice.chance(500) ? dice.between(1, 3) : 64;
  s.webhooks_in_flight_per_host = dice.chance(500) ? dice.between(1, 2) : 16;
  s.webhooks_open_max = dice.chance(100) ? dice.between(1, 10) : 250'000;
}

/// The same for inputs that do not fit in memory.
void add_memory(Scenario& scenario) {
  Dice dice(scenario.seed * 2 + 224'737);
  core::EngineSettings& s = scenario.settings;
  if (dice.chance(500)) s.queued_bytes_max = static_cast<std::size_t>(dice.chance(500) ? 0 : dice.between(1, 200));
  s.read_ahead_jobs = dice.between(1, 8);
  s.read_ahead_bytes = static_cast<std::size_t>(dice.between(1, 100));
}

/// Likewise.
void add_frozen(Scenario& scenario) {
  Dice dice(scenario.seed * 2 + 1'299'709);
  core::EngineSettings& s = scenario.settings;
  s.frozen_for = Millis{dice.between(1, 120) * 1000};
  s.frozen_max = dice.chance(300) ? dice.between(1, 2) : 64;
  s.frozen_poll_hold = dice.between(Millis{0}, s.poll_hold);  // so that every poll has one deadline
}

}  // namespace

Scenario make_scenario(std::uint64_t seed, int steps) {
  Dice dice(seed * 2 + 1);
  Scenario scenario;
  scenario.seed = seed;
  scenario.steps = steps;
  scenario.settings = make_settings(dice);
  const int nodes = dice.between(1, 3);
  for (int i = 0; i < nodes; ++i) scenario.nodes.push_back(make_node(dice, i));
  scenario.faults = make_faults(dice);
  scenario.endpoints = dice.between(1, 3);
  scenario.concurrency_max = dice.chance(500) ? 1 : dice.between(2, 4);
  scenario.check_twin = dice.chance(125);
  add_webhooks(scenario);
  add_memory(scenario);
  add_frozen(scenario);
  return scenario;
}

}  // namespace penstock::simulation
