#include "server/config_settings.h"

#include <cmath>
#include <concepts>
#include <optional>

#include "base/number.h"
#include "base/text.h"
#include "base/time.h"
#include "core/model/usage.h"
#include "launch/cgroups.h"
#include "server/gpu_types.h"

namespace penstock::server {
namespace {

std::string shown(const std::string& value, std::int64_t) {
  return value;
}
std::string shown(bool value, std::int64_t) {
  return value ? "true" : "false";
}
std::string shown(const std::optional<bool>&, std::int64_t) {
  return {};
}
std::string shown(std::chrono::seconds value, std::int64_t) {
  return std::to_string(value.count());
}
std::string shown(Millis value, std::int64_t scale) {
  return std::to_string(value.count() / scale);
}
template <std::integral Number>
std::string shown(Number value, std::int64_t scale) {
  return std::to_string(static_cast<std::int64_t>(value) / scale);
}

/// What a setting is before anyone sets it, in the units of the setting.
template <class Pick>
std::string initial_text(Pick pick, std::int64_t scale = 1) {
  Config config;
  return shown(pick(config), scale);
}

Error bad_value(const std::string& text, const std::string& accepted) {
  return Error{Errc::invalid, "\"" + text + "\" is not accepted; " + accepted};
}

Result<std::int64_t> whole(const std::string& text, std::int64_t low, std::int64_t high) {
  const auto value = parse_number<std::int64_t>(text);
  if (value && *value >= low && *value <= high) return *value;
  return tl::unexpected<Error>(
      bad_value(text, "a whole number from " + std::to_string(low) + " to " + std::to_string(high) + " is"));
}

Result<double> decimal(const std::string& text, int low, double high) {
  const auto value = parse_number<double>(text);
  if (value && *value >= low && *value <= high) return *value;
  return tl::unexpected<Error>(
      bad_value(text, "a number from " + std::to_string(low) + " to " + std::to_string(std::lround(high)) + " is"));
}

template <class Pick>
Setting number(std::string key, std::int64_t low, std::int64_t high, std::int64_t scale, std::string help, Pick pick) {
  return {std::move(key), std::move(help),
          [=](Config& config, const std::string& text) -> Result<void> {
            const auto value = whole(text, low, high);
            if (!value) return tl::unexpected<Error>(value.error());
            auto& target = pick(config);
            target = std::remove_reference_t<decltype(target)>(*value * scale);
            return {};
          },
          initial_text(pick, scale)};
}

template <class Pick>
Setting text(std::string key, std::string help, Pick pick) {
  return {std::move(key), std::move(help),
          [=](Config& config, const std::string& value) -> Result<void> {
            pick(config) = value;
            return {};
          },
          initial_text(pick)};
}

template <class Pick>
Setting flag(std::string key, std::string help, Pick pick) {
  return {std::move(key), std::move(help),
          [=](Config& config, const std::string& value) -> Result<void> {
            const bool yes = value == "true" || value == "1";
            if (!yes && value != "false" && value != "0") {
              return tl::unexpected<Error>(bad_value(value, "true and false are"));
            }
            pick(config) = yes;
            return {};
          },
          initial_text(pick)};
}

/// One of two words, kept as a bool.
template <class Pick>
Setting choice(std::string key, std::string no, std::string yes, std::string help, Pick pick) {
  return {std::move(key), std::move(help),
          [=](Config& config, const std::string& value) -> Result<void> {
            if (value != no && value != yes)
              return tl::unexpected<Error>(bad_value(value, no + " and " + yes + " are"));
            pick(config) = value == yes;
            return {};
          },
          initial_text(pick) == "true" ? yes : no};
}

Result<void> set_gpu_types(Config& config, const std::string& value) {
  auto pools = parse_gpu_types(value);
  if (!pools) return tl::unexpected<Error>(pools.error());
  for (auto& [type, pool] : *pools) config.host.pools[type] = std::move(pool);
  return {};
}

/// What an hour of a GPU costs, or of a worker without GPUs.
Setting price_setting(const std::string& pool, std::int64_t initial) {
  std::string name = pool;
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const std::string cents = std::to_string(100 + initial / 10'000 % 100).substr(1);
  return {"prices." + name,
          "price of an hour of a " + (pool == core::kCpuPool ? "worker without GPUs" : "GPU of " + pool),
          [pool](Config& c, const std::string& value) -> Result<void> {
            const auto price = decimal(value, 0, 1e6);
            if (!price) return tl::unexpected<Error>(price.error());
            c.engine.prices[pool] = std::llround(*price * 1e6);
            return {};
          },
          std::to_string(initial / 1'000'000) + "." + cents};
}

void server_settings(std::vector<Setting>& all) {
  all.push_back(text("server.listen", "address and port to listen on; port 0 takes a free one",
                     [](Config& c) -> auto& { return c.listen; }));
  all.push_back(text("server.data", "data directory", [](Config& c) -> auto& { return c.data; }));
  all.push_back(flag("server.ephemeral", "keep nothing: a temporary data directory, removed at the end",
                     [](Config& c) -> auto& { return c.ephemeral; }));
  all.push_back(choice("server.clock", "real", "virtual",
                       "virtual: time goes on only by POST /penstock/v1/clock/advance, and workers are scripted",
                       [](Config& c) -> auto& { return c.virtual_clock; }));
  all.push_back(text("server.script", "YAML file: what scripted workers do, with a virtual clock",
                     [](Config& c) -> auto& { return c.script; }));
  all.push_back(text("server.worker_url", "base URL at which workers reach this server",
                     [](Config& c) -> auto& { return c.worker_url; }));
  all.push_back({"server.log_level", "debug, info, warn or error",
                 [](Config& c, const std::string& value) -> Result<void> {
                   if (!log::parse_level(value, c.log_level)) {
                     return tl::unexpected<Error>(bad_value(value, "debug, info, warn and error are"));
                   }
                   return {};
                 },
                 "info"});
  all.push_back(flag("server.log_json", "log lines as JSON objects", [](Config& c) -> auto& { return c.log_json; }));
  all.push_back(number("server.connections_max", 1, 1'000'000, 1, "open connections",
                       [](Config& c) -> auto& { return c.http.connections_max; }));
  all.push_back(number("server.bodies_mb", 1, 1'048'576, 1 << 20,
                       "memory for the bodies of requests that are arriving; large ones beyond are answered 503",
                       [](Config& c) -> auto& { return c.http.bodies_bytes_max; }));
  all.push_back(text("gpus.fake", "GPUs to pretend, for example 4xAMPERE_80,2xADA_24@EU-RO-1",
                     [](Config& c) -> auto& { return c.host.fake_gpus; }));
  all.push_back(text("gpus.nvml", "NVIDIA's management library, by name or path; off: do not ask the driver",
                     [](Config& c) -> auto& { return c.host.nvml; }));
  all.push_back(number("gpus.poll_ms", 0, 3'600'000, 1, "how often the health of the GPUs is looked at; 0: never",
                       [](Config& c) -> auto& { return c.gpus_poll; }));
  all.push_back(number("gpus.quarantine_after_jobs", 0, 16, 1,
                       "a GPU on which so many different jobs died in a row gets no more; 0: they are not counted",
                       [](Config& c) -> auto& { return c.engine.gpu_deaths_max; }));
  all.push_back({"gpus.types", "pools of GPU types, over the built-in ones: NVIDIA T4=AMPERE_16,NVIDIA A30=AMPERE_24",
                 set_gpu_types});
  all.push_back(number("account.workers_quota", 0, 1'000'000, 1, "sum of workersMax over all endpoints",
                       [](Config& c) -> auto& { return c.engine.workers_quota; }));
  all.push_back(text("account.email", "e-mail of the account that the first start makes",
                     [](Config& c) -> auto& { return c.account_email; }));
  all.push_back({"account.discount_factor", "serverlessDiscount.discountFactor, for clients that show it",
                 [](Config& c, const std::string& value) -> Result<void> {
                   const auto factor = decimal(value, 0, 1);
                   if (!factor) return tl::unexpected<Error>(factor.error());
                   c.discount_factor = *factor;
                   c.engine.discount = static_cast<int>(std::lround(*factor * 1'000'000));
                   return {};
                 }});
  all.push_back({"account.discount_expires", "serverlessDiscount.expirationDate, such as 2027-01-31T00:00:00Z",
                 [](Config& c, const std::string& value) -> Result<void> {
                   const auto time = parse_iso8601(value);
                   if (!time) return tl::unexpected<Error>(bad_value(value, "a time such as 2027-01-31T00:00:00Z is"));
                   c.discount_expires = iso8601(*time);
                   c.engine.discount_until = *time;
                   return {};
                 }});
  for (const auto& [pool, price] : core::EngineSettings::default_prices()) {
    all.push_back(price_setting(pool, price));
  }
  all.push_back(flag("scaling.idle_scale_down",
                     "workersMax goes to 2 after 3 days without a request, and to 0 after 7; never back by itself",
                     [](Config& c) -> auto& { return c.engine.idle_scale_down; }));
}

void batch_settings(std::vector<Setting>& all) {
  constexpr std::int64_t kMegabyte = 1024 * 1024;
  all.push_back(number("batches.active_max", 1, 10'000, 1, "batches of an endpoint that are drafts or have not ended",
                       [](Config& c) -> auto& { return c.engine.batches_active_max; }));
  all.push_back(number("batches.requests_max", 1, 1'000'000, 1, "requests of one batch",
                       [](Config& c) -> auto& { return c.engine.batch_requests_max; }));
  all.push_back(number("batches.input_mb", 1, 65'536, kMegabyte, "inputs of one batch, together",
                       [](Config& c) -> auto& { return c.engine.batch_bytes_max; }));
  all.push_back(number("batches.queue_max", 1, 100'000'000, 1, "requests of batches in the queue of an endpoint",
                       [](Config& c) -> auto& { return c.engine.batch_queue_max; }));
  all.push_back(number("batches.draft_life_s", 1, 31'536'000, 1'000,
                       "a draft that nobody changes or finalizes for so long is cancelled",
                       [](Config& c) -> auto& { return c.engine.batch_draft_life; }));
}

void store_settings(std::vector<Setting>& all) {
  constexpr std::int64_t kMegabyte = 1024 * 1024;
  all.push_back({"store.durability",
                 "every_turn: what is acknowledged is on the disk; every_second: a power cut or a crash of the machine "
                 "may lose up to a second of what was acknowledged",
                 [](Config& c, const std::string& value) -> Result<void> {
                   if (value != "every_turn" && value != "every_second") {
                     return tl::unexpected<Error>(bad_value(value, "every_turn and every_second are"));
                   }
                   c.store.log.durability =
                       value == "every_turn" ? store::Durability::every_turn : store::Durability::every_second;
                   return {};
                 },
                 "every_turn"});
  all.push_back(number("store.segment_mb", 1, 4'096, kMegabyte, "size of a file of the log",
                       [](Config& c) -> auto& { return c.store.log.segment_bytes; }));
  all.push_back(number("store.backlog_mb", 1, 65'536, kMegabyte,
                       "of the log that is not in the tables yet; submissions wait beyond that",
                       [](Config& c) -> auto& { return c.store.backlog_bytes_max; }));
}

void worker_settings(std::vector<Setting>& all) {
  constexpr std::int64_t kDay = 86'400'000;
  all.push_back(number("scaler.log_s", 60, 31'536'000, 1'000, "how long decisions of the scaler are kept",
                       [](Config& c) -> auto& { return c.decisions.keep_for; }));
  all.push_back(number("scaler.log_rows", 1, 100'000'000, 1,
                       "decisions of the scaler that are kept at most, over all endpoints",
                       [](Config& c) -> auto& { return c.decisions.rows_max; }));
  // The SDK divides by 1000 and never waits when that gives 0 (contract/data-plane 2.1).
  all.push_back(number("workers.ping_interval_ms", 1'000, kDay, 1, "how often workers report; a lease is four of these",
                       [](Config& c) -> auto& { return c.engine.ping_interval; }));
  all.push_back(number("workers.poll_hold_ms", 100, 85'000, 1, "how long job-take and job-stop are held",
                       [](Config& c) -> auto& { return c.engine.poll_hold; }));
  all.push_back(number("workers.stop_grace_ms", 0, kDay, 1, "SIGTERM to SIGKILL",
                       [](Config& c) -> auto& { return c.engine.stop_grace; }));
  all.push_back(number("workers.start_timeout_s", 1, 86'400, 1'000, "start to first job-take",
                       [](Config& c) -> auto& { return c.engine.start_timeout; }));
  all.push_back(number("workers.stop_signal_grace_ms", 0, kDay, 1,
                       "a worker that still runs a cancelled job after this is ended",
                       [](Config& c) -> auto& { return c.engine.job_stop_grace; }));
  all.push_back(number("workers.crash_backoff_ms", 1, kDay, 1,
                       "wait after a crash at start, doubled for each further one",
                       [](Config& c) -> auto& { return c.engine.crash_backoff_first; }));
  all.push_back(flag("workers.fork_servers",
                     "start Python workers from processes that have imported runpod already; false: always run afresh",
                     [](Config& c) -> auto& { return c.fork_servers; }));
  all.push_back(number("workers.frozen_for_s", 0, 30 * 86'400, 1'000,
                       "with FLASHBOOT, how long an idle worker stays frozen; 0: it is ended instead",
                       [](Config& c) -> auto& { return c.engine.frozen_for; }));
  all.push_back(number("workers.frozen_max", 0, 4'096, 1, "frozen workers at a time; beyond it the oldest is ended",
                       [](Config& c) -> auto& { return c.engine.frozen_max; }));
  all.push_back(number("workers.frozen_poll_hold_ms", 0, 85'000, 1,
                       "a job goes into the open job-take of a frozen worker only while that is younger than this",
                       [](Config& c) -> auto& { return c.engine.frozen_poll_hold; }));
  all.push_back(number("workers.reclaim_after_s", 0, 86'400, 1'000,
                       "the memory of a worker that is frozen this long is moved to swap, where there is any; 0: never",
                       [](Config& c) -> auto& { return c.reclaim_after; }));
  all.push_back(text("workers.cuda_checkpoint",
                     "program that moves GPU memory of frozen workers to host memory; auto: cuda-checkpoint if it is "
                     "in PATH; off: none",
                     [](Config& c) -> auto& { return c.cuda_checkpoint; }));
  all.push_back(
      {"workers.cgroup",
       "control group, below /sys/fs/cgroup, in which workers of CPU endpoints get the vCPUs and the memory of "
       "their instance; off: they are not limited",
       [](Config& c, const std::string& value) -> Result<void> {
         if (!launch::is_group_name(value)) {
           return tl::unexpected<Error>(bad_value(value,
                                                  "\"off\" and the path of a group, such as \"penstock\" or "
                                                  "\"system.slice/penstock.service/workers\", are"));
         }
         c.cgroup = value;
         return {};
       },
       Config().cgroup});
  all.push_back(flag("workers.process_images", "allow process: images; they run with the server's rights",
                     [](Config& c) -> auto& { return c.process_images; }));
}

void job_settings(std::vector<Setting>& all) {
  constexpr std::int64_t kMegabyte = 1024 * 1024;
  constexpr std::int64_t kYear = 31'536'000;
  all.push_back(number("jobs.retention_async_s", 1, kYear, 1'000, "how long the result of a /run job is kept",
                       [](Config& c) -> auto& { return c.engine.retention_async; }));
  all.push_back(number("jobs.retention_sync_s", 1, kYear, 1'000, "how long the result of a /runsync job is kept",
                       [](Config& c) -> auto& { return c.engine.retention_sync; }));
  all.push_back(flag("compat.hosted_retention",
                     "keep results as the hosted service does: 30 minutes of /run, 1 minute of /runsync",
                     [](Config& c) -> auto& { return c.hosted_retention; }));
  all.push_back(choice("jobs.ttl_expiry", "timed_out", "delete",
                       "what becomes of a job whose time to live is over: timed_out, or delete (404 at once)",
                       [](Config& c) -> auto& { return c.engine.ttl_expiry_deletes; }));
  all.push_back(number("jobs.queue_jobs_min", 0, 1'000'000'000, 1, "a queue up to this long always accepts",
                       [](Config& c) -> auto& { return c.engine.queue_jobs_min; }));
  all.push_back(number("jobs.queued_memory_mb", 0, 1'048'576, kMegabyte,
                       "inputs of queued jobs kept in memory; those of others are read from disk before their turn",
                       [](Config& c) -> auto& { return c.engine.queued_bytes_max; }));
  all.push_back(number("jobs.priority_ageing_s", 1, 604'800, 1'000,
                       "a job of high or low priority goes as if it had come this much earlier or later",
                       [](Config& c) -> auto& { return c.engine.priority_ageing; }));
  all.push_back(number("jobs.queue_jobs_per_worker", 0, 1'000'000, 1, "beyond that: up to workersMax times this",
                       [](Config& c) -> auto& { return c.engine.queue_jobs_per_worker; }));
  all.push_back(number("jobs.run_body_mb", 1, 1'024, kMegabyte, "largest /run body",
                       [](Config& c) -> auto& { return c.bodies.run; }));
  all.push_back(number("jobs.runsync_body_mb", 1, 1'024, kMegabyte, "largest /runsync body",
                       [](Config& c) -> auto& { return c.bodies.runsync; }));
  all.push_back(number("jobs.batch_body_mb", 1, 1'024, kMegabyte, "largest body of one call to /batch",
                       [](Config& c) -> auto& { return c.bodies.batch; }));
  all.push_back(number("jobs.result_mb", 1, 1'024, kMegabyte, "largest result or stream chunk of a worker",
                       [](Config& c) -> auto& { return c.bodies.result; }));
  all.push_back(number("jobs.spool_mb", 1, 1'024, kMegabyte, "a larger result goes to a file while it arrives",
                       [](Config& c) -> auto& { return c.results.spool_above; }));
  all.push_back(number("jobs.inline_mb", 1, 1'024, kMegabyte,
                       "a larger output is given as a signed URL instead of inside the job object",
                       [](Config& c) -> auto& { return c.results.inline_max; }));
  all.push_back(number("jobs.result_url_s", 1, kYear, 1, "how long such a URL is good",
                       [](Config& c) -> auto& { return c.results.url_life; }));
  all.push_back(number("jobs.result_sweep_s", 1, 86'400, 1'000, "how often files of forgotten results are looked for",
                       [](Config& c) -> auto& { return c.sweep_every; }));
  all.push_back(number("jobs.stream_mb", 1, 1'024, kMegabyte, "stream chunks kept for one job",
                       [](Config& c) -> auto& { return c.engine.stream_bytes_max; }));
  all.push_back(number("jobs.memory_mb", 1, 1'048'576, kMegabyte,
                       "payloads of finished jobs kept in memory; older ones are read from the store",
                       [](Config& c) -> auto& { return c.engine.resident_bytes_max; }));
  all.push_back(number("openai.timeout_s", 1, 86'400, 1'000,
                       "an answer on /openai; of a stream, its first chunk and from one to the next",
                       [](Config& c) -> auto& { return c.openai_timeout; }));
  all.push_back(choice("graphql.save_endpoint_modify", "preserve", "upstream-reset",
                       "what a modify does to omitted fields: preserve, or upstream-reset",
                       [](Config& c) -> auto& { return c.engine.modify_resets_defaults; }));
  all.push_back(flag("graphql.delete_endpoint_requires_zero_workers", "refuse deleteEndpoint while it may have workers",
                     [](Config& c) -> auto& { return c.engine.delete_requires_zero_workers; }));
  const auto limit = [&](const char* name, std::int64_t most, std::int64_t scale, const char* help,
                         std::size_t graphql::Limits::* field) {
    all.push_back(number(std::string("graphql.") + name, 1, most, scale, help,
                         [field](Config& c) -> auto& { return c.graphql.*field; }));
  };
  limit("tokens", 10'000'000, 1, "tokens of a GraphQL document", &graphql::Limits::tokens_max);
  limit("depth", 300, 1, "nesting of a GraphQL document, fragments followed", &graphql::Limits::depth_max);
  limit("aliases", 1'000'000, 1, "aliases of a GraphQL document", &graphql::Limits::aliases_max);
  limit("spreads", 1'000'000, 1, "fragment spreads of a GraphQL document", &graphql::Limits::spreads_max);
  limit("directives", 1'000'000, 1, "directives of a GraphQL document", &graphql::Limits::directives_max);
  limit("selections", 10'000'000, 1, "fields that a GraphQL document selects, fragments followed",
        &graphql::Limits::selections_max);
  limit("answer_fields", 1'000'000'000, 1, "fields and list items of a GraphQL answer", &graphql::Limits::resolved_max);
  limit("answer_mb", 1'024, kMegabyte, "size of a GraphQL answer", &graphql::Limits::answer_bytes_max);
  all.push_back(number("graphql.subscriptions", 0, 1'000'000, 1, "GraphQL subscriptions at a time",
                       [](Config& c) -> auto& { return c.subscriptions_max; }));
  all.push_back(flag("templates.allow_sharing", "let several endpoints use one template",
                     [](Config& c) -> auto& { return c.engine.template_sharing; }));
}

void trace_settings(std::vector<Setting>& all) {
  all.push_back({"otlp.endpoint", "where spans of jobs are exported to, by OTLP over HTTP; http://127.0.0.1:4318",
                 [](Config& c, const std::string& value) -> Result<void> {
                   if (!value.starts_with("http://") && !value.starts_with("https://")) {
                     return tl::unexpected<Error>(bad_value(value, "a URL such as http://127.0.0.1:4318 is"));
                   }
                   c.otlp_endpoint = value.substr(0, value.find_last_not_of('/') + 1);
                   return {};
                 }});
  all.push_back({"otlp.headers", "sent with them, such as authorization=Bearer x,x-tenant=1",
                 [](Config& c, const std::string& value) -> Result<void> {
                   c.otlp_headers.clear();
                   for (const std::string_view header : split_list(value, ',')) {
                     const auto sign = header.find('=');
                     if (sign == std::string_view::npos || sign == 0) {
                       return tl::unexpected<Error>(
                           bad_value(std::string(header), "name=value, separated by commas, is"));
                     }
                     c.otlp_headers.emplace_back(trim(header.substr(0, sign)), trim(header.substr(sign + 1)));
                   }
                   return {};
                 }});
}

void limit_settings(std::vector<Setting>& all) {
  all.push_back(flag("limits.hosted", "limit requests as the hosted service does, where nothing else is set below",
                     [](Config& c) -> auto& { return c.hosted_limits; }));
  all.push_back(number("limits.per_worker", 0, 1'000'000, 1,
                       "a limit that is set is never lower than running workers times this",
                       [](Config& c) -> auto& { return c.rate_limits.per_worker; }));
  const core::RateLimits hosted = core::RateLimits::hosted();
  for_each_limit(hosted, [&](const std::string& name, int number) {
    const bool concurrent = name.ends_with("_concurrent");
    all.push_back({"limits." + name,
                   (concurrent ? "requests at a time" : "requests in 10 s") +
                       std::string(" to one endpoint, 0: no limit; hosted: ") +
                       (number == 0 ? "none" : std::to_string(number)),
                   [name](Config& c, const std::string& text) -> Result<void> {
                     const auto value = whole(text, 0, 1'000'000'000);
                     if (!value) return tl::unexpected<Error>(value.error());
                     c.set_limits[name] = static_cast<int>(*value);
                     return {};
                   },
                   "0"});
  });
}

void webhook_settings(std::vector<Setting>& all) {
  constexpr std::int64_t kMegabyte = 1024 * 1024;
  constexpr std::int64_t kYear = 31'536'000;
  all.push_back(flag("webhooks.allow_private", "webhooks may go to loopback and private addresses",
                     [](Config& c) -> auto& { return c.webhooks_allow_private; }));
  all.push_back({"webhooks.allowed_networks",
                 "networks that webhooks may go to whatever they are, for example 10.20.0.0/16,fd00::/8",
                 [](Config& c, const std::string& value) -> Result<void> {
                   const auto rules = net::AddressRules::make(false, value);
                   if (!rules) return tl::unexpected<Error>(rules.error());
                   c.webhooks_allowed_networks = value;
                   return {};
                 }});
  all.push_back(text("webhooks.ca_file", "certificates (PEM) of authorities to trust besides the system's",
                     [](Config& c) -> auto& { return c.webhooks_ca_file; }));
  all.push_back(number("webhooks.timeout_ms", 100, 300'000, 1, "time for one attempt to deliver a webhook",
                       [](Config& c) -> auto& { return c.webhooks_timeout; }));
  all.push_back(number("webhooks.first_retry_ms", 1, 3'600'000, 1,
                       "wait after the first failed attempt; the next is three times as long, then four times each",
                       [](Config& c) -> auto& { return c.engine.webhook_first_retry; }));
  all.push_back(number("webhooks.retry_for_s", 0, kYear, 1'000,
                       "how long a webhook is tried beyond its three attempts; 0: no more than those",
                       [](Config& c) -> auto& { return c.engine.webhook_retry_for; }));
  all.push_back(number("webhooks.retention_s", 1, kYear, 1'000,
                       "how long a delivered webhook can be listed and sent again",
                       [](Config& c) -> auto& { return c.engine.webhook_retention; }));
  all.push_back(number("webhooks.retention_failed_s", 1, kYear, 1'000, "the same for one that was given up",
                       [](Config& c) -> auto& { return c.engine.webhook_retention_failed; }));
  all.push_back(number("webhooks.payload_mb", 0, 256, kMegabyte,
                       "an input or output above this size is left out of the body of a webhook",
                       [](Config& c) -> auto& { return c.engine.webhook_payload_bytes_max; }));
  all.push_back(number("webhooks.in_flight", 1, 10'000, 1, "webhooks being sent at once",
                       [](Config& c) -> auto& { return c.engine.webhooks_in_flight_max; }));
  all.push_back(number("webhooks.in_flight_per_host", 1, 10'000, 1, "webhooks being sent to one host at once",
                       [](Config& c) -> auto& { return c.engine.webhooks_in_flight_per_host; }));
  all.push_back(number("webhooks.open", 0, 100'000'000, 1,
                       "unfinished jobs with a webhook and webhooks not yet delivered; a submission beyond is refused",
                       [](Config& c) -> auto& { return c.engine.webhooks_open_max; }));
}

}  // namespace

const std::vector<Setting>& settings() {
  static const std::vector<Setting> all = [] {
    std::vector<Setting> made;
    server_settings(made);
    store_settings(made);
    batch_settings(made);
    worker_settings(made);
    job_settings(made);
    limit_settings(made);
    trace_settings(made);
    webhook_settings(made);
    return made;
  }();
  return all;
}

}  // namespace penstock::server
