#pragma once

#include <string>

#include "cli/client.h"

namespace penstock::cli {

struct ReleaseFlags {
  ServerFlags server;
  std::string endpoint;
  int version = 0;
  bool json = false;
};
/// `penstock releases ENDPOINT`.
int releases(const ReleaseFlags& flags);
/// `penstock rollback ENDPOINT VERSION`.
int rollback(const ReleaseFlags& flags);

struct UsageFlags {
  ServerFlags server;
  std::string endpoint, from, to, by;
  bool json = false;
};
/// `penstock usage`.
int usage(const UsageFlags& flags);

struct BudgetFlags {
  ServerFlags server;
  std::string endpoint;  // empty: the account
  std::string gpu_seconds, money;
  bool stop_workers = false;
  bool remove = false;
  bool json = false;
};
/// `penstock budget`: shows, sets or removes one.
int budget(const BudgetFlags& flags);

}  // namespace penstock::cli
