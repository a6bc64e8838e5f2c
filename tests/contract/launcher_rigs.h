#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "launch/launcher.h"

namespace penstock::launch::contract {

/// What the worker of a test does. Each prints "ready" once it behaves so.
struct Life {
  enum class Kind {
    exits,         // at once, with `code`
    dies,          // at once, by signal `code`
    runs,          // until SIGTERM, which ends it as a signal does
    drains,        // until SIGTERM, and exits with `code` then
    stubborn,      // until SIGKILL
    never_starts,  // StartFailed
  };
  Kind kind = Kind::runs;
  int code = 0;
};

/// One kind of launcher under test, with all events that it told.
class Rig {
 public:
  virtual ~Rig() = default;

  virtual Launcher& launcher() = 0;
  virtual WorkerSpec spec(const WorkerId& id, const Life& life) = 0;

  /// True once `condition` holds; false when it has not come true in good time.
  virtual bool wait(const std::function<bool()>& condition) = 0;
  virtual std::vector<Event> events() const = 0;
  virtual Time now() const = 0;

  /// The server ends, `meanwhile` happens, and another one begins. Events of before are kept.
  virtual void restart(const std::function<void()>& meanwhile = {}) = 0;
  /// To be called while the server is down.
  virtual void end_unseen(const std::string& handle) = 0;
  /// What the handle would be, had the name of the process or simulated worker gone to another one since.
  virtual std::string reused(const std::string& handle) const = 0;
};

std::unique_ptr<Rig> make_process_rig();
std::unique_ptr<Rig> make_simulated_rig();

}  // namespace penstock::launch::contract
