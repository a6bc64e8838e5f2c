#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "launch/spawn.h"

namespace penstock::launch {

/// What a worker needs of a fork server, and what is its own.
struct ForkPlan {
  std::string key;  // workers with the same key may come from one fork server
  std::string interpreter;
  std::vector<std::string> interpreter_words;  // "python3", "-u"
  std::string script_directory;                // where Python looks for modules first
  std::string modules;                         // to import, separated by commas
  std::vector<core::EnvVar> shared;            // the fork server's environment
  std::vector<core::EnvVar> own;               // what the worker has beside it
  std::vector<std::string> arguments;          // of the script, which is the first
};

/// Variables that the server sets for one worker. They decide nothing that a fork server imports: it does not have
/// them.
const std::vector<std::string>& own_variables();

/// Only for what surely means the same in a fork server: `python3 [-u ...] script.py ...`. Errors: invalid (why not,
/// for the log).
Result<ForkPlan> plan_fork(const WorkerSpec& spec, const Prepared& prepared);

}  // namespace penstock::launch
