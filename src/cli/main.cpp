#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "cli/client.h"
#include "cli/fleet.h"
#include "cli/gpus.h"
#include "cli/scaler.h"
#include "cli/simulate.h"
#include "cli/why.h"
#include "cli/workers.h"
#include "json/json.h"
#include "server/config.h"
#include "server/doctor.h"
#include "server/server.h"

#ifdef PENSTOCK_MIMALLOC
#include <mimalloc.h>
#endif

extern char** environ;

namespace {

namespace cli = penstock::cli;
namespace json = penstock::json;
namespace server = penstock::server;

using cli::fail_with;
using cli::kExitFailed;
using cli::kExitUsage;
using cli::variable;

std::map<std::string, std::string> environment() {
  std::map<std::string, std::string> all;
  for (char** entry = environ; *entry; ++entry) {
    const std::string text = *entry;
    const auto equals = text.find('=');
    if (equals != std::string::npos) all.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return all;
}

// ---------------------------------------------------------------- serve

struct ServeFlags {
  std::string listen, data, fake_gpus, config, log_level, clock, script;
  bool ephemeral = false;
  bool json = false;
  std::vector<std::string> set;
};

std::string settings_help() {
  std::string text = "Settings (--set section.key=value, or the variable, or penstock.toml):\n";
  for (const auto& info : server::setting_infos()) {
    text += "  " + info.key + "\n      " + info.help;
    if (!info.initial.empty()) text += " (default " + info.initial + ")";
    text += "\n      " + info.variable + "\n";
  }
  return text;
}

void add_serve(CLI::App& app, ServeFlags& flags) {
  CLI::App* serve = app.add_subcommand("serve", "run the server");
  serve->add_option("--listen", flags.listen, "address:port; port 0 takes a free one (default 127.0.0.1:8420)");
  serve->add_option("--data", flags.data, "data directory (default $XDG_DATA_HOME/penstock)");
  serve->add_flag("--ephemeral", flags.ephemeral, "keep nothing after the end");
  serve->add_option(
      "--clock", flags.clock,
      "real, or virtual: time goes on only by POST /penstock/v1/clock/advance (with --ephemeral, for tests)");
  serve->add_option("--script", flags.script, "YAML file: what workers do, with --clock virtual");
  serve->add_option("--fake-gpus", flags.fake_gpus, "pretend these GPUs, for example 4xAMPERE_80,2xADA_24@EU-RO-1");
  serve->add_option("--config", flags.config, "penstock.toml to read (or PENSTOCK_CONFIG)");
  serve->add_option("--log-level", flags.log_level, "debug, info, warn or error");
  serve->add_flag("--json", flags.json, "when ready, one line of JSON on standard output: url, apiKey, pid");
  serve->add_option("--set", flags.set, "any setting: section.key=value");
  serve->footer(settings_help());
}

int serve(const ServeFlags& flags) {
  server::KeyedTexts texts;
  if (!flags.listen.empty()) texts.emplace_back("server.listen", flags.listen);
  if (!flags.data.empty()) texts.emplace_back("server.data", flags.data);
  if (flags.ephemeral) texts.emplace_back("server.ephemeral", "true");
  if (!flags.clock.empty()) texts.emplace_back("server.clock", flags.clock);
  if (!flags.script.empty()) texts.emplace_back("server.script", flags.script);
  if (!flags.fake_gpus.empty()) texts.emplace_back("gpus.fake", flags.fake_gpus);
  if (!flags.log_level.empty()) texts.emplace_back("server.log_level", flags.log_level);
  for (const auto& setting : flags.set) {
    const auto equals = setting.find('=');
    if (equals == std::string::npos)
      return fail_with("--set " + setting + ": section.key=value is expected", kExitUsage);
    texts.emplace_back(setting.substr(0, equals), setting.substr(equals + 1));
  }
  const std::string file = flags.config.empty() ? variable("PENSTOCK_CONFIG") : flags.config;
  auto config = server::load_config(file, environment(), texts);
  if (!config) return fail_with(config.error().message, kExitUsage);
  server::ServeOptions options{std::move(*config), flags.json, std::nullopt};
  if (const std::string key = variable("PENSTOCK_BOOTSTRAP_KEY"); !key.empty()) options.bootstrap_key = key;
  return server::serve(options);
}

// ---------------------------------------------------------------- doctor

struct DoctorFlags {
  std::string data, config;
  bool repair = false;
  bool json = false;
};

void add_doctor(CLI::App& app, DoctorFlags& flags) {
  CLI::App* doctor = app.add_subcommand(
      "doctor", "check a data directory that no server uses; exit status 0: fine, 1: problems, 2: it could not look");
  doctor->add_option("--data", flags.data, "data directory (default $XDG_DATA_HOME/penstock)");
  doctor->add_option("--config", flags.config, "penstock.toml to read (or PENSTOCK_CONFIG)");
  doctor->add_flag("--repair", flags.repair,
                   "bring what is readable before the damage into the tables, move the rest aside, say what was lost");
  doctor->add_flag("--json", flags.json, "one JSON object on standard output");
}

int doctor(const DoctorFlags& flags) {
  server::KeyedTexts texts;
  if (!flags.data.empty()) texts.emplace_back("server.data", flags.data);
  const std::string file = flags.config.empty() ? variable("PENSTOCK_CONFIG") : flags.config;
  const auto config = server::load_config(file, environment(), texts);
  if (!config) return fail_with(config.error().message, kExitUsage);
  return server::doctor({config->data, flags.repair, flags.json});
}

// ---------------------------------------------------------------- clients of the public API

struct WorkerFlags {
  cli::ServerFlags server;
  std::string endpoint, worker;
  bool json = false;
};

int attach(const WorkerFlags& flags) {
  const auto answer = cli::ask(flags.server, "POST", "/penstock/v1/endpoints/" + flags.endpoint + "/workers");
  if (!answer) return fail_with(answer.error().message, kExitFailed);
  if (flags.json) {
    std::printf("%s\n", json::write(*answer).c_str());
    return 0;
  }
  const json::Value* environment = answer->find("environment");
  if (!environment || !environment->as_object())
    return fail_with("the server's answer has no environment", kExitFailed);
  for (const auto& [key, value] : *environment->as_object()) {
    std::printf("%s=%s\n", key.c_str(), value.as_string() ? value.as_string()->c_str() : "");
  }
  return 0;
}

int detach(const WorkerFlags& flags) {
  const auto answer =
      cli::ask(flags.server, "DELETE", "/penstock/v1/endpoints/" + flags.endpoint + "/workers/" + flags.worker);
  return answer ? 0 : fail_with(answer.error().message, kExitFailed);
}

void add_server_options(CLI::App* command, cli::ServerFlags& flags) {
  command->add_option("--url", flags.url, "the server (PENSTOCK_URL; default http://127.0.0.1:8420)");
  command->add_option("--api-key", flags.key, "API key (PENSTOCK_API_KEY or RUNPOD_API_KEY)");
}

void add_worker(CLI::App& app, WorkerFlags& flags) {
  CLI::App* worker = app.add_subcommand("worker", "workers that you start yourself");
  worker->require_subcommand(1);
  const auto common = [&](CLI::App* command) {
    command->add_option("endpoint", flags.endpoint, "endpoint id")->required();
    add_server_options(command, flags.server);
    return command;
  };
  CLI::App* attach_command =
      common(worker->add_subcommand("attach",
                                    "register a worker and print the environment to start it with, one NAME=value a "
                                    "line (as docker run --env-file reads it)"));
  attach_command->add_flag("--json", flags.json, "print one JSON object");
  CLI::App* detach_command = common(worker->add_subcommand("detach", "forget such a worker; its jobs go to others"));
  detach_command->add_option("worker", flags.worker, "worker id")->required();
}

void add_workers(CLI::App& app, WorkerFlags& flags) {
  CLI::App* workers = app.add_subcommand("workers", "the workers of an endpoint, and how long its cold starts took");
  workers->add_option("endpoint", flags.endpoint, "endpoint id")->required();
  workers->add_flag("--json", flags.json, "one JSON object on standard output");
  add_server_options(workers, flags.server);
}

// ---------------------------------------------------------------- why

void add_why(CLI::App& app, cli::WhyFlags& flags) {
  CLI::App* why = app.add_subcommand("why", "say why a job, or the jobs of an endpoint, wait and what would help");
  why->add_option("id", flags.id, "a job or an endpoint")->required();
  why->add_flag("--json", flags.json, "one JSON object on standard output");
  add_server_options(why, flags.server);
}

// ---------------------------------------------------------------- gpus

void add_gpus(CLI::App& app, cli::GpusFlags& flags) {
  CLI::App* gpus = app.add_subcommand("gpus", "the GPUs of the server: what they do, which are quarantined");
  gpus->require_subcommand(1);
  CLI::App* list = gpus->add_subcommand("list", "all of them");
  list->add_flag("--json", flags.json, "one JSON object on standard output");
  CLI::App* quarantine =
      gpus->add_subcommand("quarantine", "keep a GPU from workers; those that have it go after their jobs");
  quarantine->add_option("--reason", flags.reason, "shown wherever the quarantine is");
  CLI::App* release = gpus->add_subcommand("release", "end a quarantine");
  for (CLI::App* one : {quarantine, release}) one->add_option("gpu", flags.gpu, "its id in the list")->required();
  for (CLI::App* one : {list, quarantine, release}) add_server_options(one, flags.server);
}

// ---------------------------------------------------------------- releases, usage, budgets

struct FleetFlags {
  cli::ReleaseFlags release;
  cli::UsageFlags usage;
  cli::BudgetFlags budget;
};

void add_fleet(CLI::App& app, FleetFlags& flags) {
  CLI::App* releases = app.add_subcommand("releases", "list the releases of an endpoint and what each changed");
  releases->add_option("endpoint", flags.release.endpoint, "endpoint id")->required();
  CLI::App* rollback = app.add_subcommand("rollback", "make a release of an endpoint that is as an earlier one was");
  rollback->add_option("endpoint", flags.release.endpoint, "endpoint id")->required();
  rollback->add_option("version", flags.release.version, "the release to go back to")->required();
  for (CLI::App* command : {releases, rollback}) {
    command->add_flag("--json", flags.release.json, "one JSON object on standard output");
    add_server_options(command, flags.release.server);
  }
  CLI::App* usage = app.add_subcommand("usage", "say how long workers ran, and what that cost");
  usage->add_option("--endpoint", flags.usage.endpoint, "of this endpoint only");
  usage->add_option("--from", flags.usage.from, "a time or a day (UTC); 30 days before the end when not given");
  usage->add_option("--to", flags.usage.to, "a time or a day (UTC); now when not given");
  usage->add_option("--by", flags.usage.by, "a line for each: hour, day, endpoint, pool (default endpoint,pool)");
  usage->add_flag("--json", flags.usage.json, "one JSON object on standard output");
  add_server_options(usage, flags.usage.server);
  CLI::App* budget =
      app.add_subcommand("budget", "show, set or remove what may be used in a day: no worker is started beyond it");
  budget->add_option("--endpoint", flags.budget.endpoint, "of this endpoint; without, of the account");
  CLI::Option* seconds = budget->add_option("--gpu-seconds", flags.budget.gpu_seconds, "so many a day");
  CLI::Option* money = budget->add_option("--money", flags.budget.money, "so much a day")->excludes(seconds);
  budget->add_flag("--stop-workers", flags.budget.stop_workers, "also end running workers; their jobs wait");
  budget->add_flag("--remove", flags.budget.remove, "no budget any more")->excludes(seconds)->excludes(money);
  budget->add_flag("--json", flags.budget.json, "one JSON object on standard output");
  add_server_options(budget, flags.budget.server);
}

void add_scaler(CLI::App& app, cli::ScalerLogFlags& flags) {
  CLI::App* scaler = app.add_subcommand("scaler", "what the scaler does");
  scaler->require_subcommand(1);
  CLI::App* log = scaler->add_subcommand("log", "its recorded decisions about an endpoint, the newest first");
  log->add_option("endpoint", flags.endpoint, "endpoint id")->required();
  log->add_option("--at", flags.at, "those in force at this instant: made then or earlier (2026-01-31T12:00:00Z)");
  log->add_option("--from", flags.from, "only those made then or later");
  log->add_option("--limit", flags.limit, "how many at most (default 20)")->check(CLI::Range(1, 1'000));
  log->add_flag("--json", flags.json, "one JSON object with all inputs on standard output");
  add_server_options(log, flags.server);
}

void add_simulate(CLI::App& app, cli::SimulateFlags& flags) {
  CLI::App* simulate = app.add_subcommand(
      "simulate", "replay an endpoint's recorded requests, or a trace, through the engine under other settings");
  simulate->add_option("endpoint", flags.endpoint, "endpoint id")->required();
  simulate->add_option("--from", flags.from, "requests that came then or later (2026-01-31T12:00:00Z)");
  simulate->add_option("--to", flags.to, "requests that came before");
  simulate->add_option("--set", flags.set,
                       "scalerType, scalerValue, workersMin, workersMax or idleTimeout: name=value");
  simulate->add_option("--trace", flags.trace, "CSV of requests to replay instead: at,execution_ms,priority");
  simulate->add_option("--price", flags.price, "of a worker for an hour, instead of the server's prices")
      ->check(CLI::NonNegativeNumber);
  simulate->add_flag("--json", flags.json, "one JSON object on standard output");
  add_server_options(simulate, flags.server);
}

/// Under load the memory of some thousand jobs becomes free when the tables have them, a few times a second, and is
/// needed again at once. Giving it back to the system each time costs a page fault for each 4 KiB of it.
void keep_free_memory_for_a_while() {
#ifdef PENSTOCK_MIMALLOC
  constexpr long kMillis = 10'000;
  mi_option_set_default(mi_option_decommit_delay, kMillis);
#endif
}

}  // namespace

int main(int argc, char** argv) {
  keep_free_memory_for_a_while();
  CLI::App app{"Penstock: serverless GPU endpoints on your own machines", "penstock"};
  app.set_version_flag("--version", "penstock " PENSTOCK_VERSION);
  ServeFlags serve_flags;
  DoctorFlags doctor_flags;
  WorkerFlags worker_flags;
  add_serve(app, serve_flags);
  add_doctor(app, doctor_flags);
  cli::WhyFlags why_flags;
  add_worker(app, worker_flags);
  cli::ScalerLogFlags scaler_flags;
  add_workers(app, worker_flags);
  add_why(app, why_flags);
  cli::GpusFlags gpus_flags;
  add_gpus(app, gpus_flags);
  FleetFlags fleet_flags;
  add_fleet(app, fleet_flags);
  cli::SimulateFlags simulate_flags;
  add_scaler(app, scaler_flags);
  add_simulate(app, simulate_flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int status = app.exit(error);
    return status == 0 ? 0 : kExitUsage;
  }
  if (app.get_subcommands().empty()) {
    std::fputs(app.help().c_str(), stderr);
    return kExitUsage;
  }
  if (app.got_subcommand("serve")) return serve(serve_flags);
  if (app.got_subcommand("doctor")) return doctor(doctor_flags);
  if (app.got_subcommand("simulate")) return cli::simulate(simulate_flags);
  if (app.got_subcommand("scaler")) return cli::scaler_log(scaler_flags);
  if (app.got_subcommand("why")) return cli::why(why_flags);
  if (app.got_subcommand("gpus")) {
    const CLI::App* gpus = app.get_subcommand("gpus");
    if (gpus->got_subcommand("list")) return cli::list_gpus(gpus_flags);
    return gpus->got_subcommand("release") ? cli::release_gpu(gpus_flags) : cli::quarantine_gpu(gpus_flags);
  }
  if (app.got_subcommand("releases")) return cli::releases(fleet_flags.release);
  if (app.got_subcommand("rollback")) return cli::rollback(fleet_flags.release);
  if (app.got_subcommand("usage")) return cli::usage(fleet_flags.usage);
  if (app.got_subcommand("budget")) return cli::budget(fleet_flags.budget);
  if (app.got_subcommand("workers")) {
    return cli::list_workers(worker_flags.server, worker_flags.endpoint, worker_flags.json);
  }
  const CLI::App* worker = app.get_subcommand("worker");
  return worker->got_subcommand("attach") ? attach(worker_flags) : detach(worker_flags);
}
