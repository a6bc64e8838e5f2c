#pragma once

#include <string>

#include "cli/client.h"

namespace penstock::cli {

struct WhyFlags {
  ServerFlags server;
  std::string id;
  bool json = false;
};

/// `penstock why JOB|ENDPOINT`.
int why(const WhyFlags& flags);

}  // namespace penstock::cli
