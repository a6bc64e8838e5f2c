#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/time.h"

namespace penstock::core {

struct EnvVar {
  std::string key;
  std::string value;

  friend bool operator==(const EnvVar&, const EnvVar&) = default;
};

/// A name for a port, for people.
struct PortName {
  std::string port;
  std::string name;

  friend bool operator==(const PortName&, const PortName&) = default;
};

/// What a worker runs (contract/control-plane 2.8). Names are unique within an account.
struct Template {
  TemplateId id;
  AccountId owner;
  std::string name;
  std::string image;
  std::string docker_args;  // the command: plain text, or {"cmd":[..],"entrypoint":[..]}
  std::vector<EnvVar> env;
  std::string ports;
  int container_disk_gb = 0;
  int volume_gb = 0;
  std::string volume_mount_path;
  std::string registry_auth_id;
  bool is_serverless = false;
  bool is_public = false;
  std::string readme;
  bool advanced_start = false;
  bool start_jupyter = false;
  bool start_ssh = true;
  std::string start_script;
  std::string category;
  std::optional<EndpointId> bound_endpoint;  // the one endpoint that uses it
  Time created{};
  std::string config;  // JSON text of the client's own, kept as it is; empty: none
  std::vector<PortName> port_names;

  friend bool operator==(const Template&, const Template&) = default;
};

}  // namespace penstock::core
