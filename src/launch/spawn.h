#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "launch/launcher.h"

namespace penstock::launch {

/// Owns a file descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~Descriptor();

  int get() const { return value_; }
  explicit operator bool() const { return value_ >= 0; }

 private:
  int value_ = -1;
};

struct Spawned {
  pid_t pid = 0;
  Descriptor pidfd;
};

/// What a spec comes to on this machine.
struct Prepared {
  std::string directory;
  std::string program;  // the file to run
  std::vector<core::EnvVar> environment;
};

/// Errors: invalid (the message names the value and what is accepted).
Result<Prepared> prepare_spawn(const WorkerSpec& spec);

/// Runs the program as leader of a new session in the directory, with exactly that environment, nothing to read,
/// standard output and error to `log`, and no other descriptor than those `passed`, from 3 on. Errors: unavailable.
Result<Spawned> spawn_process(std::vector<std::string> arguments, const Prepared& prepared, int log,
                              const std::vector<int>& passed = {});

/// The spec's variables, and of the server's own those that a program needs to find its way about and that the spec
/// does not set. Nothing else of the server's environment reaches a worker.
std::vector<core::EnvVar> worker_environment(const WorkerSpec& spec);

Descriptor open_pidfd(pid_t pid);

/// False when the process is gone.
bool send_signal(const Descriptor& pidfd, int signal);

}  // namespace penstock::launch
