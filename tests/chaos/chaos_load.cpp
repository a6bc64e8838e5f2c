// Load for a server that is killed meanwhile, with everything that a client or a worker may do wrong; afterwards it
// reads every job and holds it against what was acknowledged. The killing is done by who started this program.

#include "tests/chaos/chaos_load.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <functional>
#include <sstream>

#include "tests/chaos/peers.h"

namespace penstock::chaos {
namespace {

constexpr std::int64_t kTickMs = 2;
constexpr std::int64_t kProgressMs = 20;
constexpr std::int64_t kReadAgainMs = 50;
constexpr std::size_t kErrorsShown = 5;
constexpr std::uint64_t kErrorsMax = 10'000;
constexpr std::string_view kLostTwice = "job timed out after 1 retries";

Ending ending_of(std::string_view status) {
  if (status == "COMPLETED") return Ending::completed;
  if (status == "FAILED") return Ending::failed;
  if (status == "CANCELLED") return Ending::cancelled;
  if (status == "TIMED_OUT") return Ending::timed_out;
  return Ending::none;
}

/// One request on a connection of its own.
class OneAnswer final : public Peer {
 public:
  OneAnswer(Load& load, std::string target)
      : Peer(load.poller(), load.options().port), load_(load), target_(std::move(target)) {}

  std::string body;

 private:
  void on_idle() override {
    if (body.empty()) request("GET", target_, load_.authorization(), "");
  }
  void on_answer(int, std::string_view answer) override { body = answer; }
  void on_broken() override {}

  Load& load_;
  std::string target_;
};

}  // namespace

Load::Load(Options options)
    : options_(std::move(options)), authorization_("Bearer " + options_.key), random_(options_.seed) {}

void Load::wrong(std::string what) {
  ++errors_;
  if (first_errors_.size() < kErrorsShown) first_errors_.push_back(std::move(what));
}

bool Load::may_submit() const {
  return phase_ == Phase::loading && submitted_ < options_.jobs && acknowledged_ < accepted_ + options_.queued_max;
}

std::uint64_t Load::submit() {
  ++submitted_;
  jobs_.emplace_back();
  return jobs_.size() - 1;
}

void Load::acknowledge(std::uint64_t number, std::string_view id) {
  Job& known = job(number);
  if (id.empty() || (!known.id.empty() && known.id != id)) {
    return wrong(fmt::format("submission {} got the id {} and a worker saw {}", number, id, known.id));
  }
  known.id = id;
  known.acknowledged = true;
  ++acknowledged_;
}

void Load::taken(std::uint64_t number, std::string_view id) {
  Job& known = job(number);
  if (!known.id.empty() && known.id != id) {
    return wrong(fmt::format("submission {} got the id {} and a worker saw {}", number, known.id, id));
  }
  known.id = id;
  before_last_ = std::exchange(last_taken_, number);
}

void Load::accepted(std::uint64_t number, std::uint64_t nonce) {
  if (job(number).accepted != 0) return;
  job(number).accepted = nonce;
  ++accepted_;
}

bool Load::next_read(std::uint64_t& number) {
  if (phase_ == Phase::loading) {  // samples
    if (jobs_.empty()) return false;
    number = random_() % jobs_.size();
    if (!job(number).acknowledged) return false;
    ++reading_;
    return true;
  }
  if (to_read_.empty()) return false;
  number = to_read_.front();
  to_read_.pop_front();
  ++reading_;
  return true;
}

void Load::read_failed(std::uint64_t number) {
  --reading_;
  if (phase_ != Phase::loading) read_later_.push_back(number);
}

void Load::read(std::uint64_t number, int status, std::string_view body) {
  Job& known = job(number);
  --reading_;
  if (status != 200)
    return wrong(fmt::format("job {} was acknowledged, and is answered {}: {:.200}", known.id, status, body));
  const Ending ending = ending_of(text_member(body, "status"));
  const std::uint64_t seen = std::hash<std::string_view>()(body);
  if (known.ending != Ending::none && seen != known.seen) {
    return wrong(fmt::format("job {} had ended, and is now {:.300}", known.id, body));
  }
  if (ending == Ending::none) {
    if (phase_ != Phase::loading) read_later_.push_back(number);
    return;
  }
  known.ending = ending;
  known.seen = seen;
  known.result = number_member(body, "nonce");
  if (ending == Ending::timed_out || (ending == Ending::failed && body.find(kLostTwice) == std::string_view::npos)) {
    wrong(fmt::format("job {} ended as {:.300}", known.id, body));
  }
}

/// After every job was read: what its end may be.
void Load::judge(std::uint64_t number) {
  const Job& known = job(number);
  if (known.id.empty() || known.ending == Ending::none) return;
  if (known.cancelled && known.ending != Ending::cancelled) {
    return wrong(fmt::format("job {} was cancelled, and ended otherwise", known.id));
  }
  if (known.ending == Ending::cancelled && !known.cancel_sent) {
    return wrong(fmt::format("job {} is cancelled, and nobody asked for that", known.id));
  }
  if (known.ending == Ending::failed && !known.is_late) {
    return wrong(fmt::format("job {} failed after {} attempts", known.id, known.nonces.size()));
  }
  if (known.ending != Ending::completed) return;
  if (std::ranges::find(known.nonces, known.result) == known.nonces.end()) {
    return wrong(fmt::format("the result {} of job {} is of none of its {} attempts", known.result, known.id,
                             known.nonces.size()));
  }
  // A result that came late is answered too, and may have been passed over.
  if (known.accepted != 0 && known.accepted != known.result && !known.is_late) {
    wrong(fmt::format("the result {} of job {} was accepted, and it has {}", known.accepted, known.id, known.result));
  }
}

void Load::judge_counters() {
  std::uint64_t completed = 0, failed = 0;
  for (const Job& known : jobs_) {
    completed += known.ending == Ending::completed ? 1 : 0;
    failed += known.ending == Ending::failed ? 1 : 0;
  }
  OneAnswer health(*this, fmt::format("/v2/{}/health", options_.endpoint));
  const std::int64_t until = now_ms() + 10'000;
  while (health.body.empty() && now_ms() < until) {
    health.tick(now_ms());
    for (const epoll_event& event : poller_.wait(kTickMs)) {
      if (event.data.ptr == static_cast<Peer*>(&health)) health.on_event(event.events);
    }
  }
  const std::pair<const char*, std::uint64_t> wanted[] = {
      {"completed", completed}, {"failed", failed}, {"inQueue", 0}, {"inProgress", 0}};
  for (const auto& [name, count] : wanted) {
    if (health.body.find(fmt::format("\"{}\":{}", name, count)) == std::string::npos) {
      wrong(fmt::format("of the jobs that were read {} count as {}; the counters say {}", count, name, health.body));
    }
  }
}

void Load::start_verifying() {
  phase_ = Phase::verifying;
  verify_until_ = now_ms() + std::int64_t{options_.verify_s} * 1'000;
  for (std::uint64_t number = 0; number < jobs_.size(); ++number) {
    if (!job(number).id.empty()) to_read_.push_back(number);
  }
}

void Load::advance() {
  const bool has_read = to_read_.empty() && read_later_.empty() && reading_ == 0;
  if (phase_ == Phase::loading && may_finish_ && acknowledged_ >= options_.jobs) {
    start_verifying();
  } else if (phase_ == Phase::verifying && has_read) {
    // Those that a worker saw, and no client, only now.
    for (std::uint64_t number = 0; number < jobs_.size(); ++number) {
      if (!job(number).id.empty()) to_read_.push_back(number);
    }
    phase_ = Phase::comparing;
  } else if (phase_ == Phase::comparing && has_read) {
    phase_ = Phase::done;
  } else if (phase_ >= Phase::verifying && now_ms() > verify_until_) {
    wrong(fmt::format("{} jobs did not end in {} s, such as {}", to_read_.size() + read_later_.size(),
                      options_.verify_s, read_later_.empty() ? "?" : job(read_later_.front()).id));
    phase_ = Phase::done;
  }
}

void Load::add_peers() {
  std::ifstream lines(options_.workers_file);
  std::vector<const Worker*> workers;
  for (std::string line; std::getline(lines, line);) {
    WorkerFacts facts;
    std::istringstream(line) >> facts.key >> facts.take >> facts.done >> facts.ping;
    auto worker = std::make_unique<Worker>(*this, std::move(facts), workers.size() % 3 != 0);
    workers.push_back(worker.get());
    peers_.push_back(std::move(worker));
  }
  peers_.push_back(std::make_unique<Pinger>(*this, std::move(workers)));
  for (int i = 0; i < options_.clients; ++i) peers_.push_back(std::make_unique<Client>(*this));
  for (int i = 0; i < options_.readers; ++i) peers_.push_back(std::make_unique<Reader>(*this));
  for (int i = 0; i < options_.rude; ++i) peers_.push_back(std::make_unique<RudeClient>(*this));
}

void Load::tick() {
  const std::int64_t now = now_ms();
  for (const auto& peer : peers_) peer->tick(now);
  pollfd input{STDIN_FILENO, POLLIN, 0};
  if (!may_finish_ && ::poll(&input, 1, 0) > 0) may_finish_ = true;
  advance();
}

void Load::progress() {
  fmt::print("{{\"acknowledged\":{},\"accepted\":{},\"verifying\":{}}}\n", acknowledged_, accepted_,
             phase_ >= Phase::verifying);
  std::fflush(stdout);
}

bool Load::run() {
  add_peers();
  std::int64_t next_tick = 0, next_progress = 0, next_again = 0;
  while (phase_ != Phase::done && errors_ < kErrorsMax) {
    for (const epoll_event& event : poller_.wait(kTickMs)) static_cast<Peer*>(event.data.ptr)->on_event(event.events);
    const std::int64_t now = now_ms();
    if (now >= next_tick) {
      tick();
      next_tick = now + kTickMs;
    }
    if (now >= next_progress) {
      progress();
      next_progress = now + kProgressMs;
    }
    if (now >= next_again) {
      to_read_.insert(to_read_.end(), read_later_.begin(), read_later_.end());
      read_later_.clear();
      next_again = now + kReadAgainMs;
    }
  }
  peers_.clear();
  for (std::uint64_t number = 0; number < jobs_.size(); ++number) judge(number);
  judge_counters();
  report();
  return errors_ == 0;
}

void Load::report() {
  std::uint64_t again = 0, cancelled = 0, failed = 0, known = 0;
  for (const Job& each : jobs_) {
    known += each.id.empty() ? 0 : 1;
    again += each.nonces.size() > 1 ? 1 : 0;
    cancelled += each.ending == Ending::cancelled ? 1 : 0;
    failed += each.ending == Ending::failed ? 1 : 0;
  }
  std::string errors;
  for (std::string text : first_errors_) {
    for (char& c : text) c = c == '"' ? '\'' : c == '\\' || static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    errors += fmt::format("{}\"{}\"", errors.empty() ? "" : ",", text);
  }
  fmt::print(
      "{{\"jobs\":{},\"acknowledged\":{},\"unanswered\":{},\"runAgain\":{},\"cancelled\":{},\"failed\":{},"
      "\"answeredTwice\":{},\"stolen\":{},\"late\":{},\"leftMidBody\":{},\"wrong\":{},\"errors\":[{}]}}\n",
      known, acknowledged_, unknown_, again, cancelled, failed, doubles, stolen, late, rude, errors_, errors);
}

}  // namespace penstock::chaos

int main(int argc, char** argv) {
  penstock::chaos::Options options;
  CLI::App app{"Load and judgement for the chaos tests; goes on until standard input ends", "chaos_load"};
  app.add_option("--port", options.port)->required();
  app.add_option("--key", options.key)->required();
  app.add_option("--endpoint", options.endpoint)->required();
  app.add_option("--workers-file", options.workers_file)->required();
  app.add_option("--jobs", options.jobs);
  app.add_option("--clients", options.clients);
  app.add_option("--readers", options.readers);
  app.add_option("--rude", options.rude);
  app.add_option("--queued-max", options.queued_max);
  app.add_option("--pad-bytes", options.pad_bytes);
  app.add_option("--cancel-permille", options.cancel_permille);
  app.add_option("--double-permille", options.double_permille);
  app.add_option("--steal-permille", options.steal_permille);
  app.add_option("--late-permille", options.late_permille);
  app.add_option("--late-ms", options.late_ms);
  app.add_option("--verify-s", options.verify_s);
  app.add_option("--seed", options.seed);
  CLI11_PARSE(app, argc, argv);
  return penstock::chaos::Load(std::move(options)).run() ? 0 : 1;
}
