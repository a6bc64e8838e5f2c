#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/router.h"
#include "base/error.h"
#include "base/log.h"
#include "core/limits/rate_limiter.h"
#include "core/settings.h"
#include "graphql/limits.h"
#include "host/gpus.h"
#include "net/address_rules.h"
#include "net/http_server.h"
#include "server/config_file.h"
#include "store/decision_store.h"
#include "store/local_store.h"

namespace penstock::server {

/// Everything that an operator can set, after defaults, penstock.toml, PENSTOCK_* variables and flags were merged, the
/// later over the earlier.
struct Config {
  std::string listen = "127.0.0.1:8420";
  std::string data;  // empty: $XDG_DATA_HOME/penstock
  bool ephemeral = false;
  bool virtual_clock = false;  // time goes on only when it is told to, and workers are scripted; needs ephemeral
  std::string script;          // file that says what they do; empty: nothing takes time and nothing fails
  std::string worker_url;      // how workers reach this server; empty: the address it listens on
  host::HostOptions host;
  Millis gpus_poll{10'000};            // 0: the health of GPUs is not looked at
  std::optional<bool> process_images;  // none: only while listening on loopback
  log::Level log_level = log::Level::info;
  bool log_json = false;
  std::string account_email = "admin@localhost";
  std::optional<double> discount_factor;
  std::string discount_expires;                // ISO 8601; needed with discount_factor
  std::optional<bool> webhooks_allow_private;  // none: see webhook_rules()
  std::string webhooks_allowed_networks;
  std::string webhooks_ca_file;
  Millis webhooks_timeout{10'000};  // of one attempt (contract/data-plane 1.9)
  core::EngineSettings engine;
  bool fork_servers = true;
  Millis reclaim_after{60'000};          // of frozen workers' memory
  std::string cuda_checkpoint = "auto";  // a path; "auto": from PATH, if it is there; "off"
  std::string cgroup = "penstock";       // of workers with limits, below /sys/fs/cgroup; "off": they have none
  bool hosted_retention = false;
  api::BodyLimits bodies;
  api::ResultOptions results;
  Millis sweep_every{60'000};  // files of results
  Millis openai_timeout{300'000};
  std::string otlp_endpoint;  // empty: spans are not exported
  KeyedTexts otlp_headers;
  bool hosted_limits = false;
  std::map<std::string, int> set_limits;  // "run_per_10s" and such, where somebody set it
  core::RateLimits rate_limits;           // what comes of these
  std::size_t subscriptions_max = 1'000;
  graphql::Limits graphql;
  net::HttpLimits http;
  store::DecisionStoreOptions decisions;
  store::LocalStoreOptions store;  // its paths are the data directory's
};

/// Where webhooks may go. Private addresses are allowed where nobody said anything while the server listens on loopback
/// and runs `process:` images: whoever may submit there may also run any program on this machine.
net::AddressRules webhook_rules(const Config& config);

/// With the size of a body that every route takes, and into memory: it needs no question.
net::HttpLimits http_limits(const Config& config);

/// One setting, as `serve --help` and the docs list it.
struct SettingInfo {
  std::string key;       // "workers.ping_interval_ms"
  std::string variable;  // "PENSTOCK_WORKERS_PING_INTERVAL_MS"
  std::string help;
  std::string initial;  // what holds when nobody sets it; empty when that depends
};
const std::vector<SettingInfo>& setting_infos();

/// Merges a file (may be empty: none), the environment (all of it; only PENSTOCK_* is looked at) and flags given as
/// `section.key` and text. Errors: invalid (an unknown key, with the nearest known one; a value that does not fit; an
/// unreadable file).
Result<Config> load_config(const std::string& file, const std::map<std::string, std::string>& environment,
                           const KeyedTexts& flags);

/// Splits `host:port`, `[v6]:port`. Errors: invalid.
Result<std::pair<std::string, std::uint16_t>> parse_listen(const std::string& text);
bool is_loopback(const std::string& host);

}  // namespace penstock::server
