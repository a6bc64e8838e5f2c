#pragma once

#include <map>
#include <string>

#include "scenario.h"
#include "shell.h"

namespace penstock::simulation {

/// Whom webhooks are posted to: servers that take them, refuse them, or are not there, on a network that loses things.
class Receivers {
 public:
  Receivers(const Scenario& scenario, Timeline& timeline, Shell*& shell)
      : scenario_(scenario), timeline_(timeline), dice_(scenario.seed * 2 + 32'452'843), shell_(shell) {}

  /// What the server sends, whole.
  void post(core::PostWebhook post);
  void server_died();
  /// From now on each post is taken.
  void calm_down() { calm_ = true; }

 private:
  void end(const core::WebhookDelivery& delivery, std::optional<int> code, int life);

  const Scenario& scenario_;
  Timeline& timeline_;
  Dice dice_;
  Shell*& shell_;
  std::map<std::string, int> in_flight_;  // by host
  int in_flight_all_ = 0;
  int life_ = 0;
  bool calm_ = false;
};

}  // namespace penstock::simulation
