#pragma once

#include <map>
#include <vector>

#include "shell.h"

namespace penstock::simulation {

/// What clients of the job API do, including going away without a word.
class Clients {
 public:
  Clients(const Scenario& scenario, Timeline& timeline, Dice& dice, Shell& shell);

  void act();
  void calm_down() { calm_ = true; }

  /// Reads every stream to its end.
  void read_all_streams();
  int streams_open() const { return streams_open_; }

 private:
  struct Known {
    EndpointId endpoint;
    JobId job;
  };

  void submit(const EndpointId& endpoint);
  void send_again();
  void follow(const Known& known);
  void read_stream(const Known& known, int patience);
  void page_came(const Known& known, int patience, core::Reply& reply, bool listens);
  /// The caller may close its connection before it is answered.
  void may_leave(core::Token token, std::shared_ptr<bool> listens);

  const Scenario& scenario_;
  Timeline& timeline_;
  Dice& dice_;
  Dice webhook_dice_;  // of its own, so that a seed means for the rest what it meant before there were webhooks
  Shell& shell_;
  std::vector<Known> known_;
  int next_input_ = 1;
  int streams_open_ = 0;
  bool calm_ = false;
};

}  // namespace penstock::simulation
