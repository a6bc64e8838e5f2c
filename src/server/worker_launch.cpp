#include "server/worker_launch.h"

#include <algorithm>

#include "base/text.h"
#include "core/control/secret_rules.h"
#include "json/json.h"

namespace penstock::server {
namespace {

Result<std::vector<std::string>> words_of(const json::Value* list, const char* key) {
  std::vector<std::string> words;
  if (!list || list->is_null()) return words;
  if (!list->as_array()) return fail(Errc::invalid, std::string("dockerArgs.") + key + " must be a list of strings");
  for (const json::Value& word : *list->as_array()) {
    if (!word.as_string()) return fail(Errc::invalid, std::string("dockerArgs.") + key + " must be a list of strings");
    words.push_back(*word.as_string());
  }
  return words;
}

Result<std::vector<std::string>> command_of(const std::string& docker_args) {
  std::vector<std::string> command;
  if (trim(docker_args).starts_with('{')) {
    const auto structured = json::parse(docker_args);
    if (!structured) return fail(Errc::invalid, "dockerArgs is not accepted: " + structured.error().message);
    auto entrypoint = words_of(structured->find("entrypoint"), "entrypoint");
    if (!entrypoint) return entrypoint;
    auto cmd = words_of(structured->find("cmd"), "cmd");
    if (!cmd) return cmd;
    command = std::move(*entrypoint);
    command.insert(command.end(), cmd->begin(), cmd->end());
  } else if (!split_words(docker_args, command)) {
    return fail(Errc::invalid, "dockerArgs has a quote that is not closed");
  }
  if (command.empty()) {
    return fail(Errc::invalid,
                "dockerArgs is empty; a process image needs a command, for example: python3 -u handler.py");
  }
  return command;
}

void set(std::vector<core::EnvVar>& environment, core::EnvVar variable) {
  const auto same = std::ranges::find(environment, variable.key, &core::EnvVar::key);
  if (same == environment.end()) {
    environment.push_back(std::move(variable));
  } else {
    same->value = std::move(variable.value);
  }
}

Result<std::vector<core::EnvVar>> opened(const core::StartWorker& order, const api::Vault& vault) {
  const auto value_of = [&](std::string_view name) -> Result<std::string> {
    const auto secret = std::ranges::find(order.secrets, name, &core::SealedSecret::name);
    if (secret != order.secrets.end()) return vault.open(secret->sealed);
    return fail(Errc::invalid, "there is no secret of this name");
  };
  std::vector<core::EnvVar> out;
  for (const auto& variable : order.env) {
    std::string asked;
    auto value = core::with_secrets(variable.value, [&](std::string_view name) {
      asked = name;
      return value_of(name);
    });
    if (!value) {
      return fail(value.error().code,
                  "env " + variable.key + " names the secret \"" + asked + "\": " + value.error().message);
    }
    out.push_back({variable.key, std::move(*value)});
  }
  return out;
}

}  // namespace

Result<launch::WorkerSpec> worker_spec(const core::StartWorker& order, const api::ServerFacts& facts,
                                       const api::WorkerKeys& keys, const api::Vault& vault, bool emulated_gpus) {
  if (!order.image.starts_with("process:")) {
    return fail(Errc::not_implemented,
                "image \"" + order.image +
                    "\" needs a container engine, which this server does not "
                    "drive; process:<absolute directory> is accepted, or start the worker yourself "
                    "with what `penstock worker attach` prints");
  }
  auto command = command_of(order.docker_args);
  if (!command) return tl::unexpected<Error>(command.error());
  launch::WorkerSpec spec;
  spec.id = order.id;
  spec.image = order.image;
  spec.command = std::move(*command);
  auto environment = opened(order, vault);
  if (!environment) return tl::unexpected<Error>(environment.error());
  spec.environment = std::move(*environment);
  spec.limits = {order.vcpus, std::int64_t{order.memory_gb} << 30};
  // What the protocol needs wins over the user's variables, but for the switches that are the user's to set.
  core::Placement placement = order.placement;
  if (emulated_gpus) placement.gpus.clear();
  if (!emulated_gpus && placement.gpus.empty()) {  // a CPU worker beside GPUs that are others'
    set(spec.environment, {"CUDA_VISIBLE_DEVICES", ""});
    set(spec.environment, {"NVIDIA_VISIBLE_DEVICES", "void"});
  }
  if (order.vcpus > 0) set(spec.environment, {"RUNPOD_CPU_COUNT", std::to_string(order.vcpus)});
  for (auto& variable : api::worker_environment(facts, keys, order.endpoint, order.id, placement)) {
    const auto same = std::ranges::find(spec.environment, variable.key, &core::EnvVar::key);
    if (same == spec.environment.end()) {
      spec.environment.push_back(std::move(variable));
    } else if (variable.key != "RUNPOD_SKIP_AUTO_SYSTEM_CHECKS") {
      same->value = std::move(variable.value);
    }
  }
  return spec;
}

core::Command command_of(const launch::Event& event) {
  if (const auto* started = std::get_if<launch::Started>(&event)) {
    const auto kind = started->forked ? core::StartKind::forked : core::StartKind::spawned;
    return core::WorkerStarted{started->id, started->handle, kind, started->took};
  }
  if (const auto* failed = std::get_if<launch::StartFailed>(&event)) {
    return core::WorkerStartFailed{failed->id, failed->reason};
  }
  if (const auto* frozen = std::get_if<launch::Frozen>(&event)) {
    const core::FrozenMemory memory{frozen->memory.resident_bytes, frozen->memory.swapped_bytes};
    return core::WorkerFrozen{frozen->id, frozen->gpu_parked, memory};
  }
  if (const auto* kept = std::get_if<launch::FreezeFailed>(&event)) {
    return core::WorkerFreezeFailed{kept->id, kept->reason};
  }
  if (const auto* thawed = std::get_if<launch::Thawed>(&event)) return core::WorkerThawed{thawed->id, thawed->took};
  const auto& exited = std::get<launch::Exited>(event);
  return core::WorkerExited{exited.id, exited.exit_code, exited.cause};
}

void tell_place(launch::WorkerSpec& spec, const core::Node& node) {
  set(spec.environment, {"RUNPOD_DC_ID", core::data_center_of(node)});
}

void mount(launch::WorkerSpec& spec, const VolumeId& volume, const std::string& directory) {
  set(spec.environment, {"RUNPOD_VOLUME_ID", volume.str()});
  set(spec.environment, {"PENSTOCK_VOLUME_PATH", directory});
}

}  // namespace penstock::server
