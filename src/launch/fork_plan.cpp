#include "launch/fork_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <regex>
#include <system_error>

namespace penstock::launch {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSwitch = "PENSTOCK_FORK_SERVER";
constexpr const char* kPreload = "PENSTOCK_PRELOAD";

bool is_python(const std::string& program) {
  static const std::regex python("python(3(\\.[0-9]+)?)?");
  return std::regex_match(program.substr(program.rfind('/') + 1), python);
}

/// Those that change nothing about how a script begins that `-c` does not change in the same way.
bool is_known_option(const std::string& word) {
  static const std::regex known("-[uBEsO]+");
  return std::regex_match(word, known);
}

bool is_own(const std::string& name) {
  return std::ranges::find(own_variables(), name) != own_variables().end();
}

void add_part(std::string& key, std::string_view part) {
  key += part;
  key += '\0';
}

Result<void> share_out(const std::vector<core::EnvVar>& environment, ForkPlan& plan) {
  plan.modules = "runpod";
  for (const core::EnvVar& variable : environment) {
    if (variable.key == kSwitch && variable.value == "off") {
      return fail(Errc::invalid, fmt::format("{} is off", kSwitch));
    }
    if (variable.key == kPreload) plan.modules += "," + variable.value;
    (is_own(variable.key) ? plan.own : plan.shared).push_back(variable);
  }
  // Their order in a template means nothing.
  std::ranges::sort(plan.shared, {}, &core::EnvVar::key);
  return {};
}

}  // namespace

const std::vector<std::string>& own_variables() {
  static const std::vector<std::string> names = {
      "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "RUNPOD_AI_API_KEY",         "RUNPOD_DC_ID",
      "RUNPOD_ENDPOINT_ID",   "RUNPOD_GPU_COUNT",       "RUNPOD_GPU_TYPE_ID",        "RUNPOD_POD_HOSTNAME",
      "RUNPOD_POD_ID",        "RUNPOD_WEBHOOK_PING",    "RUNPOD_WEBHOOK_GET_JOB",    "RUNPOD_WEBHOOK_POST_OUTPUT",
      "RUNPOD_VOLUME_ID",     "PENSTOCK_VOLUME_PATH",   "RUNPOD_WEBHOOK_POST_STREAM"};
  return names;
}

Result<ForkPlan> plan_fork(const WorkerSpec& spec, const Prepared& prepared) {
  const std::vector<std::string>& words = spec.command;
  if (!is_python(words[0])) return fail(Errc::invalid, fmt::format("{} is not known to be Python", words[0]));
  const auto script = std::find_if_not(words.begin() + 1, words.end(), is_known_option);
  if (script == words.end()) return fail(Errc::invalid, "the command names no script");
  if (script->starts_with('-'))
    return fail(Errc::invalid, fmt::format("of Python's options, {} is not known", *script));
  std::error_code error;
  const fs::path path = fs::canonical(fs::path(prepared.directory) / *script, error);
  if (error || path.extension() != ".py" || !fs::is_regular_file(path, error)) {
    return fail(Errc::invalid, fmt::format("{} is no file whose name ends in .py", *script));
  }

  ForkPlan plan;
  plan.interpreter = prepared.program;
  plan.interpreter_words.assign(words.begin(), script);
  plan.arguments.assign(script, words.end());
  plan.script_directory = path.parent_path().string();
  if (auto shared = share_out(prepared.environment, plan); !shared) return tl::unexpected(shared.error());
  add_part(plan.key, plan.interpreter);
  add_part(plan.key, prepared.directory);
  add_part(plan.key, plan.script_directory);
  add_part(plan.key, std::to_string(plan.interpreter_words.size()));
  for (const std::string& word : plan.interpreter_words) add_part(plan.key, word);
  for (const core::EnvVar& variable : plan.shared) add_part(plan.key, variable.key + "=" + variable.value);
  return plan;
}

}  // namespace penstock::launch
