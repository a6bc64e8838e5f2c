#pragma once

#include <optional>
#include <string>

#include "server/config.h"

namespace penstock::server {

struct ServeOptions {
  Config config;
  bool json = false;                         // the ready line is one JSON object on standard output
  std::optional<std::string> bootstrap_key;  // PENSTOCK_BOOTSTRAP_KEY: an admin key that the operator chose
};

/// `penstock serve`: opens the data directory, restores the state, listens, and runs until SIGTERM or SIGINT. SIGTERM
/// ends idle workers and leaves busy ones to be adopted by the next start; SIGINT ends all. A second signal hurries.
/// Returns the exit status of the process.
int serve(const ServeOptions& options);

}  // namespace penstock::server
