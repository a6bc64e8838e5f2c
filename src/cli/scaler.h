#pragma once

#include <string>

#include "cli/client.h"

namespace penstock::cli {

struct ScalerLogFlags {
  ServerFlags server;
  std::string endpoint, at, from;
  int limit = 20;
  bool json = false;
};

/// `penstock scaler log ENDPOINT`: what the scaler decided, the newest first.
int scaler_log(const ScalerLogFlags& flags);

}  // namespace penstock::cli
