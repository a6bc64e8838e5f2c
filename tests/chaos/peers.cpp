#include "tests/chaos/peers.h"

#include <fmt/format.h>

#include <utility>

namespace penstock::chaos {
namespace {

constexpr std::int64_t kRetryMs = 50;
constexpr std::int64_t kPingMs = 500;
constexpr std::int64_t kRudeMs = 20;
constexpr std::int64_t kSampleMs = 10;

std::string operation(const Load& load, std::string_view name) {
  return fmt::format("/v2/{}/{}", load.options().endpoint, name);
}

}  // namespace

// ---------------------------------------------------------------- Client

Client::Client(Load& load) : Peer(load.poller(), load.options().port), load_(load) {}

void Client::on_idle() {
  if (!load_.may_submit()) return wait_until(now_ms() + 2);
  number_ = load_.submit();
  body_ = fmt::format("{{\"input\":{{\"number\":{},\"pad\":\"{}\"}}}}", number_,
                      std::string(static_cast<std::size_t>(load_.options().pad_bytes), 'x'));
  request("POST", operation(load_, "run"), load_.authorization(), body_);
}

void Client::on_answer(int status, std::string_view body) {
  if (cancelling_) {
    cancelling_ = false;
    if (status != 200) return load_.wrong(fmt::format("cancel was answered {}: {:.200}", status, body));
    load_.job(number_).cancelled = text_member(body, "status") == "CANCELLED";
    return;
  }
  if (status == 503) {  // it is ending
    load_.refused();
    return wait_until(now_ms() + kRetryMs);
  }
  if (status != 200) {
    load_.refused();
    wait_until(now_ms() + kRetryMs);
    return load_.wrong(fmt::format("run was answered {}: {:.200}", status, body));
  }
  load_.acknowledge(number_, text_member(body, "id"));
  if (!load_.chance(load_.options().cancel_permille)) return;
  cancelling_ = true;
  load_.job(number_).cancel_sent = true;
  request("POST", operation(load_, "cancel/" + load_.job(number_).id), load_.authorization(), "");
}

void Client::on_broken() {
  if (!std::exchange(cancelling_, false)) load_.not_acknowledged();
}

// ---------------------------------------------------------------- Worker

Worker::Worker(Load& load, WorkerFacts facts, bool insists)
    : Peer(load.poller(), load.options().port), load_(load), facts_(std::move(facts)), insists_(insists) {}

void Worker::on_idle() {
  switch (step_) {
    case Step::take:
      held_.clear();
      return request("GET", facts_.take + "&job_in_progress=0", facts_.key, "");
    case Step::late:
    case Step::post:
      step_ = Step::post;
      return post(held_, nonce_);
    case Step::again:
      ++load_.doubles;
      return post(held_, load_.new_nonce());
    case Step::steal:
      ++load_.stolen;
      return post(load_.job(load_.other_job(number_)).id, load_.new_nonce());
  }
}

void Worker::post(std::string_view job, std::uint64_t nonce) {
  const std::size_t place = facts_.done.find("$ID");
  target_ = facts_.done.substr(0, place);
  target_.append(job).append(facts_.done.substr(place + 3)).append("&isStream=false");
  body_ = fmt::format("{{\"output\":{{\"nonce\":{},\"number\":{}}}}}", nonce, number_);
  request("POST", target_, facts_.key, body_);
}

void Worker::on_answer(int status, std::string_view body) {
  if (step_ == Step::take) {
    if (status == 200) return take_up(body);
    if (status != 204 && status != 503) load_.wrong(fmt::format("job-take was answered {}: {:.200}", status, body));
    if (status == 503) wait_until(now_ms() + kRetryMs);
    return;
  }
  if (status == 503) return wait_until(now_ms() + kRetryMs);
  if (status != 200) load_.wrong(fmt::format("job-done was answered {}: {:.200}", status, body));
  if (step_ == Step::post) return after_post();
  step_ = Step::take;
}

void Worker::after_post() {
  load_.accepted(number_, nonce_);
  step_ = Step::take;
  if (load_.chance(load_.options().double_permille)) {
    step_ = Step::again;
  } else if (load_.chance(load_.options().steal_permille) && load_.other_job(number_) != number_) {
    step_ = Step::steal;
  }
}

void Worker::take_up(std::string_view body) {
  held_ = text_member(body, "id");
  number_ = number_member(body, "number");
  if (held_.empty() || !load_.knows(number_)) {
    return load_.wrong(fmt::format("a worker was given something else than a job of this run: {:.200}", body));
  }
  load_.taken(number_, held_);
  nonce_ = load_.new_nonce();
  Job& job = load_.job(number_);
  job.nonces.push_back(nonce_);
  step_ = Step::post;
  // Twice in a row would rightly fail the job.
  if (job.nonces.size() > 1 || !load_.chance(load_.options().late_permille)) return;
  step_ = Step::late;
  job.is_late = true;
  ++load_.late;
  wait_until(now_ms() + load_.options().late_ms);
}

void Worker::on_broken() {
  if (step_ == Step::post && !insists_) step_ = Step::take;
  if (step_ == Step::again || step_ == Step::steal) step_ = Step::take;
}

// ---------------------------------------------------------------- Pinger

Pinger::Pinger(Load& load, std::vector<const Worker*> workers)
    : Peer(load.poller(), load.options().port), load_(load), workers_(std::move(workers)) {}

void Pinger::on_idle() {
  for (; next_ < workers_.size() && workers_[next_]->is_silent(); ++next_) {
  }
  if (next_ >= workers_.size()) {
    next_ = 0;
    return wait_until(now_ms() + kPingMs);
  }
  const Worker& worker = *workers_[next_++];
  std::string target = worker.facts().ping;
  if (!worker.held().empty()) {
    target.append(target.find('?') == std::string::npos ? "?job_id=" : "&job_id=").append(worker.held());
  }
  request("GET", target, worker.facts().key, "");
}

void Pinger::on_answer(int status, std::string_view body) {
  if (status != 200 && status != 503) load_.wrong(fmt::format("ping was answered {}: {:.200}", status, body));
}

// ---------------------------------------------------------------- Reader

Reader::Reader(Load& load) : Peer(load.poller(), load.options().port), load_(load) {}

void Reader::on_idle() {
  if (!load_.next_read(number_)) return wait_until(now_ms() + 5);
  request("GET", operation(load_, "status/" + load_.job(number_).id), load_.authorization(), "");
}

void Reader::on_answer(int status, std::string_view body) {
  if (status == 503) return load_.read_failed(number_);
  load_.read(number_, status, body);
  if (load_.is_loading()) wait_until(now_ms() + kSampleMs);
}

void Reader::on_broken() {
  load_.read_failed(number_);
}

// ---------------------------------------------------------------- RudeClient

RudeClient::RudeClient(Load& load) : Peer(load.poller(), load.options().port), load_(load) {}

void RudeClient::on_idle() {
  ++load_.rude;
  wait_until(now_ms() + kRudeMs);
  send_and_leave(
      fmt::format("POST {} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {}\r\nContent-Type: "
                  "application/json\r\nContent-Length: 5000\r\n\r\n{{\"input\":{{\"number\":",
                  operation(load_, "run"), load_.authorization()));
}

}  // namespace penstock::chaos
