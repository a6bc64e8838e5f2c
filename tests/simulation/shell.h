#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "core/engine.h"
#include "ledger.h"
#include "scenario.h"
#include "store/store.h"
#include "timeline.h"
#include "trace_hash.h"
#include "wait_check.h"

namespace penstock::simulation {

/// The server around the engine, as server/core_loop has it: commands gather to turns, a turn is committed, then
/// answers leave and orders are given. It may die at every point between, and comes back later with what the store has.
class Shell {
 public:
  struct Caller {
    std::function<void(core::Reply&)> on_reply;
    std::function<void()> on_broken = [] {};  // the connection broke: the server died
  };
  struct Outside {
    std::function<void(core::LaunchOrder)> give_order;
    std::function<void(core::PostWebhook)> post;  // whole
    std::function<void()> server_died;            // nobody watches the workers now
  };

  Shell(const Scenario& scenario, Timeline& timeline, Dice& dice, Tally& tally, Outside outside);
  ~Shell();

  bool up() const { return engine_ != nullptr; }
  const core::Engine& engine() const { return *engine_; }
  const Ledger& ledger() const { return ledger_; }
  const WaitCheck& waits() const { return waits_; }
  std::uint64_t trace() const { return trace_.value(); }

  /// The first start.
  void begin();

  /// The server must be up. The caller is answered at most once, or hears that the connection broke.
  template <class C>
  core::Token call(C command, Caller caller) {
    const core::Token token = next_token_++;
    command.to = token;
    callers_.emplace(token, std::move(caller));
    give(std::move(command));
    return token;
  }
  void give(core::Command command);
  /// Like the server's: the connection of a caller was closed.
  void forget(core::Token token);
  /// Brings a job that the engine let go of back; may run a turn.
  void recall(const EndpointId& endpoint, const JobId& job);

  std::optional<Time> wake_time() const;
  void wake();

  /// SIGTERM to the server: everybody is answered, and a little later it is gone.
  void stop_gracefully(core::StopWorkers which);
  /// Starts the server if it is down; no more faults of the server from now on.
  void calm_down();
  void check_everything();
  void check_staff() const;
  /// Saving an endpoint as it is makes the engine look at it again. Nothing else may come of that: what is due must
  /// have been done, or the engine must have asked to be woken up for it.
  void probe(const core::Endpoint& endpoint);

 private:
  enum class Death { none, before_commit, after_commit, between_replies, between_orders };

  void run_turn();
  void apply(core::Command command, core::Effects& turn);
  void know_input(const core::JobRequest& request, core::Effects& turn);
  void read_inputs(core::ReadInputs wanted);
  void end_turn(core::Effects& turn);
  void see(Time now, const core::Command* command, core::Effects& effects, core::Effects& turn);
  void know_first(const core::Submit& submit, core::Effects& turn);
  core::Command tampered(const core::Command& command);
  void tamper(const core::Command* command, core::Effects& effects);
  void expect_answer(const core::Command& command, core::Token token);
  void finish_turn(core::Effects& turn);
  void posts_leave(core::Effects& turn);
  void new_jobs_leave(core::Effects& turn);
  void answers_leave(core::Effects& turn, std::size_t count);
  void send(core::Reply& reply);
  void commit(const core::Effects& turn);
  void check_waiting() const;
  Death choose_death();
  void die(bool turn_lost);
  void start();

  const Scenario& scenario_;
  Timeline& timeline_;
  Dice& dice_;
  Tally& tally_;
  Outside outside_;
  SeededRandom identifiers_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<store::Store> twin_;
  Ledger ledger_;
  WaitCheck waits_;
  TraceHash trace_;

  std::unique_ptr<core::Engine> engine_;
  std::vector<core::Command> inbox_;
  std::vector<core::Token> gone_;
  std::map<core::Token, Caller> callers_;
  std::map<core::Token, Time> unanswered_;  // by when the engine must answer
  core::Token next_token_ = 1;
  std::uint64_t life_ = 0;  // server processes so far
  std::optional<Time> died_;
  std::vector<core::Absence> absences_;
  bool turn_planned_ = false;
  bool stopping_ = false;
  bool calm_ = false;
};

}  // namespace penstock::simulation
