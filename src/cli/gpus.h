#pragma once

#include <string>

#include "cli/client.h"

namespace penstock::cli {

struct GpusFlags {
  ServerFlags server;
  std::string gpu;
  std::string reason;
  bool json = false;
};

/// `penstock gpus list`.
int list_gpus(const GpusFlags& flags);
/// `penstock gpus quarantine GPU`, `penstock gpus release GPU`.
int quarantine_gpu(const GpusFlags& flags);
int release_gpu(const GpusFlags& flags);

}  // namespace penstock::cli
