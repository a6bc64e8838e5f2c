#pragma once

#include <map>
#include <memory>
#include <set>
#include <vector>

#include "launch/simulated_launcher.h"
#include "shell.h"

namespace penstock::simulation {

/// All workers of a run, managed and external, doing what the runpod SDK does (contract/data-plane 2): a take loop, a
/// stop loop, pings from a process of their own, chunks, progress, results, and everything that can go wrong with
/// these.
class WorkerPark {
 public:
  WorkerPark(const Scenario& scenario, Timeline& timeline, Dice& dice, Shell*& shell);
  ~WorkerPark();

  // what the shell wants of the launcher
  void give_order(core::LaunchOrder order);
  void server_died();

  /// Lets the launcher catch up with the time, and begins or buries workers accordingly.
  void advance();
  std::optional<Time> next_event() const { return launcher_.next_event(); }

  void attach(const EndpointId& endpoint, const WorkerId& worker);
  /// The user's process of an external worker ends; now and then without a word to the server.
  void end_external(const WorkerId& worker);
  std::vector<std::pair<EndpointId, WorkerId>> external() const;

  /// No new faults from now on, and workers that hang are killed, as their operator would.
  void calm_down();
  /// Managed workers that are alive.
  std::set<WorkerId> living() const { return launcher_.living(); }

 private:
  struct Behaviour;
  struct Run;
  struct Member;

  Behaviour draw_behaviour();
  void on_launcher(launch::Event event);
  Member& begin(const WorkerId& id, const EndpointId& endpoint, const Behaviour& behaviour, bool external);
  void bury(const WorkerId& id);
  void set_frozen(Member& member, bool frozen);
  Member* find(const WorkerId& id, std::uint64_t life);
  void later(Member& member, Millis delay, void (WorkerPark::*what)(Member&));

  void take(Member& member);
  void take_answered(const WorkerId& id, std::uint64_t life, core::Reply& reply);
  void poll_stops(Member& member);
  void stops_answered(Member& member, const core::StopList& list);
  void ping(Member& member);

  void receive(Member& member, const std::vector<core::HandOut>& jobs);
  void start_run(Member& member, const JobId& job);
  void next_act(Member& member, const JobId& job, std::uint64_t exec);
  void act(const WorkerId& id, std::uint64_t life, const JobId& job, std::uint64_t exec);
  void post_chunk(Member& member, Run& run);
  void post_result(Member& member, Run& run, int tries_left);
  void finished(Member& member, const JobId& job, std::uint64_t exec);
  void die(Member& member);

  const Scenario& scenario_;
  Timeline& timeline_;
  Dice& dice_;
  Shell*& shell_;
  launch::SimulatedLauncher launcher_;
  std::map<WorkerId, Behaviour> plans_;
  std::map<WorkerId, EndpointId> homes_;
  std::map<WorkerId, std::unique_ptr<Member>> members_;
  std::uint64_t next_life_ = 1;
  std::uint64_t next_exec_ = 1;
  bool calm_ = false;
};

}  // namespace penstock::simulation
