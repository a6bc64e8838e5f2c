#include "clients.h"

namespace penstock::simulation {

Clients::Clients(const Scenario& scenario, Timeline& timeline, Dice& dice, Shell& shell)
    : scenario_(scenario),
      timeline_(timeline),
      dice_(dice),
      webhook_dice_(scenario.seed * 2 + 15'485'863),
      shell_(shell) {}

void Clients::act() {
  if (!shell_.up()) return;
  const auto account = shell_.engine().first_account();
  const auto endpoints = account ? shell_.engine().endpoints_of(account->id) : std::vector<const core::Endpoint*>{};
  if (endpoints.empty()) return;
  if (known_.empty() || dice_.chance(450)) {
    const EndpointId endpoint = dice_.pick(endpoints)->id;
    const int count = dice_.chance(100) ? dice_.between(2, 8) : 1;
    for (int i = 0; i < count; ++i) submit(endpoint);
    return;
  }
  if (dice_.chance(15)) {
    shell_.call(core::PurgeQueue{0, dice_.pick(endpoints)->id}, {[](core::Reply&) {}});
    return;
  }
  if (webhook_dice_.chance(30)) send_again();
  const int recent = std::min<int>(static_cast<int>(known_.size()), 12);
  const Known known = dice_.chance(800) ? known_[known_.size() - 1 - static_cast<std::size_t>(dice_.below(recent))]
                                        : dice_.pick(known_);
  follow(known);
}

void Clients::submit(const EndpointId& endpoint) {
  core::Submit command;
  command.request.endpoint = endpoint;
  command.request.input = core::bytes("{\"n\":" + std::to_string(next_input_++) + "}");
  if (dice_.chance(250)) {  // few keys, so that they meet again
    const std::string key = "key" + std::to_string(dice_.below(12));
    command.request.idempotency_key = key;
    command.request.input = core::bytes(dice_.chance(850) ? "\"" + key + "\"" : "\"another\"");
  }
  if (dice_.chance(100)) command.request.s3_config = core::bytes("{\"bucketName\":\"b\"}");
  if (dice_.chance(200)) command.request.execution_timeout = Millis{dice_.between(5, 60) * 1'000};
  if (dice_.chance(100)) command.request.ttl = Millis{dice_.between(10, 120) * 1'000};
  if (dice_.chance(240)) command.request.priority = dice_.chance(500) ? core::Priority::low : core::Priority::high;
  if (webhook_dice_.chance(300)) {
    command.request.webhook = "https://receiver" + std::to_string(webhook_dice_.below(3)) + ".example/hook";
  }
  command.request.sync = dice_.chance(400);
  if (command.request.sync) command.wait = dice_.skewed(1'000ms, 60'000ms);
  const auto listens = std::make_shared<bool>(true);
  const core::Token token = shell_.call(std::move(command), {[this, endpoint, listens](core::Reply& reply) {
                                          if (!*listens) return;
                                          if (const auto* job = std::get_if<core::JobAccepted>(&reply.what))
                                            known_.push_back({endpoint, job->id});
                                          if (const auto* job = std::get_if<core::JobReply>(&reply.what))
                                            known_.push_back({endpoint, job->job.id});
                                        }});
  may_leave(token, listens);
}

void Clients::send_again() {
  const auto& all = shell_.ledger().webhooks().deliveries().all();
  if (all.empty()) return;
  const core::WebhookDelivery delivery =
      std::next(all.begin(), webhook_dice_.below(static_cast<int>(all.size())))->second;
  shell_.call(core::RedeliverWebhook{0, delivery.owner, delivery}, {[](core::Reply&) {}});
}

void Clients::may_leave(core::Token token, std::shared_ptr<bool> listens) {
  if (calm_ || !dice_.chance(scenario_.faults.client_leaves)) return;
  timeline_.after(dice_.skewed(0ms, 10'000ms), [this, token, listens] {
    *listens = false;
    shell_.forget(token);
  });
}

void Clients::follow(const Known& known) {
  shell_.recall(known.endpoint, known.job);
  if (!shell_.up()) return;
  const Shell::Caller nobody{[](core::Reply&) {}};
  const int what = dice_.below(100);
  if (what < 20) {
    (void)shell_.engine().find_job(timeline_.now(), known.endpoint, known.job);
  } else if (what < 40) {
    core::AwaitJob command{0, known.endpoint, known.job, dice_.skewed(1'000ms, 60'000ms)};
    may_leave(shell_.call(std::move(command), nobody), std::make_shared<bool>(true));
  } else if (what < 65) {
    read_stream(known, 8);
  } else if (what < 80) {
    shell_.call(core::CancelJob{0, known.endpoint, known.job}, nobody);
  } else if (what < 92) {
    shell_.call(core::RetryJob{0, known.endpoint, known.job}, nobody);
  } else {
    shell_.call(core::LowerTtl{0, known.endpoint, known.job, dice_.skewed(0ms, 600'000ms)}, nobody);
  }
}

void Clients::read_stream(const Known& known, int patience) {
  if (patience == 0 || !shell_.up()) return;
  const auto listens = std::make_shared<bool>(true);
  const bool counted = calm_;  // from then on nobody leaves and the server does not die
  streams_open_ += counted ? 1 : 0;
  core::ReadStream command{0, known.endpoint, known.job, dice_.between(Millis{1'000}, Millis{10'000})};
  const core::Token token =
      shell_.call(std::move(command), {[this, known, patience, listens, counted](core::Reply& reply) {
                    streams_open_ -= counted ? 1 : 0;
                    page_came(known, patience, reply, *listens);
                  }});
  may_leave(token, listens);
}

void Clients::page_came(const Known& known, int patience, core::Reply& reply, bool listens) {
  const auto* page = std::get_if<core::StreamPage>(&reply.what);
  if (!page) return;
  const bool written = listens && (calm_ || !dice_.chance(scenario_.faults.answer_lost));
  const bool ends = is_terminal(page->status) && page->chunks.empty();
  if (!page->chunks.empty()) {
    core::StreamRead read{known.endpoint, known.job, page->attempt, page->first, static_cast<int>(page->chunks.size()),
                          written};
    // A slow connection: others may read meanwhile, and the job may end or begin anew.
    const Millis slow = dice_.chance(200) ? dice_.skewed(1ms, 8'000ms) : 0ms;
    timeline_.after(slow, [this, read] {
      if (shell_.up()) shell_.give(read);
    });
  }
  if (ends || !written) return;
  timeline_.after(dice_.between(1ms, 1'000ms), [this, known, patience] {
    if (!shell_.up()) return;
    shell_.recall(known.endpoint, known.job);
    read_stream(known, calm_ ? patience : patience - 1);
  });
}

void Clients::read_all_streams() {
  std::vector<Known> all;
  for (const auto& [id, job] : shell_.ledger().jobs().all()) {
    if (!job.chunks.empty()) all.push_back({job.request.endpoint, id});
  }
  streams_open_ += static_cast<int>(all.size());
  Millis start{0};
  for (const Known& known : all) {  // one after another: each recall may make the engine let go of another job
    timeline_.after(start += 10ms, [this, known] {
      --streams_open_;
      shell_.recall(known.endpoint, known.job);
      read_stream(known, 3);
    });
  }
}

}  // namespace penstock::simulation
