#include "server/config.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "server/config_file.h"
#include "server/config_settings.h"

namespace penstock::server {
namespace {

// contract/data-plane 1.6
constexpr Millis kHostedAsync{1'800'000};
constexpr Millis kHostedSync{60'000};
constexpr std::string_view kPrefix = "PENSTOCK_";

/// `workers.poll_hold_ms` is PENSTOCK_WORKERS_POLL_HOLD_MS; the section `server` is left out: PENSTOCK_LISTEN.
std::string variable_of(const std::string& key) {
  std::string name(kPrefix);
  for (const char c : key.starts_with("server.") ? key.substr(7) : key) {
    name += c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  }
  return name;
}

Result<void> apply(Config& config, const std::string& key, const std::string& value, const std::string& where) {
  std::vector<std::string_view> known;
  for (const Setting& setting : settings()) {
    if (setting.key == key) {
      auto done = setting.set(config, value);
      if (!done) return fail(Errc::invalid, where + ": " + key + ": " + done.error().message);
      return done;
    }
    known.push_back(setting.key);
  }
  const auto near = nearest(key, known);
  return fail(Errc::invalid, where + ": unknown setting \"" + key + "\"" +
                                 (near.empty() ? std::string() : "; did you mean \"" + std::string(near) + "\"?"));
}

Result<void> apply_file(Config& config, const std::string& file) {
  auto read = read_config_file(file);
  if (!read) return tl::unexpected<Error>(read.error());
  for (const auto& [key, value] : read->settings) {
    if (auto done = apply(config, key, value, file); !done) return done;
  }
  config.host.nodes = std::move(read->nodes);
  config.host.nodes_from = file;
  return {};
}

Result<void> apply_environment(Config& config, const std::map<std::string, std::string>& environment) {
  // Read elsewhere: by the command line, or at the first start.
  static const std::set<std::string> kOthers = {"PENSTOCK_URL", "PENSTOCK_API_KEY", "PENSTOCK_BOOTSTRAP_KEY",
                                                "PENSTOCK_CONFIG"};
  std::vector<std::string> variables;
  for (const Setting& setting : settings()) variables.push_back(variable_of(setting.key));
  for (const auto& [name, value] : environment) {
    if (!name.starts_with(kPrefix) || name.starts_with("PENSTOCK_TEST_") || kOthers.contains(name)) continue;
    const auto found = std::ranges::find(variables, name);
    if (found == variables.end()) {
      // Without what all of them have in common, or everything would be near.
      std::vector<std::string_view> tails;
      for (const std::string& variable : variables) tails.push_back(std::string_view(variable).substr(kPrefix.size()));
      const auto near = nearest(std::string_view(name).substr(kPrefix.size()), tails);
      return fail(
          Errc::invalid,
          "unknown environment variable " + name +
              (near.empty() ? std::string() : "; did you mean " + std::string(kPrefix) + std::string(near) + "?"));
    }
    const Setting& setting = settings()[static_cast<std::size_t>(found - variables.begin())];
    auto done = apply(config, setting.key, value, name);
    if (!done) return done;
  }
  return {};
}

}  // namespace

net::HttpLimits http_limits(const Config& config) {
  net::HttpLimits limits = config.http;
  limits.body_bytes_unasked = std::min(config.bodies.least(), config.results.spool_above);
  return limits;
}

const std::vector<SettingInfo>& setting_infos() {
  static const std::vector<SettingInfo> infos = [] {
    std::vector<SettingInfo> made;
    for (const Setting& setting : settings()) {
      made.push_back({setting.key, variable_of(setting.key), setting.help, setting.initial});
    }
    return made;
  }();
  return infos;
}

Result<Config> load_config(const std::string& file, const std::map<std::string, std::string>& environment,
                           const KeyedTexts& flags) {
  Config config;
  if (!file.empty()) {
    if (auto done = apply_file(config, file); !done) return tl::unexpected<Error>(done.error());
  }
  if (auto done = apply_environment(config, environment); !done) return tl::unexpected<Error>(done.error());
  for (const auto& [key, value] : flags) {
    if (auto done = apply(config, key, value, "command line"); !done) return tl::unexpected<Error>(done.error());
  }
  if (config.discount_factor && config.discount_expires.empty()) {
    return fail(Errc::invalid, "account.discount_factor is set; account.discount_expires is needed with it");
  }
  if (config.ephemeral && !config.data.empty()) {
    return fail(Errc::invalid, "server.ephemeral keeps nothing and server.data (" + config.data +
                                   ") keeps everything: give one of them");
  }
  if (config.virtual_clock && !config.ephemeral) {
    return fail(Errc::invalid,
                "server.clock = virtual is for tests, which keep nothing: server.ephemeral = true (--ephemeral) is "
                "needed with it");
  }
  if (!config.script.empty() && !config.virtual_clock) {
    return fail(Errc::invalid, "server.script (" + config.script +
                                   ") says what scripted workers do; server.clock = virtual (--clock virtual) is "
                                   "needed with it");
  }
  if (config.hosted_limits) config.rate_limits.operations = core::RateLimits::hosted().operations;
  for_each_limit(config.rate_limits, [&](const std::string& name, int& number) {
    const auto set = config.set_limits.find(name);
    if (set != config.set_limits.end()) number = set->second;
  });
  const auto listen = parse_listen(config.listen);
  if (!listen) return tl::unexpected<Error>(listen.error());
  if (config.hosted_retention) {
    const core::EngineSettings defaults;
    if (config.engine.retention_async == defaults.retention_async) config.engine.retention_async = kHostedAsync;
    if (config.engine.retention_sync == defaults.retention_sync) config.engine.retention_sync = kHostedSync;
  }
  config.engine.process_images = config.process_images.value_or(is_loopback(listen->first));
  return config;
}

}  // namespace penstock::server
