#include "shell.h"

#include <algorithm>
#include <set>
#include <utility>

#include "narrate.h"
#include "state_check.h"
#include "store/memory_store.h"
#include "violation.h"

namespace penstock::simulation {
namespace {

constexpr core::Token kNobody = 0;

core::Token token_of(const core::Command& command) {
  return std::visit(
      [](const auto& c) -> core::Token {
        if constexpr (requires { c.to; }) {
          return c.to;
        } else {
          return kNobody;
        }
      },
      command);
}

/// What the flight recorder keeps must lead to the same decision again, byte by byte.
void check_replay(const core::RecordedDecision& one) {
  const std::string kept = core::to_text(one.inputs);
  const auto inputs = core::parse_scale_inputs(kept);
  if (!inputs || core::to_text(*inputs) != kept) violated("recorded inputs do not come back: {}", kept);
  const std::string again = core::to_text(core::decide(*inputs));
  if (again != core::to_text(one.decision)) {
    violated("{} was decided, and its replay decides {} for {}", core::to_text(one.decision), again, kept);
  }
}

}  // namespace

Shell::Shell(const Scenario& scenario, Timeline& timeline, Dice& dice, Tally& tally, Outside outside)
    : scenario_(scenario),
      timeline_(timeline),
      dice_(dice),
      tally_(tally),
      outside_(std::move(outside)),
      identifiers_(scenario.seed * 2),
      store_(store::make_memory_store()),
      twin_(scenario.check_twin ? store::make_memory_store() : nullptr),
      ledger_(scenario.settings, tally),
      waits_(scenario.settings, scenario.nodes, ledger_) {}

Shell::~Shell() = default;

void Shell::begin() {
  start();
}

// ---------------------------------------------------------------- life of the server

void Shell::start() {
  ++life_;
  ++tally_.restarts;
  stopping_ = false;
  turn_planned_ = false;
  engine_ = std::make_unique<core::Engine>(scenario_.settings, scenario_.nodes, identifiers_);
  auto state = store_->load();
  if (!state) violated("the store cannot be read: {}", state.error().message);
  core::Effects effects;
  ledger_.turn_begins();
  ledger_.server_started(timeline_.now());
  if (died_) absences_.push_back({*died_, timeline_.now()});
  state->absences = absences_;
  engine_->restore(timeline_.now(), std::move(*state), effects);
  if (scenario_.narrated) narrate(timeline_.now(), nullptr, effects);
  ledger_.applied(timeline_.now(), nullptr, effects);
  trace_.add(timeline_.now(), effects);
  finish_turn(effects);
}

void Shell::die(bool turn_lost) {
  ++tally_.crashes;
  died_ = timeline_.now();
  if (turn_lost) ledger_.rolled_back();
  engine_.reset();
  inbox_.clear();
  gone_.clear();
  unanswered_.clear();
  std::map<core::Token, Caller> broken;
  broken.swap(callers_);
  for (auto& [token, caller] : broken) timeline_.after(dice_.between(1ms, 20ms), std::move(caller.on_broken));
  outside_.server_died();
  const Millis away = dice_.chance(100) ? dice_.between(Millis{10'000}, Millis{600'000}) : dice_.between(50ms, 5'000ms);
  timeline_.after(away, [this] {
    if (!up()) start();
  });
}

void Shell::stop_gracefully(core::StopWorkers which) {
  if (!up() || stopping_) return;
  give(core::Shutdown{which});
  run_turn();
  if (!up()) return;
  stopping_ = true;
  if (!unanswered_.empty()) violated("{} callers wait on in a server that stops", unanswered_.size());
  timeline_.after(dice_.between(0ms, 4'000ms), [this, life = life_] {
    if (!up() || life != life_) return;
    run_turn();
    if (up()) die(false);
  });
}

void Shell::calm_down() {
  calm_ = true;
  if (up() && stopping_) die(false);
  if (!up()) start();
}

// ---------------------------------------------------------------- turns

void Shell::give(core::Command command) {
  if (!up()) return;
  inbox_.push_back(std::move(command));
  if (turn_planned_) return;
  turn_planned_ = true;
  timeline_.after(dice_.between(0ms, 2ms), [this, life = life_] {
    if (life != life_ || !up()) return;
    run_turn();
  });
}

void Shell::forget(core::Token token) {
  if (up() && callers_.contains(token)) give(core::Forget{token});
}

void Shell::recall(const EndpointId& endpoint, const JobId& job) {
  if (!up() || engine_->has_job(endpoint, job)) return;
  run_turn();
  if (!up() || engine_->has_job(endpoint, job) || !engine_->find_endpoint(endpoint)) return;
  auto stored = store_->find_job(endpoint, job);
  if (!stored || !*stored) return;
  core::Effects turn;
  ledger_.turn_begins();
  apply(core::RecallJob{std::move(**stored)}, turn);
  end_turn(turn);
  finish_turn(turn);
}

std::optional<Time> Shell::wake_time() const {
  if (!up() || scenario_.mutation == Mutation::ignore_wakeups) return std::nullopt;
  return engine_->next_wakeup();
}

void Shell::wake() {
  inbox_.emplace_back(core::Tick{});
  run_turn();
}

void Shell::run_turn() {
  turn_planned_ = false;
  ++tally_.turns;
  ledger_.turn_begins();
  std::vector<core::Command> commands;
  commands.swap(inbox_);
  core::Effects turn;
  std::set<std::pair<EndpointId, std::string>> keys;
  for (core::Command& command : commands) {
    const auto* submit = std::get_if<core::Submit>(&command);
    if (!submit || submit->request.idempotency_key.empty()) continue;
    if (keys.emplace(submit->request.endpoint, submit->request.idempotency_key).second) {
      know_first(*submit, turn);
    } else {  // it is for the next turn, as in the server
      give(std::exchange(command, core::Tick{}));
    }
  }
  for (core::Command& command : commands) apply(std::move(command), turn);
  end_turn(turn);
  finish_turn(turn);
  if (!up()) return;
  for (const core::Token token : gone_) callers_.erase(token);
  gone_.clear();
}

void Shell::know_first(const core::Submit& submit, core::Effects& turn) {
  const core::JobRequest& request = submit.request;
  if (engine_->has_key(request.endpoint, request.idempotency_key)) return know_input(request, turn);
  if (!engine_->find_endpoint(request.endpoint)) return;
  auto stored = store_->find_keyed_job(request.endpoint, request.idempotency_key);
  if (stored && *stored && scenario_.mutation != Mutation::forgotten_key) {
    apply(core::RecallJob{std::move(**stored)}, turn);
  }
}

void Shell::know_input(const core::JobRequest& request, core::Effects& turn) {
  if (!engine_->lacks_input(request.endpoint, request.idempotency_key)) return;
  const auto stored = store_->find_keyed_job(request.endpoint, request.idempotency_key);
  if (!stored || !*stored) violated("the store does not have the job of key {}", request.idempotency_key);
  const core::JobRequest& found = (*stored)->request;
  apply(core::InputsRead{found.endpoint, {{found.id, found.input, found.s3_config}}, std::nullopt, false}, turn);
}

/// Some of what was wanted, or a disk that failed, a little later; never after a crash.
void Shell::read_inputs(core::ReadInputs wanted) {
  if (dice_.chance(300))
    wanted.jobs.resize(static_cast<std::size_t>(dice_.between(1, static_cast<int>(wanted.jobs.size()))));
  store_->read_inputs(wanted, [&](Result<std::vector<core::JobInput>> found) {
    core::InputsRead answer{wanted.endpoint, std::move(*found), std::nullopt, true};
    tally_.inputs_read += static_cast<int>(answer.inputs.size());
    if (!calm_ && dice_.chance(50)) answer = {wanted.endpoint, {}, "the disk failed", true};
    timeline_.after(dice_.between(0ms, 50ms), [this, life = life_, answer = std::move(answer)] {
      if (up() && life == life_) give(answer);
    });
  });
}

void Shell::apply(core::Command command, core::Effects& turn) {
  const Time now = timeline_.now();
  if (const core::Token to = token_of(command); to != kNobody) expect_answer(command, to);
  core::Effects effects;
  engine_->apply_in_turn(now, tampered(command), effects);
  see(now, &command, effects, turn);
  if (const auto* forget = std::get_if<core::Forget>(&command)) gone_.push_back(forget->token);
}

void Shell::end_turn(core::Effects& turn) {
  core::Effects effects;
  engine_->end_turn(effects);
  see(timeline_.now(), nullptr, effects, turn);
  for (const core::Token token : gone_) unanswered_.erase(token);  // what was due before it left still answers
  engine_->check_invariants();
}

/// What one command did, or the end of the turn.
void Shell::see(Time now, const core::Command* command, core::Effects& effects, core::Effects& turn) {
  tamper(command, effects);
  if (scenario_.narrated) narrate(now, command, effects);
  ledger_.applied(now, command, effects);
  waits_.see(now, effects);
  for (const core::RecordedDecision& one : effects.decisions) check_replay(one);
  trace_.add(now, effects);
  for (const core::Reply& reply : effects.replies) {
    if (unanswered_.erase(reply.to) != 1) violated("caller {} is answered without a question open", reply.to);
  }
  const auto move_all = [](auto& from, auto& to) { std::ranges::move(from, std::back_inserter(to)); };
  move_all(effects.records, turn.records);
  move_all(effects.replies, turn.replies);
  move_all(effects.orders, turn.orders);
  move_all(effects.posts, turn.posts);
  move_all(effects.reads, turn.reads);
}

/// By when this caller must be answered.
void Shell::expect_answer(const core::Command& command, core::Token token) {
  const auto& s = scenario_.settings;
  Millis hold{0};
  if (const auto* submit = std::get_if<core::Submit>(&command)) hold = submit->wait.value_or(0ms);
  if (const auto* await = std::get_if<core::AwaitJob>(&command)) hold = await->wait;
  if (const auto* read = std::get_if<core::ReadStream>(&command)) hold = read->wait;
  const bool polls =
      std::holds_alternative<core::TakeJobs>(command) || std::holds_alternative<core::PollStops>(command);
  if (polls) hold = std::max(s.poll_hold, s.unknown_worker_hold);
  unanswered_.emplace(token, timeline_.now() + hold);
}

void Shell::check_waiting() const {
  const auto wakeup = engine_->next_wakeup();
  for (const auto& [token, by] : unanswered_) {
    if (by <= timeline_.now()) violated("caller {} was not answered by its deadline", token);
    if (!wakeup || *wakeup > by) violated("the engine will sleep beyond the deadline of caller {}", token);
  }
}

void Shell::commit(const core::Effects& turn) {
  if (turn.records.empty()) return;
  std::vector<core::Record> records = turn.records;
  if (scenario_.mutation == Mutation::drop_record && dice_.chance(30)) {
    records.erase(records.begin() + dice_.below(static_cast<int>(records.size())));
  }
  if (!store_->commit(records)) violated("the store refused a turn");
  if (!twin_) return;
  for (const core::Record& record : turn.records) {
    if (!twin_->commit({record, record})) violated("the second store refused a turn");
  }
}

Shell::Death Shell::choose_death() {
  if (calm_ || scenario_.steps == 0) return Death::none;
  const Faults& f = scenario_.faults;
  if (dice_.chance(f.crash_before_commit)) return Death::before_commit;
  if (dice_.chance(f.crash_after_commit)) return Death::after_commit;
  if (dice_.chance(f.crash_between_replies)) return Death::between_replies;
  if (dice_.chance(f.crash_between_orders)) return Death::between_orders;
  return Death::none;
}

void Shell::finish_turn(core::Effects& turn) {
  const bool replies_first = scenario_.mutation == Mutation::reply_before_commit && !calm_ && dice_.chance(50);
  const bool torn = scenario_.mutation == Mutation::torn_turn && turn.records.size() > 1 && !calm_ && dice_.chance(50);
  const Death death = turn.records.empty() && turn.replies.empty() ? Death::none : choose_death();
  new_jobs_leave(turn);
  if (replies_first) {
    answers_leave(turn, turn.replies.size());
    return die(true);
  }
  if (torn) {
    turn.records.resize(turn.records.size() / 2);
    commit(turn);
    return die(true);
  }
  if (death == Death::before_commit) return die(true);
  commit(turn);
  ledger_.committed();
  if (death == Death::after_commit) return die(false);
  const bool cut = death == Death::between_replies && !turn.replies.empty();
  const std::size_t leave =
      cut ? static_cast<std::size_t>(dice_.below(static_cast<int>(turn.replies.size()))) : turn.replies.size();
  answers_leave(turn, leave);
  if (cut) return die(false);
  for (core::LaunchOrder& order : turn.orders) {
    if (death == Death::between_orders && dice_.chance(500)) return die(false);
    const bool stop = std::holds_alternative<core::StopWorker>(order);
    if (stop && scenario_.mutation == Mutation::lost_stop_order && dice_.chance(200)) continue;
    outside_.give_order(std::move(order));
  }
  if (death == Death::between_orders && !turn.posts.empty()) return die(false);
  posts_leave(turn);
  for (core::ReadInputs& wanted : turn.reads) read_inputs(std::move(wanted));
  check_waiting();
  if (tally_.turns % scenario_.full_check_every == 0) check_everything();
}

/// As the server does: what is not in the order is read from the store.
void Shell::posts_leave(core::Effects& turn) {
  for (core::PostWebhook& post : turn.posts) {
    const DeliveryId& id = post.delivery.id;
    const core::WebhookDelivery* known = ledger_.webhooks().deliveries().find(id);
    const auto stored = store_->find_delivery(id);
    if (!known || !stored || !*stored) violated("webhook {} is sent and was never committed", id.str());
    if (!post.complete) post.delivery.content = (*stored)->content;
    const auto& content = post.delivery.content;
    if (!content.input || *content.input != *known->content.input || !content.output != !known->content.output ||
        (content.output && *content.output != *known->content.output)) {
      violated("webhook {} is sent with another content than was recorded", id.str());
    }
    if (scenario_.mutation == Mutation::lost_post && dice_.chance(100)) continue;
    outside_.post(std::move(post));
  }
}

/// Jobs of this turn go to workers before the commit.
void Shell::new_jobs_leave(core::Effects& turn) {
  const auto others = std::ranges::partition(turn.replies, [](const core::Reply& reply) {
    const auto* out = std::get_if<core::HandOuts>(&reply.what);
    return out && out->new_jobs;
  });
  const auto first_other = others.begin();
  for (auto reply = turn.replies.begin(); reply != first_other; ++reply) send(*reply);
  turn.replies.erase(turn.replies.begin(), first_other);
}

void Shell::answers_leave(core::Effects& turn, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) send(turn.replies[i]);
}

void Shell::send(core::Reply& reply) {
  ledger_.told(reply);
  const auto found = callers_.find(reply.to);
  if (found == callers_.end()) violated("caller {} is answered twice, or was never there", reply.to);
  const Caller caller = std::move(found->second);
  callers_.erase(found);
  caller.on_reply(reply);
}

void Shell::check_everything() {
  if (!up()) return;
  check_states(timeline_.now(), *engine_, *store_, ledger_);
  waits_.see_all(timeline_.now(), *engine_);
  if (twin_) check_twins(*store_, *twin_);
}

void Shell::check_staff() const {
  simulation::check_staff(timeline_.now(), *engine_, ledger_);
}

void Shell::probe(const core::Endpoint& endpoint) {
  if (!up() || stopping_ || scenario_.settings.modify_resets_defaults) return;
  core::SaveEndpoint command;
  command.owner = endpoint.owner;
  command.input.id = endpoint.id.str();
  command.input.name = endpoint.name;
  wake();
  if (!up() || stopping_) return;
  ledger_.turn_begins();
  core::Effects effects;
  apply(std::move(command), effects);
  end_turn(effects);
  if (!effects.orders.empty() || !effects.replies.empty() || !effects.posts.empty() || effects.records.size() > 1) {
    violated("endpoint {}: something was due, but only an unrelated command brought it about", endpoint.id.str());
  }
  finish_turn(effects);
}

// ---------------------------------------------------------------- known bugs

/// What the engine is given instead of the command.
core::Command Shell::tampered(const core::Command& command) {
  core::Command out = command;
  if (scenario_.mutation == Mutation::foreign_result) {
    auto* result = std::get_if<core::FinishJob>(&out);
    const JobShadow* job = result ? ledger_.jobs().find(result->job) : nullptr;
    if (job && job->state.status == core::JobStatus::in_progress) result->worker = job->state.worker;
  }
  if (scenario_.mutation == Mutation::unwritten_chunks) {
    if (auto* read = std::get_if<core::StreamRead>(&out)) read->written = true;
  }
  return out;
}

/// What becomes of the engine's effects.
void Shell::tamper(const core::Command* command, core::Effects& effects) {
  const auto* result = command ? std::get_if<core::FinishJob>(command) : nullptr;
  const JobShadow* job = result ? ledger_.jobs().find(result->job) : nullptr;
  if (scenario_.mutation == Mutation::overwrite_result && job && is_terminal(job->state.status)) {
    core::JobState state = job->state;
    state.status = core::JobStatus::completed;
    effects.records.push_back(core::JobChanged{result->job, state, true, result->output, {}, false, {}});
  }
  if (scenario_.mutation == Mutation::unrecorded_webhook) {
    std::erase_if(effects.records,
                  [](const auto& record) { return std::holds_alternative<core::WebhookAdded>(record); });
    effects.posts.clear();
  }
  if (scenario_.mutation == Mutation::lost_usage && dice_.chance(100)) {
    std::erase_if(effects.records, [](const auto& record) { return std::holds_alternative<core::UsageSaved>(record); });
  }
  for (core::Record& record : effects.records) {
    auto* usage = std::get_if<core::UsageSaved>(&record);
    if (usage && scenario_.mutation == Mutation::counted_twice && dice_.chance(50)) usage->value.worker_ms[2] *= 2;
    auto* budget = std::get_if<core::BudgetSaved>(&record);
    if (budget && scenario_.mutation == Mutation::ignored_budget) budget->value.per_day = 0;
  }
  if (scenario_.mutation == Mutation::double_reply && !effects.replies.empty() && dice_.chance(5)) {
    effects.replies.push_back(effects.replies.back());
  }
  if (scenario_.mutation == Mutation::lost_reply && !effects.replies.empty() && dice_.chance(5)) {
    effects.replies.pop_back();
  }
  for (core::Reply& reply : effects.replies) {
    auto* answer = std::get_if<core::JobReply>(&reply.what);
    if (!answer || !answer->job.wait) continue;
    if (scenario_.mutation == Mutation::wrong_reason) answer->job.wait->code = core::WaitCode::workers_starting;
    if (scenario_.mutation == Mutation::old_reason) answer->job.wait->since -= 10ms;
  }
  if (scenario_.mutation == Mutation::wrong_endpoint && dice_.chance(20)) {
    for (core::Record& record : effects.records) {
      auto* changed = std::get_if<core::JobChanged>(&record);
      if (!changed || changed->state.status != core::JobStatus::in_progress) continue;
      for (const auto& [id, worker] : ledger_.workers().all()) {
        if (worker.endpoint != ledger_.workers().find(changed->state.worker)->endpoint) changed->state.worker = id;
      }
    }
  }
}

}  // namespace penstock::simulation
