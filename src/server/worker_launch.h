#pragma once

#include "api/admin/worker_environment.h"
#include "api/auth/vault.h"
#include "core/commands.h"
#include "core/fleet/fleet.h"
#include "core/outcomes.h"
#include "launch/launcher.h"

namespace penstock::server {

/// Turns the core's order into what a launcher needs: the command from the template's dockerArgs (words as a shell
/// would split them, or {"cmd":[..],"entrypoint":[..]}), the environment from the server's facts, the endpoint and the
/// template, with the secrets that they name opened by `vault`. Errors: invalid (no command, or one that does not
/// parse; a secret that does not exist), unavailable (a secret that cannot be opened), not_implemented (an image other
/// than process:<directory>).
Result<launch::WorkerSpec> worker_spec(const core::StartWorker& order, const api::ServerFacts& facts,
                                       const api::WorkerKeys& keys, const api::Vault& vault, bool emulated_gpus);

/// What a launcher told, as the core takes it.
core::Command command_of(const launch::Event& event);

/// Tells the worker its data centre.
void tell_place(launch::WorkerSpec& spec, const core::Node& node);

/// Shows the worker its network volume, by environment: a process has no file system of its own to mount it in.
void mount(launch::WorkerSpec& spec, const VolumeId& volume, const std::string& directory);

}  // namespace penstock::server
