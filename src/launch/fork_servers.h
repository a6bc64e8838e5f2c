#pragma once

#include <chrono>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "launch/fork_plan.h"
#include "launch/spawn.h"

namespace penstock::launch {

/// Python processes that have imported `runpod`, and what the template's PENSTOCK_PRELOAD names, and of which a worker
/// is forked in milliseconds: one for each interpreter, directory and environment (but for what differs from worker to
/// worker). A worker that was forked is a process like any other: child of this one, which must be a child subreaper,
/// and leader of its own session, with the environment, directory and log of its spec. Each fork server keeps one spare
/// process, forked already, which becomes the next worker; it runs nothing of its own until fork_worker has heard that
/// it is ready, so that one that was given up never begins.
///
/// A fork server is never used once a file that it consists of has changed, nor when what it imports has started
/// threads or uses a GPU. It ends with this process, however that ends. Owned by one thread.
class ForkServers {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  struct Options {
    bool enabled = true;
    std::size_t servers_max = 8;            // one more takes the place of one that was not used lately, if there is one
    std::chrono::seconds idle_max{3600};    // without a start, until it ends
    std::chrono::seconds lately{300};       // used since then: nothing takes its place
    std::chrono::milliseconds after{1000};  // from a start that had none until one is prepared, so as not to slow that
    std::chrono::seconds load_max{120};     // for all that is imported
    std::chrono::seconds retry{300};        // after one was of no use, and no file of it has changed
    std::chrono::milliseconds answer_max{500};  // each of the two that a start may wait for
    std::chrono::milliseconds spare_after{50};  // from a start until the next spare is forked, so as not to slow that
    std::string log_file;                       // what they print
  };

  explicit ForkServers(Options options);
  ~ForkServers();

  /// A worker forked from a server that is ready for it. Nothing: it is to be spawned, and where a fork server could
  /// have served it, one is prepared for the next.
  std::optional<Spawned> fork_worker(const WorkerSpec& spec, const Prepared& prepared, int log, Instant now);

  /// Does what is due. To be called at next(), and when descriptor() is readable.
  void tick(Instant now);
  std::optional<Instant> next() const;
  const Descriptor& descriptor() const { return epoll_; }

  /// True: a child that only this object may wait for.
  bool is_one(pid_t pid) const;

 private:
  enum class State { waiting, loading, ready, useless };
  struct Spare;
  struct Server;
  using Place = std::list<Server>::iterator;

  Place find(const std::string& key);
  void forget(Place server);
  void make_later(ForkPlan plan, const std::string& directory, Instant now);
  bool make_room(Instant now);
  void begin(Server& server, Instant now);
  void give_up(Server& server, Instant now, const std::string& why);
  void look(Server& server, Instant now);
  void loaded(Server& server, Instant now);
  void take_spare(Server& server, Instant now, std::string_view text, Descriptor link);
  Result<Spawned> ask(Server& server, Instant now, const std::string& text, int log);
  void order_spare(Server& server);
  void end(Server& server);
  void end_process(Spawned process);
  void reap();
  bool is_loading() const;

  const Options options_;
  const Descriptor epoll_;
  std::list<Server> servers_;
  std::vector<Spawned> ending_;  // were killed, and are to be waited for
};

}  // namespace penstock::launch
