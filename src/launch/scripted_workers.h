#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/commands.h"
#include "launch/simulated_launcher.h"

namespace penstock::launch {

/// One start of a worker.
struct WorkerPlan {
  std::optional<std::string> start_failure{};  // the reason: it never comes to life
  Millis loading{0};                           // from its start to its first job-take
  std::optional<int> crash_code{};             // it exits so when it has loaded, and never takes a job
};

/// One job in the hands of a worker.
struct JobPlan {
  Millis execution{0};
  core::Bytes output{};                // null: the job's input
  std::optional<std::string> error{};  // the job fails with it
  std::optional<int> death_code{};     // the worker exits so instead of giving a result
  bool hangs = false;                  // no result ever comes
};

/// Workers that exist only in time: they start, take jobs one by one, give results and die as planned, through the
/// commands that real ones cause. For users' tests on a virtual clock and for `penstock simulate`. Nothing happens
/// until advance(). They never ping, so their jobs stay theirs for as long as they live (contract/data-plane 2.16).
///
/// One thread. `Outside` must outlive it.
class ScriptedWorkers {
 public:
  struct Outside {
    std::function<void(core::Command)> give;
    /// A token for one caller, as api::Core::expect.
    std::function<core::Token(std::function<void(core::Reply)>)> expect;
    std::function<WorkerPlan(const core::StartWorker&)> plan_worker;
    std::function<JobPlan(const EndpointId&, const core::HandOut&)> plan_job;
  };

  explicit ScriptedWorkers(Outside outside);
  ~ScriptedWorkers();

  /// What the core wants of a launcher. Orders that are not about workers do nothing.
  void obey(const core::LaunchOrder& order);

  /// Time goes on to `now`, never back; what is due by then happens, in the order of its instants.
  void advance(Time now);
  /// When advance() has something to do next.
  std::optional<Time> next_event() const;

  std::size_t living() const { return members_.size(); }

 private:
  struct Member;
  using Agenda = std::multimap<Time, std::function<void()>>;

  void start(const core::StartWorker& order);
  void on_launcher(Event event);
  void take(Member& member);
  void taken(const WorkerId& id, std::uint64_t life, Time asked, const core::Reply& reply);
  void work(Member& member, const core::HandOut& job);
  void finish(const WorkerId& id, std::uint64_t life, const core::HandOut& job, const JobPlan& plan);
  Member* find(const WorkerId& id, std::uint64_t life);

  Outside outside_;
  Time now_{};
  Agenda agenda_;
  std::map<WorkerId, std::unique_ptr<Member>> members_;
  std::uint64_t next_life_ = 1;
  SimulatedLauncher launcher_;
};

}  // namespace penstock::launch
