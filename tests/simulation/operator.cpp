#include "operator.h"

#include "violation.h"

namespace penstock::simulation {

Operator::Operator(const Scenario& scenario, Dice& dice, Shell& shell, WorkerPark& park)
    : scenario_(scenario), dice_(dice), shell_(shell), park_(park), account_(*AccountId::parse("user_1")) {}

void Operator::begin() {
  shell_.give(core::SaveAccount{core::Account{account_, "", {}}});
  for (int i = 0; i < scenario_.endpoints; ++i) create_endpoint();
}

core::EndpointInput Operator::draw_input(bool creating) {
  core::EndpointInput in;
  in.name = "endpoint " + std::to_string(next_name_);
  const bool all = creating || dice_.chance(200);
  const auto wanted = [&] { return all || dice_.chance(200); };
  if (wanted()) {
    in.workers_max = dice_.chance(100) ? 0 : dice_.between(1, 4);
    in.workers_min = dice_.chance(700) ? 0 : dice_.between(0, static_cast<int>(in.workers_max.value()));
  }
  if (wanted()) in.idle_timeout_s = dice_.between(1, 15);
  if (wanted()) in.scaler_type = std::string(dice_.chance(500) ? "QUEUE_DELAY" : "REQUEST_COUNT");
  if (wanted()) in.scaler_value = dice_.between(1, 4);
  if (wanted()) {
    const char* choices[] = {"ADA_24", "ADA_24,AMPERE_16", "AMPERE_16,ADA_24", "AMPERE_16,-NVIDIA RTX A4500,ADA_24"};
    in.gpu_ids = std::string(dice_.pick(choices));
    in.gpu_count = dice_.chance(150) ? 2 : 1;
  }
  if (wanted() && dice_.chance(200)) in.instance_ids = std::vector<std::string>{"cpu3c-2-4"};
  if (wanted() && dice_.chance(200)) in.locations = std::string(dice_.chance(500) ? "US" : "CZ,US");
  if (dice_.chance(100)) in.env = std::vector<core::EnvVar>{{"MODEL", std::to_string(dice_.below(100))}};
  if (dice_.chance(200)) in.execution_timeout_ms = dice_.between(5, 120) * 1'000;
  if (dice_.chance(100)) in.volume_ids = draw_volumes();
  if (dice_.chance(100)) in.retention_async_s = dice_.between(1, 60);
  if (dice_.chance(100)) in.retention_sync_s = dice_.between(1, 60);
  if (dice_.chance(50)) in.request_ttl_ms = dice_.between(10, 600) * 1'000;
  if (creating && next_name_ % 3 == 2) in.flash_boot = std::string("FLASHBOOT");
  return in;
}

void Operator::create_endpoint() {
  core::TemplateInput value;
  value.name = "template " + std::to_string(next_name_);
  value.image = std::string("example/image:1");
  core::SaveEndpoint command;
  command.owner = account_;
  command.input = draw_input(true);
  command.input.new_template = std::move(value);
  ++next_name_;
  shell_.give(std::move(command));
}

void Operator::modify_endpoint(const core::Endpoint& endpoint) {
  core::SaveEndpoint command;
  command.owner = account_;
  command.input = draw_input(false);
  command.input.id = endpoint.id.str();
  shell_.give(std::move(command));
}

void Operator::delete_endpoint(const core::Endpoint& endpoint) {
  if (scenario_.settings.delete_requires_zero_workers) {
    core::SaveEndpoint zero;
    zero.owner = account_;
    zero.input.id = endpoint.id.str();
    zero.input.name = endpoint.name;
    zero.input.workers_min = 0;
    zero.input.workers_max = 0;
    shell_.give(std::move(zero));
  }
  shell_.give(core::DeleteEndpoint{0, account_, endpoint.id.str()});
}

void Operator::touch_template(const core::Endpoint& endpoint) {
  const core::Template* value = shell_.engine().find_template(endpoint.template_id);
  if (!value) return;
  core::SaveTemplate command;
  command.owner = account_;
  command.input.id = value->id.str();
  command.input.name = value->name;
  if (dice_.chance(700)) {
    command.input.image = "example/image:" + std::to_string(dice_.below(50));
  } else {
    command.input.readme = std::string("changes nothing that runs");
  }
  shell_.give(std::move(command));
}

void Operator::swap_template(const core::Endpoint& endpoint) {
  core::SaveTemplate made;
  made.owner = account_;
  made.input.name = "template " + std::to_string(next_name_++);
  made.input.image = std::string("example/other:1");
  made.input.is_serverless = true;
  shell_.call(std::move(made), {[this, id = endpoint.id](core::Reply& reply) {
                const auto* saved = std::get_if<core::TemplateReply>(&reply.what);
                if (saved) shell_.give(core::UpdateEndpointTemplate{0, account_, id.str(), saved->id.str()});
              }});
}

std::vector<std::string> Operator::draw_volumes() {
  std::vector<std::string> ids;
  for (const core::NetworkVolume* volume : shell_.engine().volumes_of(account_)) {
    if (dice_.chance(500)) ids.push_back(volume->id.str());
  }
  return ids;
}

/// Makes one, lets one grow, or tries to delete one, whether it is in use or not.
void Operator::act_on_volumes() {
  const auto volumes = shell_.engine().volumes_of(account_);
  if (volumes.empty() || (volumes.size() < 5 && dice_.chance(400))) {
    core::SaveVolume made;
    made.owner = account_;
    made.input.name = std::string("volume");
    made.input.size_gb = dice_.between(1, 9);
    made.input.data_center = core::data_center_of(dice_.pick(scenario_.nodes));
    return shell_.give(std::move(made));
  }
  const core::NetworkVolume& volume = *dice_.pick(volumes);
  if (dice_.chance(300)) {
    core::SaveVolume grown;
    grown.owner = account_;
    grown.input.id = volume.id.str();
    grown.input.size_gb = volume.size_gb + dice_.between(-1, 2);
    return shell_.give(std::move(grown));
  }
  shell_.give(core::DeleteVolume{0, account_, volume.id.str()});
}

void Operator::attach(const core::Endpoint& endpoint) {
  shell_.call(core::AttachWorker{0, endpoint.id}, {[this, id = endpoint.id](core::Reply& reply) {
                const auto* attached = std::get_if<core::WorkerAttached>(&reply.what);
                if (attached) park_.attach(id, attached->id);
              }});
}

void Operator::detach() {
  const auto external = park_.external();
  if (external.empty()) return;
  const auto& [endpoint, worker] = dice_.pick(external);
  if (dice_.chance(700)) shell_.call(core::DetachWorker{0, endpoint, worker}, {[](core::Reply&) {}});
  if (dice_.chance(700)) park_.end_external(worker);
}

void Operator::probe() {
  if (!shell_.up()) return;
  const auto endpoints = shell_.engine().endpoints_of(account_);
  if (!endpoints.empty()) shell_.probe(core::Endpoint(*dice_.pick(endpoints)));
}

void Operator::act() {
  if (!shell_.up()) return;
  const auto endpoints = shell_.engine().endpoints_of(account_);
  if (endpoints.empty()) return create_endpoint();
  if (dice_.chance(120)) return act_on_volumes();
  if (dice_.chance(60)) return set_budget(*dice_.pick(endpoints));
  if (dice_.chance(60)) return roll_back(*dice_.pick(endpoints));
  const core::Endpoint& endpoint = *dice_.pick(endpoints);
  const int what = dice_.below(100);
  if (what < 50) return modify_endpoint(endpoint);
  if (what < 60) return touch_template(endpoint);
  if (what < 65) return swap_template(endpoint);
  if (what < 80) return attach(endpoint);
  if (what < 90) return detach();
  if (what < 95 && endpoints.size() < 4) return create_endpoint();
  delete_endpoint(endpoint);
}

/// Small, so that they are used up.
void Operator::set_budget(const core::Endpoint& endpoint) {
  core::Budget budget;
  budget.owner = account_;
  if (dice_.chance(700)) budget.endpoint = endpoint.id;
  budget.unit = dice_.chance(500) ? core::BudgetUnit::gpu_seconds : core::BudgetUnit::money;
  budget.action = dice_.chance(300) ? core::BudgetAction::stop_workers : core::BudgetAction::keep_workers;
  if (dice_.chance(700)) budget.per_day = dice_.between(0, 120) * 1'000;
  shell_.give(core::SaveBudget{0, budget});
}

void Operator::roll_back(const core::Endpoint& endpoint) {
  std::vector<core::Release> releases;
  for (const auto& [key, release] : shell_.ledger().releases().all()) {
    if (key.first == endpoint.id) releases.push_back(release);
  }
  if (!releases.empty()) shell_.give(core::RollBack{0, account_, dice_.pick(releases)});
}

void Operator::remove_budgets() {
  shell_.give(core::SaveBudget{0, core::Budget{account_, {}, std::nullopt}});
  for (const core::Endpoint* endpoint : shell_.engine().endpoints_of(account_)) {
    shell_.give(core::SaveBudget{0, core::Budget{account_, endpoint->id, std::nullopt}});
  }
}

void Operator::save_everywhere(int workers_max) {
  for (const core::Endpoint* endpoint : shell_.engine().endpoints_of(account_)) {
    core::SaveEndpoint command;
    command.owner = account_;
    command.input.id = endpoint->id.str();
    command.input.name = endpoint->name;
    command.input.workers_min = 0;
    command.input.workers_max = workers_max;
    command.input.idle_timeout_s = 2;
    command.input.gpu_ids = std::string("ADA_24");
    command.input.gpu_count = 1;
    command.input.locations = core::Field<std::string>::null();
    command.input.volume_ids = core::Field<std::vector<std::string>>::null();
    shell_.call(std::move(command), {[id = endpoint->id](core::Reply& reply) {
                  const auto* error = std::get_if<Error>(&reply.what);
                  if (error) violated("endpoint {} cannot be changed: {}", id.str(), error->message);
                }});
  }
}

void Operator::settle(bool gently) {
  remove_budgets();
  if (gently && scenario_.settings.workers_quota >= 1'000) return settle_gently();
  for (const auto& [id, worker] : shell_.ledger().workers().all()) {
    if (worker.external) shell_.call(core::DetachWorker{0, worker.endpoint, id}, {[](core::Reply&) {}});
  }
  save_everywhere(0);  // frees the quota
  const auto endpoints = std::max(1, static_cast<int>(shell_.engine().endpoints_of(account_).size()));
  save_everywhere(std::clamp(scenario_.settings.workers_quota / endpoints, 1, 2));
}

void Operator::settle_gently() {
  for (const core::Endpoint* endpoint : shell_.engine().endpoints_of(account_)) {
    core::SaveEndpoint command;
    core::EndpointInput& in = command.input;
    command.owner = account_;
    in.id = endpoint->id.str();
    in.name = endpoint->name;
    in.workers_min = 0;
    in.workers_max = std::max(1, endpoint->workers_max);
    in.idle_timeout_s = 2;
    if (!endpoint->volumes.empty()) in.volume_ids = core::Field<std::vector<std::string>>::null();
    const bool has_place = endpoint->gpu_ids.find("ADA_24") != std::string::npos && endpoint->gpu_count == 1;
    in.gpu_ids = has_place ? endpoint->gpu_ids : std::string("ADA_24");
    in.gpu_count = 1;
    shell_.call(std::move(command), {[](core::Reply&) {}});
  }
}

void Operator::close_down() {
  save_everywhere(0);
}

void Operator::delete_all() {
  for (const core::Endpoint* endpoint : shell_.engine().endpoints_of(account_)) {
    shell_.call(core::DeleteEndpoint{0, account_, endpoint->id.str()}, {[id = endpoint->id](core::Reply& reply) {
                  const auto* error = std::get_if<Error>(&reply.what);
                  if (error) violated("endpoint {} cannot be deleted: {}", id.str(), error->message);
                }});
  }
}

}  // namespace penstock::simulation
