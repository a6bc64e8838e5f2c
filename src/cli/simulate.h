#pragma once

#include <string>
#include <vector>

#include "cli/client.h"

namespace penstock::cli {

struct SimulateFlags {
  ServerFlags server;
  std::string endpoint, from, to, trace;
  std::vector<std::string> set;
  double price = -1;  // of a worker for an hour; below 0: the server's
  bool json = false;
};

/// `penstock simulate ENDPOINT`: its recorded traffic, or a trace, under other settings.
int simulate(const SimulateFlags& flags);

}  // namespace penstock::cli
