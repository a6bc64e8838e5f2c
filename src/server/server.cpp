#include "server/server.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "api/auth/vault.h"
#include "api/graphql/graphql_api.h"
#include "api/router.h"
#include "api/trace/span_exporter.h"
#include "api/webhooks/signing.h"
#include "api/webhooks/webhook_sender.h"
#include "base/log.h"
#include "host/cpus.h"
#include "host/gpu_watch.h"
#include "host/gpus.h"
#include "json/json.h"
#include "launch/parking.h"
#include "launch/process_launcher.h"
#include "net/http_server.h"
#include "server/core_loop.h"
#include "server/data_dir.h"
#include "server/presence.h"
#include "server/process_metrics.h"
#include "server/scripted_world.h"
#include "server/volumes.h"
#include "server/worker_launch.h"
#include "store/local_store.h"
#include "store/memory_store.h"

namespace penstock::server {
namespace {

constexpr int kExitRefused = 2;  // wrong settings
constexpr int kExitFailed = 1;
constexpr Millis kWebhooksEnd{
    2'000};  // for posts in flight, at the end; what is cut off is sent again after the next start
constexpr std::chrono::seconds kResultAge{120};
constexpr Millis kGoodbye{15'000};  // for workers that were told to stop, at the end
constexpr Millis kPresenceEvery{5'000};
constexpr Millis kTidyEvery{1'000};

/// Under nohup a hang-up must stay without effect.
bool is_ignored(int signal) {
  struct sigaction current{};
  return ::sigaction(signal, nullptr, &current) == 0 && current.sa_handler == SIG_IGN;
}

const char* name_of(int signal) {
  return signal == SIGINT ? "SIGINT" : signal == SIGHUP ? "SIGHUP" : "SIGTERM";
}

struct Stores {
  std::unique_ptr<store::Store> store;
  std::unique_ptr<store::DecisionStore> decisions;
};

std::string cuda_checkpoint(const Config& config) {
  if (config.cuda_checkpoint == "off") return "";
  return config.cuda_checkpoint == "auto" ? launch::find_in_path("cuda-checkpoint") : config.cuda_checkpoint;
}

/// Everything of one running server, in the order of construction; torn down in reverse.
class Server {
 public:
  Server(const ServeOptions& options, DataDir data, std::string secret, std::string vault_key, Stores stores,
         std::vector<core::Node> nodes, std::optional<Script> script)
      : options_(options),
        config_(options.config),
        data_(std::move(data)),
        virtual_clock_(script ? std::optional<VirtualClock>(script->begin()) : std::nullopt),
        clock_(virtual_clock_ ? static_cast<const Clock&>(*virtual_clock_) : system_clock_),
        keys_(std::move(secret)),
        vault_(std::move(vault_key)),
        store_(std::move(stores.store)),
        decisions_(std::move(stores.decisions)),
        engine_(config_.engine, std::move(nodes), random_),
        core_(
            loop_, engine_, *store_, clock_, [this](core::LaunchOrder order) { obey(std::move(order)); },
            [this](core::PostWebhook post) {
              if (webhook_client_) webhook_sender_->post(std::move(post));
            },
            {[this](std::uint64_t ticket) { http_.hold(ticket); },
             [this](std::uint64_t ticket) { http_.release(ticket); },
             [this](const std::function<void()>& answer) { http_.pass(answer); }},
            die),
        world_(script ? std::make_unique<ScriptedWorld>(std::move(*script), *virtual_clock_, loop_, core_,
                                                        [this](core::Command done) { on_scripted(std::move(done)); })
                      : nullptr),
        graphql_(core_, vault_, loop_, graphql_options()),
        admission_(core_, config_.rate_limits),
        traces_(!config_.otlp_endpoint.empty()),
        webhook_rules_(webhook_rules(config_)),
        results_(core_, loop_, data_.spool(), keys_.secret(), config_.results),
        jobs_(core_, admission_, traces_, results_, webhook_rules_),
        batches_(core_, results_, webhook_rules_),
        openai_(core_, loop_, admission_, traces_, results_, config_.openai_timeout),
        worker_(core_, loop_, keys_, traces_, results_),
        admin_(core_, keys_, facts_,
               [this](const WorkerId& worker, std::size_t lines) { return launcher_->log_tail(worker, lines); }),
        webhooks_(core_, vault_, random_),
        why_(core_, [this](const core::DecisionQuery& query) { return decisions_->list(query); }),
        clock_api_(core_, world_ ? &world_->time() : nullptr),
        gpus_(core_),
        metrics_(core_, [this] { return metrics(); }),
        fleet_(core_),
        router_(graphql_, jobs_, batches_, openai_, worker_, admin_, webhooks_, why_, clock_api_, gpus_, metrics_,
                fleet_, config_.bodies),
        http_(
            loop_, http_limits(config_),
            [this](net::Request&& request, net::Responder responder) {
              router_.handle(std::move(request), std::move(responder));
            },
            [this](const net::Request& head) { return router_.body_limit(head); }),
        volumes_(data_.volumes()),
        goodbye_(loop_),
        presence_(data_.path() + "/presence"),
        present_(loop_),
        tidier_(loop_),
        sweeper_(loop_) {
    core_.record_decisions([this](std::vector<core::RecordedDecision> all) { decisions_->keep(std::move(all)); });
    launch::ProcessLauncherOptions launcher;
    launcher.log_directory = data_.logs();
    launcher.fork_servers = config_.fork_servers;
    launcher.reclaim_after = config_.reclaim_after;
    launcher.cuda_checkpoint = cuda_checkpoint(config_);
    launcher.cgroup = config_.cgroup == "off" ? "" : config_.cgroup;
    launcher_ = launch::make_process_launcher(
        launcher, [this](launch::Event event) { loop_.post([this, e = std::move(event)] { on_launcher(e); }); });
  }

  Result<void> start(core::StoredState state);
  int run();

 private:
  static void die(const Error& error) {
    log::error(
        "the store cannot keep up its promise: {}; this server stops now. Nothing that was acknowledged is lost: "
        "mend the cause and start it again",
        error.message);
    ::_exit(kExitFailed);
  }

  api::GraphqlOptions graphql_options() const {
    api::GraphqlOptions options;
    options.subscriptions_max = config_.subscriptions_max;
    options.limits = config_.graphql;
    options.discount = discount();
    options.cpus = cpus();
    return options;
  }
  std::optional<api::Discount> discount() const {
    if (!config_.discount_factor) return std::nullopt;
    return api::Discount{*config_.discount_factor, config_.discount_expires};
  }

  static std::vector<api::CpuModel> cpus() {
    std::vector<api::CpuModel> all;
    for (auto& cpu : host::find_cpus()) {
      all.push_back({std::move(cpu.name), std::move(cpu.manufacturer), cpu.cores, cpu.threads_per_core});
    }
    return all;
  }

  Result<std::uint16_t> listen();
  std::optional<std::string> first_keys();
  Result<void> make_webhook_sender();
  void on_posted(core::WebhookPosted posted);
  void check_vault() const;
  Result<void> export_spans();
  void check_volumes() const;
  void watch_gpus();
  void obey(core::LaunchOrder order);
  void start_worker(const core::StartWorker& order);
  void on_launcher(const launch::Event& event);
  void on_scripted(core::Command done);
  void announce(const std::optional<std::string>& new_key) const;
  void on_signal(int signal);
  void leave_when_quiet();
  void note_presence();
  void tidy();
  void sweep_results(std::chrono::seconds age_min);
  api::ServerMetrics metrics();

  const ServeOptions& options_;
  const Config& config_;
  DataDir data_;
  SystemRandom random_;
  SystemClock system_clock_;
  std::optional<VirtualClock> virtual_clock_;
  const Clock& clock_;
  api::WorkerKeys keys_;
  api::Vault vault_;
  api::ServerFacts facts_;
  bool workers_find_us_ = true;  // false: this server listens elsewhere than the one that started the living workers
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<store::DecisionStore> decisions_;
  net::Loop loop_;
  core::Engine engine_;
  CoreLoop core_;
  std::unique_ptr<ScriptedWorld> world_;  // with a virtual clock
  api::GraphqlApi graphql_;
  api::Admission admission_;
  api::Traces traces_;
  net::AddressRules webhook_rules_;
  api::Results results_;
  api::JobsApi jobs_;
  api::BatchesApi batches_;
  api::OpenAiApi openai_;
  api::WorkerApi worker_;
  api::AdminApi admin_;
  api::WebhooksApi webhooks_;
  api::WhyApi why_;
  api::ClockApi clock_api_;
  api::GpusApi gpus_;
  api::MetricsApi metrics_;
  api::FleetApi fleet_;
  api::Router router_;
  net::HttpServer http_;
  Volumes volumes_;
  std::string url_;
  double started_seconds_ = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  bool leaving_ = false;
  bool http_done_ = false;
  net::Loop::Timer goodbye_;
  Presence presence_;
  net::Loop::Timer present_;
  net::Loop::Timer tidier_;
  net::Loop::Timer sweeper_;
  std::unique_ptr<net::HttpClient> collector_;
  std::unique_ptr<api::SpanExporter> exporter_;
  std::unique_ptr<net::HttpClient> webhook_client_;
  std::optional<api::WebhookSender> webhook_sender_;
  std::optional<host::GpuWatch> gpu_watch_;
  std::unique_ptr<launch::Launcher> launcher_;  // last: its thread must end before anything that its events reach
};

Result<std::uint16_t> Server::listen() {
  const auto address = *parse_listen(config_.listen);
  if (address.second == 0 && data_.last_port() > 0) {
    auto again = http_.listen(address.first, static_cast<std::uint16_t>(data_.last_port()));
    if (again) return again;
  }
  return http_.listen(address.first, address.second);
}

/// The operator named the collector, so it may be anywhere.
Result<void> Server::export_spans() {
  if (config_.otlp_endpoint.empty()) return {};
  net::HttpClientOptions options;
  options.rules = *net::AddressRules::make(true, "0.0.0.0/0, ::/0");
  auto client = net::HttpClient::make(loop_, std::move(options));
  if (!client) return tl::unexpected<Error>(client.error());
  collector_ = std::move(*client);
  api::SpanExporterOptions spans;
  spans.url = config_.otlp_endpoint + "/v1/traces";
  spans.headers = config_.otlp_headers;
  spans.version = PENSTOCK_VERSION;
  exporter_ = std::make_unique<api::SpanExporter>(core_, traces_, loop_, *collector_, std::move(spans));
  return {};
}

Result<void> Server::start(core::StoredState state) {
  if (auto exported = export_spans(); !exported) return exported;
  const auto port = listen();
  if (!port) return tl::unexpected<Error>(port.error());
  const std::string host = parse_listen(config_.listen)->first;
  const bool any = host == "0.0.0.0" || host == "::";
  const std::string shown = any ? "127.0.0.1" : host.find(':') == std::string::npos ? host : "[" + host + "]";
  url_ = "http://" + shown + ":" + std::to_string(*port);
  facts_.worker_base_url = config_.worker_url.empty() ? url_ : config_.worker_url;
  facts_.ping_interval = config_.engine.ping_interval;
  workers_find_us_ = data_.last_port() == *port || !config_.worker_url.empty();
  data_.remember_port(*port);

  if (auto made = make_webhook_sender(); !made) return made;
  core::Effects effects;
  state.absences = presence_.begin(clock_.now());
  engine_.restore(clock_.now(), std::move(state), effects);
  core_.begin(std::move(effects));
  const auto new_key = first_keys();
  check_vault();
  check_volumes();
  sweep_results(std::chrono::seconds{0});
  note_presence();
  tidy();
  log::info("{}", host::describe(engine_.fleet().nodes()));
  if (world_) {
    log::warn("the clock is virtual: it is {} until it is advanced, and workers are scripted", iso8601(clock_.now()));
  }
  watch_gpus();
  // Before the line that says it is ready: who reads that may send one at once.
  loop_.on_signals({SIGTERM, SIGINT}, [this](int signal) { on_signal(signal); });
  if (!is_ignored(SIGHUP)) loop_.on_signals({SIGHUP}, [this](int signal) { on_signal(signal); });
  announce(new_key);
  return {};
}

/// The account and its admin key on the first start, and the operator's own key whenever it is given. Returns a key
/// that was made here: it is shown once and never again.
std::optional<std::string> Server::first_keys() {
  std::optional<std::string> made;
  AccountId account;
  if (const core::Account* known = engine_.first_account()) {
    account = known->id;
  } else {
    account = *AccountId::parse("user_" + random_alphanumeric(random_, 27));
    core_.give(core::SaveAccount{{account, config_.account_email, clock_.now()}});
    if (!options_.bootstrap_key) made = api::make_api_key(random_);
  }
  const auto save = [&](const std::string& id, const std::string& key) {
    if (engine_.find_key(api::hash_key(key))) return;
    core_.give(core::SaveApiKey{{id, account, id, api::hash_key(key), core::KeyScope::all, clock_.now()}});
  };
  const core::Account* known = engine_.find_account(account);
  if (!known || known->webhook_secret.empty()) {
    core_.give(core::SaveWebhookSecret{0, account, vault_.seal(api::make_webhook_secret(random_))});
  }
  if (made) save("admin", *made);
  if (options_.bootstrap_key) save("bootstrap", *options_.bootstrap_key);
  core_.settle();
  return made;
}

/// A lost key file is better known now than when a worker needs a secret.
void Server::check_vault() const {
  int closed = 0;
  const auto try_open = [&](const std::string& sealed) { closed += vault_.open(sealed) ? 0 : 1; };
  const core::Account* account = engine_.first_account();
  if (!vault_.open(account->webhook_secret)) {
    log::error(
        "the key that signs webhooks cannot be opened with {}/vault.key, so none is sent: restore that file, or POST "
        "/penstock/v1/webhook-secret/rotate",
        data_.path());
  }
  for (const auto* secret : engine_.secrets_of(account->id)) try_open(secret->sealed);
  for (const auto* credential : engine_.credentials_of(account->id)) try_open(credential->sealed);
  if (closed > 0) {
    log::error(
        "{} secrets and registry credentials cannot be opened with {}/vault.key: restore that file, or save them again",
        closed, data_.path());
  }
}

/// A crash may come between a volume's end and its directory's. Nothing is removed unasked: the database may be an
/// older copy, put back.
void Server::check_volumes() const {
  for (const VolumeId& id : volumes_.present()) {
    if (engine_.find_volume(id)) continue;
    log::warn("{}/{} belongs to no network volume (any more); remove it if nobody needs it", data_.volumes(), id.str());
  }
}

/// Only where the driver listed GPUs: what is emulated or described has no health.
void Server::watch_gpus() {
  const auto& nodes = engine_.fleet().nodes();
  const bool real = std::ranges::any_of(
      nodes, [](const core::Node& node) { return !node.emulated && !node.described && !node.gpus.empty(); });
  if (!real || config_.gpus_poll.count() == 0 || config_.host.nvml == "off") return;
  gpu_watch_.emplace(config_.host.nvml, config_.gpus_poll, [this](core::GpuReadings readings) {
    loop_.post([this, r = std::move(readings)]() mutable { core_.give(core::ReportGpus{std::move(r)}); });
  });
}

void Server::announce(const std::optional<std::string>& new_key) const {
  if (options_.json) {
    json::Object line{{"url", url_}, {"pid", static_cast<std::int64_t>(::getpid())}};
    if (new_key) line.insert(line.begin() + 1, {"apiKey", *new_key});
    if (options_.bootstrap_key) line.insert(line.begin() + 1, {"apiKey", *options_.bootstrap_key});
    std::printf("%s\n", json::write(std::move(line)).c_str());
  } else {
    std::printf("penstock serves on %s (data in %s)\n", url_.c_str(), data_.path().c_str());
    if (new_key) std::printf("admin API key, shown only now: %s\n", new_key->c_str());
  }
  std::fflush(stdout);
}

// ---------------------------------------------------------------- workers

void Server::obey(core::LaunchOrder order) {
  if (!launcher_) return;  // the end: what is left to do is done at the next start
  if (const auto* gone = std::get_if<core::RemoveVolume>(&order)) return volumes_.remove(gone->id);
  if (world_) return world_->obey(order);
  if (const auto* start = std::get_if<core::StartWorker>(&order)) return start_worker(*start);
  if (const auto* stop = std::get_if<core::StopWorker>(&order)) return launcher_->stop(stop->id, stop->grace);
  if (const auto* freeze = std::get_if<core::FreezeWorker>(&order)) return launcher_->freeze(freeze->id);
  if (const auto* thaw = std::get_if<core::ThawWorker>(&order)) return launcher_->thaw(thaw->id);
  const auto& adopt = std::get<core::AdoptWorker>(order);
  launcher_->adopt(adopt.id, adopt.handle, {adopt.frozen, adopt.gpu_parked});
  if (workers_find_us_) return;
  log::warn("worker {} was started by a server at another address and cannot reach this one: it is ended",
            adopt.id.str());
  launcher_->stop(adopt.id, Millis{0});
}

void Server::start_worker(const core::StartWorker& order) {
  // Templates are checked when they are saved; the settings may have changed since.
  if (order.image.starts_with("process:") && !config_.engine.process_images) {
    return core_.give(core::WorkerStartFailed{
        order.id, "process: images are allowed only on loopback, or with workers.process_images = true"});
  }
  const core::Node* node = engine_.fleet().find_node(order.placement.node);
  auto spec = worker_spec(order, facts_, keys_, vault_, node && node->emulated);
  if (!spec) return core_.give(core::WorkerStartFailed{order.id, spec.error().message});
  if (node) tell_place(*spec, *node);
  if (!order.volume.empty()) {
    const auto directory = volumes_.directory(order.volume);
    if (!directory) return core_.give(core::WorkerStartFailed{order.id, directory.error().message});
    mount(*spec, order.volume, *directory);
  }
  launcher_->start(std::move(*spec));
}

Result<void> Server::make_webhook_sender() {
  net::HttpClientOptions options;
  options.rules = webhook_rules_;
  options.ca_file = config_.webhooks_ca_file;
  options.exchanges_max = static_cast<std::size_t>(config_.engine.webhooks_in_flight_max);
  auto client = net::HttpClient::make(loop_, std::move(options));
  if (!client) return fail(Errc::invalid, "webhooks.ca_file: " + client.error().message);
  webhook_client_ = std::move(*client);
  webhook_sender_.emplace(core_, *webhook_client_, vault_, traces_, config_.webhooks_timeout,
                          [this](core::WebhookPosted posted) { on_posted(std::move(posted)); });
  return {};
}

void Server::on_posted(core::WebhookPosted posted) {
  core_.give(std::move(posted));
  if (!leaving_) return;
  loop_.post([this] {
    core_.run_turn();
    leave_when_quiet();
  });
}

void Server::on_launcher(const launch::Event& event) {
  core_.give(command_of(event));
  if (leaving_) {
    core_.run_turn();
    leave_when_quiet();
  }
}

void Server::on_scripted(core::Command done) {
  core_.give(std::move(done));
  if (!leaving_) return;
  loop_.post([this] {
    core_.run_turn();
    leave_when_quiet();
  });
}

void Server::note_presence() {
  presence_.note(clock_.now());
  present_.set(kPresenceEvery, [this] { note_presence(); });
}

void Server::tidy() {
  if (store_->tidy()) {
    loop_.post([this] { tidy(); });
  } else {
    tidier_.set(kTidyEvery, [this] { tidy(); });
  }
}

/// What a body was last written to that long ago is in a job by now, or in none.
void Server::sweep_results(std::chrono::seconds age_min) {
  results_.sweep(age_min);
  sweeper_.set(config_.sweep_every, [this] { sweep_results(kResultAge); });
}

api::ServerMetrics Server::metrics() {
  api::ServerMetrics out;
  out.http = http_.counts();
  out.connections = http_.connections();
  out.commits = core_.commits();
  out.records = core_.records();
  const store::StoreStats stats = store_->stats();
  out.store = {stats.log_bytes, stats.turns_behind, stats.bytes_behind,
               std::chrono::duration<double>(stats.behind_for).count(), store_->has_room(0)};
  if (exporter_) out.spans = {exporter_->exported(), exporter_->dropped(), exporter_->waiting()};
  out.process = process_metrics();
  out.process.started_seconds = started_seconds_;
  return out;
}

// ---------------------------------------------------------------- the end

void Server::on_signal(int signal) {
  if (leaving_ && signal == SIGHUP) return;  // a shell and the kernel each send one when a terminal closes
  if (leaving_) {
    log::warn("a second signal: leaving at once");
    http_.stop_now();
    loop_.stop();
    return;
  }
  leaving_ = true;
  // SIGTERM comes from a service manager that starts the server again; the others from someone who leaves.
  const bool all = signal != SIGTERM || config_.ephemeral;
  log::info("{}: answering those who wait, {}", name_of(signal),
            all ? "ending all workers" : "ending idle workers; busy ones go on and are adopted at the next start");
  core_.give(core::Shutdown{all ? core::StopWorkers::all : core::StopWorkers::idle});
  core_.run_turn();
  webhook_client_->hurry(kWebhooksEnd);
  http_.stop([this] {
    http_done_ = true;
    leave_when_quiet();
  });
  goodbye_.set(kGoodbye, [this] {
    log::warn("some workers or connections did not end within {} s", kGoodbye.count() / 1000);
    http_.stop_now();
    loop_.stop();
  });
}

void Server::leave_when_quiet() {
  if (http_done_ && engine_.stopping_workers() == 0 && engine_.webhooks_in_flight() == 0) loop_.stop();
}

int Server::run() {
  loop_.run();
  gpu_watch_.reset();
  launcher_.reset();
  webhook_client_.reset();
  core_.settle();
  presence_.note(clock_.now());
  log::info("stopped");
  return 0;
}

/// Each connection and each worker needs a descriptor; the usual soft limit of 1024 is far too small for long polls.
void allow_many_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// On a virtual clock nothing outlives the process and a day may pass in a second: no disk is asked.
Result<Stores> open_stores(const Config& config, const DataDir& data, Random& random) {
  if (config.virtual_clock) {
    return Stores{store::make_memory_store(), store::make_memory_decision_store(config.decisions)};
  }
  store::LocalStoreOptions options = config.store;
  options.database = data.database();
  options.log_directory = data.log();
  options.load_input_bytes = config.engine.queued_bytes_max;
  if (options.log.durability == store::Durability::every_second) {
    log::warn("store.durability = every_second: a power cut may lose up to a second of what was acknowledged");
  }
  auto store = store::open_local_store(std::move(options), random);
  if (!store) return tl::unexpected<Error>(store.error());
  auto decisions = store::open_decision_store(data.decisions(), config.decisions);
  if (!decisions) return tl::unexpected<Error>(decisions.error());
  return Stores{std::move(*store), std::move(*decisions)};
}

int refuse(const Error& error, int status) {
  std::fprintf(stderr, "penstock: %s\n", error.message.c_str());
  return status;
}

}  // namespace

int serve(const ServeOptions& options) {
  const Config& config = options.config;
  log::configure(config.log_level, config.log_json);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error like a full disk
  allow_many_descriptors();
  if (!api::init_crypto()) return refuse({Errc::internal, "libsodium does not start"}, kExitFailed);
  auto nodes = host::find_nodes(config.host);
  if (!nodes) return refuse(nodes.error(), kExitRefused);
  auto data = DataDir::open(config.data, config.ephemeral);
  if (!data) return refuse(data.error(), kExitFailed);
  SystemRandom random;
  auto secret = data->secret(random);
  if (!secret) return refuse(secret.error(), kExitFailed);
  auto vault_key = data->vault_key(random);
  if (!vault_key) return refuse(vault_key.error(), kExitFailed);
  std::optional<Script> script;
  if (config.virtual_clock) {
    auto loaded = config.script.empty() ? Result<Script>() : Script::load(config.script);
    if (!loaded) return refuse(loaded.error(), kExitRefused);
    script = std::move(*loaded);
  }
  auto stores = open_stores(config, *data, random);
  if (!stores) return refuse(stores.error(), kExitFailed);
  auto state = stores->store->load();
  if (!state) return refuse(state.error(), kExitFailed);
  Server server(options, std::move(*data), std::move(*secret), std::move(*vault_key), std::move(*stores),
                std::move(*nodes), std::move(script));
  if (auto started = server.start(std::move(*state)); !started) return refuse(started.error(), kExitFailed);
  return server.run();
}

}  // namespace penstock::server
