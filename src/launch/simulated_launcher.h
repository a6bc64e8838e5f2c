#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "launch/launcher.h"

namespace penstock::launch {

/// What a simulated worker does with its life.
struct SimulatedBehaviour {
  std::optional<std::string> start_failure{};  // the reason: it never comes to life
  Millis start_delay{0};
  std::optional<Millis> exit_after{};  // from its start; none: it runs until it is stopped
  int exit_code = 0;                   // also after SIGTERM
  std::optional<int> exit_signal{};    // it ends by this signal instead of with exit_code
  bool ignores_term = false;           // only SIGKILL ends it
  Millis drain{0};                     // from SIGTERM to its end
  bool survives_restart = true;        // false: it ends unseen when the server does
  std::vector<std::string> log{};      // what it has printed
};

/// Workers on virtual time, for the simulation and tests: nothing happens until advance(), which then calls the sink on
/// the caller's thread. The sink may call back. One thread only.
class SimulatedLauncher final : public Launcher {
 public:
  using Script = std::function<SimulatedBehaviour(const WorkerSpec&)>;

  /// `script` is asked once for each start.
  SimulatedLauncher(Script script, EventSink sink);
  ~SimulatedLauncher() override;

  void start(WorkerSpec spec) override;
  void stop(WorkerId id, Millis grace) override;
  void adopt(WorkerId id, std::string handle, AdoptAs as) override;
  void freeze(WorkerId id) override;
  void thaw(WorkerId id) override;
  Result<std::vector<std::string>> log_tail(const WorkerId& id, std::size_t lines_max) override;

  /// Time goes on to `now` (never back) and what is due by then is told, in the order of its instants.
  void advance(Time now);

  /// When advance() has something to do next; nothing while no time is fixed.
  std::optional<Time> next_event() const;

  /// The server ends here and now, and another one begins: events not yet told are lost and nobody watches the workers
  /// until they are adopted.
  void restart();

  /// The worker ends by SIGKILL at once, as of the kernel's want of memory.
  void crash(const WorkerId& id);

  /// The worker ends by itself, with this exit code, at once.
  void die(const WorkerId& id, int exit_code);
  bool is_frozen(const WorkerId& id) const;

  /// Workers that are alive, watched or not.
  std::set<WorkerId> living() const;

 private:
  struct Worker;
  using Agenda = std::multimap<Time, std::function<void()>>;

  void begin(const WorkerId& id);
  void finish(const WorkerId& id);
  void stop(Worker& worker, Millis grace);
  void reschedule(Worker& worker);
  void tell_soon(Event event);

  Script script_;
  EventSink sink_;
  Time now_{};
  std::uint64_t next_number_ = 1;
  Agenda agenda_;
  std::map<WorkerId, std::unique_ptr<Worker>> workers_;
  std::map<WorkerId, std::vector<std::string>> logs_;
};

}  // namespace penstock::launch
