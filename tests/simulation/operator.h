#pragma once

#include <vector>

#include "shell.h"
#include "worker_park.h"

namespace penstock::simulation {

/// Who owns the endpoints: makes, changes and deletes them while jobs run, and starts workers of their own.
class Operator {
 public:
  Operator(const Scenario& scenario, Dice& dice, Shell& shell, WorkerPark& park);

  /// Account, templates and the first endpoints. The server must be up.
  void begin();
  void act();
  void probe();

  /// Puts every endpoint into a state in which its jobs can be run. Gently: as far as it already is, nothing is changed
  /// that would replace its workers.
  void settle(bool gently);
  /// Ends every worker, then deletes every endpoint.
  void close_down();
  void delete_all();

 private:
  core::EndpointInput draw_input(bool creating);
  void create_endpoint();
  void modify_endpoint(const core::Endpoint& endpoint);
  void delete_endpoint(const core::Endpoint& endpoint);
  void touch_template(const core::Endpoint& endpoint);
  void swap_template(const core::Endpoint& endpoint);
  void act_on_volumes();
  std::vector<std::string> draw_volumes();
  void attach(const core::Endpoint& endpoint);
  void detach();
  void set_budget(const core::Endpoint& endpoint);
  void roll_back(const core::Endpoint& endpoint);
  void remove_budgets();
  void save_everywhere(int workers_max);
  void settle_gently();

  const Scenario& scenario_;
  Dice& dice_;
  Shell& shell_;
  WorkerPark& park_;
  AccountId account_;
  int next_name_ = 1;
};

}  // namespace penstock::simulation
