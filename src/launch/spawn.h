#pragma once

#include <sys/types.h>

#include <string>
#include <utility>

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

/// Runs the worker's command as leader of a new session in the image's directory, with exactly the environment that
/// worker_environment() gives, nothing to read, standard output and error to `log`, and no other descriptor. Errors:
/// invalid (the spec; the message names the value and what is accepted), unavailable (this machine).
Result<Spawned> spawn_worker(const WorkerSpec& spec, int log);

/// The spec's variables, and of the server's own those that a program needs to find its way about and that the spec
/// does not set. Nothing else of the server's environment reaches a worker.
std::vector<core::EnvVar> worker_environment(const WorkerSpec& spec);

Descriptor open_pidfd(pid_t pid);

/// False when the process is gone.
bool send_signal(const Descriptor& pidfd, int signal);

}  // namespace penstock::launch
