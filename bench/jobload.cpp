// Load on the job path, over loopback only: clients that keep one job in flight each, and external workers that answer
// at once. One thread, so that it takes at most one core from the server it measures.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "bench/support/http.h"
#include "bench/support/measure.h"
#include "bench/support/stream.h"
#include "json/json.h"

namespace penstock::bench {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kDrainNs = 10 * kSecond;  // for jobs still in flight at the end
constexpr std::size_t kErrorsMax = 1'000;        // a server that refuses everything ends the run

struct Options {
  std::string url;
  std::string key;
  std::string endpoint;
  std::string mode = "runsync";
  int workers = 16;
  int clients = 64;
  double seconds = 3;
  double warmup = 1;
  int poll_us = 500;
  int payload_bytes = 1024;
  int server_pid = 0;
  bool json = false;
};

/// A JSON object of exactly the wanted size, around a text that no two jobs share. The worker answers with another
/// object around the same text, so each answer can be checked byte for byte.
class Payload {
 public:
  Payload(char kind, std::size_t bytes) : middle_(fmt::format("\",\"{}\":\"", kind)) {
    static constexpr std::string_view kText = "The quick brown fox jumps over the lazy dog 0123456789. ";
    while (fill_.size() < bytes) fill_ += kText;
    bytes_ = bytes;
  }

  void append(std::string& out, std::string_view tag) const {
    const std::size_t frame = kBegin.size() + tag.size() + middle_.size() + kEnd.size();
    out += kBegin;
    out += tag;
    out += middle_;
    out.append(fill_, 0, bytes_ > frame ? bytes_ - frame : 0);
    out += kEnd;
  }

 private:
  static constexpr std::string_view kBegin = "{\"tag\":\"";
  static constexpr std::string_view kEnd = "\"}";
  std::string middle_;
  std::string fill_;
  std::size_t bytes_;
};

class Load;

/// One keep-alive connection with at most one request in flight.
class Peer {
 public:
  Peer(Load& load, int port);
  virtual ~Peer() = default;
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  void on_event(std::uint32_t events);

 protected:
  virtual void on_answer(int status, std::string_view body) = 0;
  void request(std::string_view method, std::string_view target, std::string_view authorization, std::string_view body);

  Load& load_;

 private:
  Stream stream_;
  std::string out_;
};

/// An external worker: takes a job, answers it, takes the next.
class Worker : public Peer {
 public:
  Worker(Load& load, int port, std::string id, std::string key, std::string take, std::string done);

  void take();
  const std::string& id() const { return id_; }

 protected:
  void on_answer(int status, std::string_view body) override;

 private:
  void finish(std::string_view body);

  std::string id_;
  std::string key_;
  std::string take_target_;
  std::string done_before_, done_after_;  // around the job's id
  std::string target_, body_;
  bool taking_ = false;
};

/// A client: submits a job, waits for its result, checks it, submits the next.
class Client : public Peer {
 public:
  Client(Load& load, int port, int number);

  void submit();
  void poll();
  std::int64_t poll_at() const { return poll_at_; }

 protected:
  void on_answer(int status, std::string_view body) override;

 private:
  enum class State { idle, submitting, polling };

  void on_submitted(std::string_view body);
  void check(std::string_view body);
  void wrong(std::string_view what, int status, std::string_view body);

  int number_;
  std::uint64_t jobs_ = 0;
  State state_ = State::idle;
  std::int64_t submitted_ = 0;
  std::int64_t poll_at_ = 0;
  std::string tag_, job_, body_, target_, expected_;
};

/// The run: warm-up, the measured time, then the end of what is in flight. Owns all connections.
class Load {
 public:
  explicit Load(Options options);
  /// Exit status: 0 when every answer was right.
  int run();

  // For clients and workers.
  const Options& options() const { return options_; }
  bool is_sync() const { return options_.mode == "runsync"; }
  Poller& poller() { return poller_; }
  const std::string& authorization() const { return authorization_; }
  const Payload& input() const { return input_; }
  const Payload& output() const { return output_; }
  bool submitting() const { return phase_ != Phase::draining; }
  bool counting() const { return phase_ == Phase::measuring; }
  void acknowledged(std::int64_t ns) {
    if (counting()) acknowledged_.add(ns);
  }
  void finished(std::int64_t ns);
  void polled() { polls_ += counting() ? 1 : 0; }
  void client_idle() { ++idle_clients_; }
  void poll_later(Client* client) { waiting_.push_back(client); }
  void error(const std::string& what);

 private:
  enum class Phase { warming, measuring, draining };

  void attach();
  void detach();
  void loop();
  bool advance(std::int64_t now);
  void start_measuring(std::int64_t now);
  void stop_measuring(std::int64_t now);
  std::int64_t wait_ns(std::int64_t now) const;
  void report();

  Options options_;
  int port_;
  std::string authorization_;
  Payload input_, output_;
  Poller poller_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::deque<Client*> waiting_;  // in the order of their polls: the interval is the same for all

  Phase phase_ = Phase::warming;
  std::int64_t next_phase_at_ = 0;
  int idle_clients_ = 0;
  std::uint64_t jobs_ = 0, polls_ = 0;
  std::size_t errors_ = 0;
  std::string first_error_;
  Samples acknowledged_, whole_;
  std::int64_t measured_from_ = 0;
  double measured_seconds_ = 0, own_cpu_ = 0, server_cpu_ = 0;
};

// ---- Peer

Peer::Peer(Load& load, int port) : load_(load), stream_(load.poller(), connect_loopback(port), this) {}

void Peer::request(std::string_view method, std::string_view target, std::string_view authorization,
                   std::string_view body) {
  out_.clear();
  append_request(out_, method, target, authorization, body);
  if (!stream_.send(out_)) die("the server closed a connection");
}

void Peer::on_event(std::uint32_t events) {
  if ((events & EPOLLOUT) != 0 && !stream_.flush()) die("the server closed a connection");
  if ((events & ~static_cast<std::uint32_t>(EPOLLOUT)) == 0) return;
  if (!stream_.receive()) die("the server closed a connection");
  const auto answer = read_message(stream_.unread());
  if (!answer) return;
  // Nothing follows an answer before the next request, so the views stay good while it is handled.
  stream_.consume(answer->size);
  on_answer(status_of(*answer), answer->body);
}

// ---- Worker

Worker::Worker(Load& load, int port, std::string id, std::string key, std::string take, std::string done)
    : Peer(load, port), id_(std::move(id)), key_(std::move(key)), take_target_(std::move(take)) {
  const std::size_t place = done.find("$ID");
  if (place == std::string::npos) die("the worker's result URL has no $ID: " + done);
  take_target_ += "&job_in_progress=0";
  done_before_ = done.substr(0, place);
  done_after_ = done.substr(place + 3) + "&isStream=false";
}

void Worker::take() {
  taking_ = true;
  request("GET", take_target_, key_, {});
}

void Worker::on_answer(int status, std::string_view body) {
  if (!taking_) {
    if (status != 200) load_.error(fmt::format("job-done was answered {}: {:.200}", status, body));
    return take();
  }
  if (status == 200) return finish(body);
  if (status != 204) load_.error(fmt::format("job-take was answered {}: {:.200}", status, body));
  take();
}

void Worker::finish(std::string_view body) {
  const std::string_view job = text_member(body, "id");
  const std::string_view tag = text_member(body, "tag");
  body_ = "\"input\":";
  load_.input().append(body_, tag);
  if (job.empty() || body.find(body_) == std::string_view::npos) {
    load_.error(fmt::format("a worker was given something else than a job of this run: {:.200}", body));
  }
  target_ = done_before_;
  target_ += job;
  target_ += done_after_;
  body_ = "{\"output\":";
  load_.output().append(body_, tag);
  body_ += '}';
  taking_ = false;
  request("POST", target_, key_, body_);
}

// ---- Client

Client::Client(Load& load, int port, int number) : Peer(load, port), number_(number) {}

void Client::submit() {
  tag_ = fmt::format("{}-{}", number_, ++jobs_);
  body_ = "{\"input\":";
  load_.input().append(body_, tag_);
  body_ += '}';
  target_ = fmt::format("/v2/{}/{}", load_.options().endpoint, load_.options().mode);
  state_ = State::submitting;
  submitted_ = now_ns();
  request("POST", target_, load_.authorization(), body_);
}

void Client::poll() {
  state_ = State::polling;
  load_.polled();
  target_ = fmt::format("/v2/{}/status/{}", load_.options().endpoint, job_);
  request("GET", target_, load_.authorization(), {});
}

void Client::on_answer(int status, std::string_view body) {
  if (status != 200) return wrong("an answer", status, body);
  if (state_ == State::submitting) return on_submitted(body);
  const std::string_view job_status = text_member(body, "status");
  if (job_status != "IN_QUEUE" && job_status != "IN_PROGRESS") return check(body);
  poll_at_ = now_ns() + std::int64_t{load_.options().poll_us} * 1'000;
  load_.poll_later(this);
}

void Client::on_submitted(std::string_view body) {
  job_ = text_member(body, "id");
  if (job_.empty()) return wrong("no job id", 200, body);
  if (load_.is_sync()) return check(body);
  load_.acknowledged(now_ns() - submitted_);
  poll();
}

void Client::check(std::string_view body) {
  expected_ = "\"output\":";
  load_.output().append(expected_, tag_);
  const bool right = text_member(body, "status") == "COMPLETED" && text_member(body, "id") == job_ &&
                     body.find(expected_) != std::string_view::npos;
  if (!right) return wrong("a result that is not this job's", 200, body);
  load_.finished(now_ns() - submitted_);
  if (load_.submitting()) return submit();
  state_ = State::idle;
  load_.client_idle();
}

void Client::wrong(std::string_view what, int status, std::string_view body) {
  load_.error(fmt::format("client {}: {}, status {}: {:.200}", number_, what, status, body));
  if (load_.submitting()) return submit();
  state_ = State::idle;
  load_.client_idle();
}

// ---- Load

Load::Load(Options options)
    : options_(std::move(options)),
      port_(loopback_port(options_.url)),
      authorization_("Bearer " + options_.key),
      input_('i', static_cast<std::size_t>(options_.payload_bytes)),
      output_('o', static_cast<std::size_t>(options_.payload_bytes)) {}

void Load::error(const std::string& what) {
  if (errors_++ == 0) first_error_ = what;
  if (errors_ > kErrorsMax) die(fmt::format("more than {} errors; the first: {}", kErrorsMax, first_error_));
}

void Load::finished(std::int64_t ns) {
  if (!counting()) return;
  ++jobs_;
  whole_.add(ns);
}

void Load::attach() {
  const std::string target = fmt::format("/penstock/v1/endpoints/{}/workers", options_.endpoint);
  for (int i = 0; i < options_.workers; ++i) {
    std::string out;
    append_request(out, "POST", target, authorization_, "{}");
    int status = 0;
    const std::string body = ask(port_, out, status);
    const auto answer = json::parse(body);
    const json::Value* environment = answer ? answer->find("environment") : nullptr;
    if (status != 200 || environment == nullptr) die(fmt::format("a worker was not attached: {} {}", status, body));
    const auto text = [&](const json::Value& object, const char* name) {
      const json::Value* value = object.find(name);
      const std::string* found = value != nullptr ? value->as_string() : nullptr;
      if (found == nullptr) die(fmt::format("the answer to attach has no {}: {}", name, body));
      return *found;
    };
    const auto target_of = [&](const char* name) {
      std::string url = text(*environment, name);
      if (!url.starts_with(options_.url + "/")) die(fmt::format("{} is {}: not this server", name, url));
      return url.substr(options_.url.size());
    };
    workers_.push_back(
        std::make_unique<Worker>(*this, port_, text(*answer, "workerId"), text(*environment, "RUNPOD_AI_API_KEY"),
                                 target_of("RUNPOD_WEBHOOK_GET_JOB"), target_of("RUNPOD_WEBHOOK_POST_OUTPUT")));
  }
}

void Load::detach() {
  for (const auto& worker : workers_) {
    std::string out;
    const std::string target = fmt::format("/penstock/v1/endpoints/{}/workers/{}", options_.endpoint, worker->id());
    append_request(out, "DELETE", target, authorization_, {});
    int status = 0;
    const std::string body = ask(port_, out, status);
    if (status != 200) error(fmt::format("detaching was answered {}: {}", status, body));
  }
}

void Load::start_measuring(std::int64_t now) {
  phase_ = Phase::measuring;
  next_phase_at_ = now + static_cast<std::int64_t>(options_.seconds * 1e9);
  measured_from_ = now;
  own_cpu_ = own_cpu_seconds();
  if (options_.server_pid != 0) server_cpu_ = cpu_seconds_of(options_.server_pid);
}

void Load::stop_measuring(std::int64_t now) {
  phase_ = Phase::draining;
  next_phase_at_ = now + kDrainNs;
  measured_seconds_ = static_cast<double>(now - measured_from_) / 1e9;
  own_cpu_ = own_cpu_seconds() - own_cpu_;
  if (options_.server_pid != 0) server_cpu_ = cpu_seconds_of(options_.server_pid) - server_cpu_;
}

/// False when the run is over.
bool Load::advance(std::int64_t now) {
  if (phase_ == Phase::draining && idle_clients_ == options_.clients) return false;
  if (now < next_phase_at_) return true;
  if (phase_ == Phase::warming) {
    start_measuring(now);
  } else if (phase_ == Phase::measuring) {
    stop_measuring(now);
  } else {
    error(fmt::format("{} jobs were not finished {} s after the end", options_.clients - idle_clients_,
                      kDrainNs / kSecond));
    return false;
  }
  return true;
}

std::int64_t Load::wait_ns(std::int64_t now) const {
  std::int64_t until = next_phase_at_;
  if (!waiting_.empty()) until = std::min(until, waiting_.front()->poll_at());
  return std::max<std::int64_t>(until - now, 0);
}

void Load::loop() {
  std::int64_t now = now_ns();
  next_phase_at_ = now + static_cast<std::int64_t>(options_.warmup * 1e9);
  while (advance(now)) {
    while (!waiting_.empty() && waiting_.front()->poll_at() <= now) {
      Client* client = waiting_.front();
      waiting_.pop_front();
      client->poll();
    }
    for (const epoll_event& event : poller_.wait(wait_ns(now))) {
      static_cast<Peer*>(event.data.ptr)->on_event(event.events);
    }
    now = now_ns();
  }
}

int Load::run() {
  attach();
  for (const auto& worker : workers_) worker->take();
  for (int i = 0; i < options_.clients; ++i) clients_.push_back(std::make_unique<Client>(*this, port_, i));
  for (const auto& client : clients_) client->submit();
  loop();
  detach();
  report();
  return errors_ == 0 ? 0 : 1;
}

void Load::report() {
  const double jobs = static_cast<double>(std::max<std::uint64_t>(jobs_, 1));
  const double rate = static_cast<double>(jobs_) / measured_seconds_;
  const double own_us = own_cpu_ * 1e6 / jobs;
  const double server_us = server_cpu_ * 1e6 / jobs;
  const double polls = static_cast<double>(polls_) / jobs;
  const Percentiles whole = whole_.percentiles();
  const Percentiles acknowledged = acknowledged_.percentiles();
  if (options_.json) {
    std::string first_error;
    json::write_string(first_error, first_error_);
    fmt::print(
        "{{\"mode\":\"{}\",\"clients\":{},\"workers\":{},\"seconds\":{:.3f},\"jobs\":{},\"jobs_per_s\":{:.1f},"
        "\"job_ms\":{},\"ack_ms\":{},\"polls_per_job\":{:.2f},\"load_cpu_us_per_job\":{:.2f},"
        "\"server_cpu_us_per_job\":{:.2f},\"errors\":{},\"first_error\":{}}}\n",
        options_.mode, options_.clients, options_.workers, measured_seconds_, jobs_, rate, to_json(whole),
        to_json(acknowledged), polls, own_us, server_us, errors_, first_error);
    return;
  }
  const auto line = [](const char* name, const Percentiles& p) {
    fmt::print("  {:<20} p50 {:8.3f}   p90 {:8.3f}   p99 {:8.3f}   max {:8.3f} ms\n", name, p.p50_ms, p.p90_ms,
               p.p99_ms, p.max_ms);
  };
  fmt::print("{}, {} clients, {} workers, {:.1f} s: {:.0f} jobs/s, {} errors\n", options_.mode, options_.clients,
             options_.workers, measured_seconds_, rate, errors_);
  if (acknowledged.count > 0) line("submit acknowledged", acknowledged);
  line("whole job", whole);
  fmt::print("  CPU per job: load {:.1f} us", own_us);
  if (options_.server_pid != 0) fmt::print(", server {:.1f} us", server_us);
  if (!is_sync()) fmt::print("; {:.2f} status requests per job", polls);
  fmt::print("\n");
  if (errors_ > 0) fmt::print("  first error: {}\n", first_error_);
}

}  // namespace
}  // namespace penstock::bench

int main(int argc, char** argv) {
  penstock::bench::Options options;
  CLI::App app{"Load on the job path of a server on this machine"};
  app.add_option("--url", options.url, "http://127.0.0.1:PORT")->required();
  app.add_option("--key", options.key, "API key of a client")->required();
  app.add_option("--endpoint", options.endpoint, "endpoint id")->required();
  app.add_option("--mode", options.mode, "runsync: one request a job; run: submit, then ask for the status")
      ->check(CLI::IsMember({"runsync", "run"}));
  app.add_option("--workers", options.workers, "external workers")->check(CLI::Range(1, 1000));
  app.add_option("--clients", options.clients, "clients with one job in flight each")->check(CLI::Range(1, 4000));
  app.add_option("--seconds", options.seconds, "measured time")->check(CLI::Range(0.1, 300.0));
  app.add_option("--warmup", options.warmup, "time before it, not counted")->check(CLI::Range(0.0, 60.0));
  app.add_option("--poll-us", options.poll_us, "run: between two status requests; the first follows at once")
      ->check(CLI::Range(0, 10'000'000));
  app.add_option("--payload", options.payload_bytes, "bytes of input, and of output")
      ->check(CLI::Range(128, 1'000'000));
  app.add_option("--server-pid", options.server_pid, "report the CPU time of this process as well");
  app.add_flag("--json", options.json, "one line of JSON");
  CLI11_PARSE(app, argc, argv);
  return penstock::bench::Load(options).run();
}
