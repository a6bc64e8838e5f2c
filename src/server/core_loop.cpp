#include "server/core_loop.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "base/log.h"

namespace penstock::server {
namespace {

// Records. Two or three jobs: more than that, and work goes on while the disk is busy.
constexpr std::size_t kSmallTurn = 8;
// Beyond it the loop does not wait for the disk any more, until commits are quick again.
constexpr std::chrono::milliseconds kSlowCommit{2};

bool has_new_jobs(const core::Reply& reply) {
  const auto* out = std::get_if<core::HandOuts>(&reply.what);
  return out && out->new_jobs;
}

}  // namespace

CoreLoop::CoreLoop(net::Loop& loop, core::Engine& engine, store::Store& store, const Clock& clock, GiveOrder give_order,
                   Post post, Gate gate, OnFatal on_fatal)
    : loop_(loop),
      engine_(engine),
      store_(store),
      clock_(clock),
      give_order_(std::move(give_order)),
      post_(std::move(post)),
      gate_(std::move(gate)),
      on_fatal_(std::move(on_fatal)),
      timer_(loop),
      admission_(engine.settings().poll_hold),
      has_room_([this](std::uint64_t bytes) { return store_.has_room(bytes); }),
      is_repeated_([this](const core::Submit& submit) { return is_repeated(submit); }),
      inputs_(loop, store, [this](core::Command command) { give(std::move(command)); }) {}

void CoreLoop::begin(core::Effects effects) {
  deliver(effects);
  wake_at(engine_.next_wakeup());
}

core::Token CoreLoop::expect(OnReply on_reply) {
  const core::Token token = next_token_++;
  callers_.emplace(token, std::move(on_reply));
  return token;
}

void CoreLoop::give(core::Command command) {
  commands_.push_back(std::move(command));
  if (turn_posted_) return;
  turn_posted_ = true;
  // After all handlers that are ready now: their commands join this turn and share its sync.
  loop_.post([this] {
    turn_posted_ = false;
    run_turn();
  });
}

void CoreLoop::forget(core::Token token) {
  // The caller's entry stays until the turn is over: a reply of the same turn must still learn that nobody listens.
  if (callers_.contains(token)) give(core::Forget{token});
}

Result<void> CoreLoop::recall(const EndpointId& endpoint, const JobId& job) {
  if (engine_.has_job(endpoint, job)) return {};
  run_turn();
  if (engine_.has_job(endpoint, job) || !engine_.find_endpoint(endpoint)) return {};
  auto stored = store_.find_job(endpoint, job);
  if (!stored) return tl::unexpected<Error>(stored.error());
  if (!stored->has_value()) return {};
  core::Effects effects;
  engine_.apply(clock_.now(), core::RecallJob{std::move(**stored)}, effects);
  deliver(effects);
  return {};
}

Result<std::optional<EndpointId>> CoreLoop::endpoint_of(const AccountId& owner, const JobId& job) {
  if (!in_turn_) run_turn();
  if (const auto known = engine_.endpoint_of(owner, job)) return known;
  const auto stored = store_.endpoint_of(job);
  if (!stored || !*stored) return stored;
  const core::Endpoint* endpoint = engine_.find_endpoint(**stored);
  if (!endpoint || endpoint->owner != owner) return std::nullopt;
  return stored;
}

Result<std::optional<core::WebhookDelivery>> CoreLoop::find_delivery(const DeliveryId& id) {
  if (!in_turn_) run_turn();
  return store_.find_delivery(id);
}

Result<std::vector<core::WebhookDelivery>> CoreLoop::list_deliveries(const core::DeliveryQuery& query) {
  if (!in_turn_) run_turn();
  return store_.list_deliveries(query);
}

template <class Query, class Told, class OnList>
void CoreLoop::list(void (store::Store::*list)(const Query&, Told), const Query& query, OnList on_list) {
  if (!in_turn_) run_turn();
  (store_.*list)(query, [this, on_list = std::move(on_list)](auto found) {
    loop_.post([on_list, found = std::move(found)] { on_list(found); });
  });
}

void CoreLoop::list_jobs(const core::JobQuery& query, OnPage on_page) {
  list(&store::Store::list_jobs, query, std::move(on_page));
}

void CoreLoop::list_batch_jobs(const core::BatchJobQuery& query, OnJobs on_jobs) {
  list(&store::Store::list_batch_jobs, query, std::move(on_jobs));
}

void CoreLoop::list_releases(const EndpointId& endpoint, OnReleases on_releases) {
  list(&store::Store::list_releases, endpoint, std::move(on_releases));
}

void CoreLoop::list_usage(const core::UsageQuery& query, OnUsage on_usage) {
  list(&store::Store::list_usage, query, std::move(on_usage));
}

void CoreLoop::run_turn() {
  in_turn_ = true;
  turn_.clear();
  turn_.swap(commands_);
  core::Effects effects;
  effects.records.reserve(2 * turn_.size());  // the usual ones of a job have two
  effects.replies.reserve(turn_.size());
  std::vector<core::Token> gone;
  const Time now = clock_.now();
  admission_.filter(now, has_room_, is_repeated_, turn_, effects.replies);
  know_keys(now, effects);
  for (core::Command& command : turn_) {
    if (const auto* forget = std::get_if<core::Forget>(&command)) gone.push_back(forget->token);
    engine_.apply_in_turn(now, std::move(command), effects);
  }
  engine_.end_turn(effects);
  deliver(effects);
  for (const core::Token token : gone) callers_.erase(token);
  wake_at(admission_.next_wakeup(now));
  wake_at(engine_.next_wakeup());
  in_turn_ = false;
}

bool CoreLoop::is_repeated(const core::Submit& submit) {
  const core::JobRequest& request = submit.request;
  if (engine_.has_key(request.endpoint, request.idempotency_key)) return true;
  const auto stored = store_.find_keyed_job(request.endpoint, request.idempotency_key);
  if (!stored || !stored->has_value()) return false;
  const core::JobState& state = (*stored)->state;
  return !core::is_terminal(state.status) || state.expires > clock_.now();
}

/// Before a turn: the engine knows the job of each idempotency key in it. A second submission with the same key is for
/// the next turn, which knows what the first one did.
void CoreLoop::know_keys(Time now, core::Effects& turn) {
  std::set<std::pair<std::string_view, std::string_view>> keys;
  std::vector<core::Command> later;
  std::vector<std::size_t> left_out;
  for (std::size_t i = 0; i < turn_.size(); ++i) {
    auto* submit = std::get_if<core::Submit>(&turn_[i]);
    if (!submit || submit->request.idempotency_key.empty()) continue;
    if (keys.emplace(submit->request.endpoint.str(), submit->request.idempotency_key).second) {
      if (!know_first(*submit, now, turn)) left_out.push_back(i);
    } else {
      later.push_back(*submit);
      left_out.push_back(i);
    }
  }
  for (const std::size_t i : left_out) turn_[i] = core::Tick{};
  for (core::Command& command : later) give(std::move(command));
}

/// Brings the job of the submission's key back if memory has let go of it; it stays until the turn ends. False: that
/// cannot be known, and the caller was told.
bool CoreLoop::know_first(const core::Submit& submit, Time now, core::Effects& turn) {
  const core::JobRequest& request = submit.request;
  if (engine_.has_key(request.endpoint, request.idempotency_key)) return know_input(submit, now, turn);
  if (!engine_.find_endpoint(request.endpoint)) return true;
  auto stored = store_.find_keyed_job(request.endpoint, request.idempotency_key);
  if (!stored) {
    turn.replies.push_back({submit.to, stored.error()});
    return false;
  }
  if (stored->has_value()) engine_.apply_in_turn(now, core::RecallJob{std::move(**stored)}, turn);
  return true;
}

/// The same with the input of a job that waits, which a submission with its key is held against.
bool CoreLoop::know_input(const core::Submit& submit, Time now, core::Effects& turn) {
  const core::JobRequest& request = submit.request;
  if (!engine_.lacks_input(request.endpoint, request.idempotency_key)) return true;
  auto stored = store_.find_keyed_job(request.endpoint, request.idempotency_key);
  if (!stored) {
    turn.replies.push_back({submit.to, stored.error()});
    return false;
  }
  if (!stored->has_value()) return true;
  core::JobRequest& found = (*stored)->request;
  core::InputsRead read{found.endpoint, {{found.id, found.input, found.s3_config}}, std::nullopt, false};
  engine_.apply_in_turn(now, std::move(read), turn);
  return true;
}

void CoreLoop::deliver(core::Effects& effects) {
  if (failed_) return;
  const std::vector<core::Record>& turn = effects.records;
  Outward outward{std::move(effects.orders), std::move(effects.posts)};
  const auto others = std::ranges::partition(effects.replies, has_new_jobs);
  const auto new_jobs = std::span(effects.replies).first(effects.replies.size() - others.size());
  const bool in_loop = commits_in_loop(turn);
  if (!in_loop) commit_behind_loop(turn, std::move(outward));
  if (!new_jobs.empty()) gate_.pass([&] { answer(new_jobs); });
  if (in_loop) commit_in_loop(turn, std::move(outward));
  if (failed_) return;
  for (core::ReadInputs& wanted : effects.reads) inputs_.read(std::move(wanted));
  log_what_happened(effects);
  if (recorder_ && !effects.decisions.empty()) recorder_(std::move(effects.decisions));
  answer(others);
  for (const Watch& watch : watches_) watch(turn);
}

void CoreLoop::answer(std::span<core::Reply> replies) {
  for (core::Reply& reply : replies) {
    const auto caller = callers_.find(reply.to);
    if (caller == callers_.end()) continue;
    const OnReply on_reply = std::move(caller->second);
    callers_.erase(caller);
    on_reply(std::move(reply));
  }
}

bool CoreLoop::commits_in_loop(std::span<const core::Record> turn) const {
  if (turn.empty() || !in_flight_.empty()) return in_flight_.empty();
  // While the disk is nearly full a turn may have to wait for space, and the loop must not.
  return turn.size() <= kSmallTurn && commit_took_ < kSlowCommit && store_.has_room(0);
}

void CoreLoop::commit_in_loop(std::span<const core::Record> turn, Outward outward) {
  if (turn.empty()) return send(std::move(outward));
  const Instant begun = std::chrono::steady_clock::now();
  records_ += turn.size();
  if (const auto done = store_.commit(turn); !done) return fail(done.error());
  took(begun);
  send(std::move(outward));
}

void CoreLoop::commit_behind_loop(std::span<const core::Record> turn, Outward outward) {
  if (turn.empty() && !in_flight_.empty()) return in_flight_.back().outward.append(std::move(outward));
  records_ += turn.size();
  const std::uint64_t ticket = ++last_ticket_;
  in_flight_.push_back({ticket, std::chrono::steady_clock::now(), std::move(outward)});
  gate_.hold(ticket);
  store_.commit_later(
      turn, [this, ticket](const Result<void>& done) { loop_.post([this, ticket, done] { durable(ticket, done); }); });
}

void CoreLoop::took(Instant begun) {
  commit_took_ = std::chrono::steady_clock::now() - begun;
  commits_.add(commit_took_);
}

void CoreLoop::durable(std::uint64_t ticket, const Result<void>& done) {
  if (failed_) return;
  if (!done) return fail(done.error());
  Outward outward;
  while (!in_flight_.empty() && in_flight_.front().ticket <= ticket) {
    took(in_flight_.front().begun);
    outward.append(std::move(in_flight_.front().outward));
    in_flight_.pop_front();
  }
  gate_.release(ticket);
  send(std::move(outward));
}

void CoreLoop::Outward::append(Outward more) {
  std::ranges::move(more.orders, std::back_inserter(orders));
  std::ranges::move(more.posts, std::back_inserter(posts));
}

void CoreLoop::send(Outward outward) {
  for (core::LaunchOrder& order : outward.orders) give_order_(std::move(order));
  for (core::PostWebhook& post : outward.posts) post_(std::move(post));
}

void CoreLoop::settle() {
  store_.stop_listing();
  run_turn();
  if (in_flight_.empty()) return;
  // Waits for the turns that were begun before it.
  const auto done = store_.commit({});
  durable(last_ticket_, done);
}

void CoreLoop::fail(const Error& error) {
  failed_ = true;
  on_fatal_(error);
}

void CoreLoop::log_what_happened(const core::Effects& effects) const {
  for (const auto& note : effects.notes) log::info("{}", note);
  for (const auto& warning : effects.warnings) log::warn("{}", warning);
  for (const auto& d : effects.decisions) {
    if (d.outcome.started > 0) log::info("endpoint {} {}", d.endpoint.str(), core::in_words(d));
  }
}

/// A timer that is set too early only looks again, so it is moved forward and never back: under load that saves a
/// system call a turn.
void CoreLoop::wake_at(std::optional<Time> at) {
  if (!at || (wake_at_ && *wake_at_ <= *at)) return;
  wake_at_ = at;
  timer_.set(std::max(*at - clock_.now(), Millis{0}), [this] {
    wake_at_.reset();
    give(core::Tick{});
  });
}

}  // namespace penstock::server
