#include "launch/spawn.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace penstock::launch {
namespace {

constexpr std::string_view kImagePrefix = "process:";
constexpr const char* kPassedThrough[] = {"PATH", "HOME", "LANG",          "LC_ALL",      "TMPDIR",
                                          "TZ",   "USER", "SSL_CERT_FILE", "SSL_CERT_DIR"};
constexpr const char* kDefaultPath = "/usr/local/bin:/usr/bin:/bin";

Result<std::string> directory_of(const std::string& image) {
  if (!image.starts_with(kImagePrefix)) {
    return fail(Errc::invalid,
                fmt::format("image \"{}\" cannot be run here: process:<absolute directory> is accepted", image));
  }
  std::string directory = image.substr(kImagePrefix.size());
  if (directory.empty() || directory[0] != '/') {
    return fail(
        Errc::invalid,
        fmt::format("image \"{}\" names no absolute directory: process:<absolute directory> is accepted", image));
  }
  struct stat info{};
  if (::stat(directory.c_str(), &info) != 0) {
    return fail(Errc::invalid, fmt::format("image \"{}\": the directory {} cannot be used: {}", image, directory,
                                           std::strerror(errno)));
  }
  if (!S_ISDIR(info.st_mode)) {
    return fail(Errc::invalid, fmt::format("image \"{}\": {} is not a directory", image, directory));
  }
  return directory;
}

bool is_program(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

std::string in_directory(const std::string& directory, const std::string& path) {
  return path.starts_with('/') ? path : directory + "/" + path;
}

const std::string* find_variable(const std::vector<core::EnvVar>& environment, std::string_view key) {
  const auto found = std::find_if(environment.begin(), environment.end(), [&](const auto& v) { return v.key == key; });
  return found == environment.end() ? nullptr : &found->value;
}

/// posix_spawnp would search the server's PATH; a worker expects its own.
Result<std::string> find_program(const std::string& name, const std::string& directory,
                                 const std::vector<core::EnvVar>& environment) {
  if (name.find('/') != std::string::npos) {
    std::string path = in_directory(directory, name);
    if (is_program(path)) return path;
    return fail(Errc::invalid, fmt::format("program \"{}\" cannot be run: {} is not an executable file", name, path));
  }
  const std::string* set = find_variable(environment, "PATH");
  const std::string path_list = set != nullptr ? *set : kDefaultPath;
  std::string_view rest = path_list;
  while (!name.empty()) {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    const std::string entry(rest.substr(0, end));
    std::string path = in_directory(directory, entry.empty() ? name : entry + "/" + name);
    if (is_program(path)) return path;
    if (end == rest.size()) break;
    rest.remove_prefix(end + 1);
  }
  return fail(Errc::invalid,
              fmt::format("program \"{}\" is not found as an executable file in PATH \"{}\"", name, path_list));
}

Result<void> check_texts(const WorkerSpec& spec, const std::vector<core::EnvVar>& environment) {
  if (spec.command.empty())
    return fail(Errc::invalid, "the command is empty: a program and its arguments are accepted");
  for (const std::string& argument : spec.command) {
    if (argument.find('\0') != std::string::npos) {
      return fail(Errc::invalid, fmt::format("argument \"{}\" holds a zero byte", argument.c_str()));
    }
  }
  for (const core::EnvVar& variable : environment) {
    if (variable.key.empty() || variable.key.find('=') != std::string::npos) {
      return fail(Errc::invalid,
                  fmt::format("environment variable \"{}\": a name without '=' is accepted", variable.key));
    }
    if (variable.key.find('\0') != std::string::npos || variable.value.find('\0') != std::string::npos) {
      return fail(Errc::invalid, fmt::format("environment variable \"{}\" holds a zero byte", variable.key.c_str()));
    }
  }
  return {};
}

class SpawnSettings {
 public:
  SpawnSettings(const std::string& directory, int log, const std::vector<Descriptor>& passed) {
    sigset_t all;
    sigset_t none;
    sigfillset(&all);
    sigemptyset(&none);
    note(posix_spawnattr_init(&attributes_));
    note(posix_spawnattr_setsigdefault(&attributes_, &all));
    note(posix_spawnattr_setsigmask(&attributes_, &none));
    note(posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK));
    note(posix_spawn_file_actions_init(&actions_));
    note(posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0));
    note(posix_spawn_file_actions_adddup2(&actions_, log, STDOUT_FILENO));
    note(posix_spawn_file_actions_adddup2(&actions_, log, STDERR_FILENO));
    int next = STDERR_FILENO + 1;
    for (const Descriptor& descriptor : passed) {
      note(posix_spawn_file_actions_adddup2(&actions_, descriptor.get(), next++));
    }
    note(posix_spawn_file_actions_addclosefrom_np(&actions_, next));
    note(posix_spawn_file_actions_addchdir_np(&actions_, directory.c_str()));
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }

  int error() const { return error_; }
  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  void note(int error) {
    if (error_ == 0) error_ = error;
  }

  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
  int error_ = 0;
};

/// What execve wants: pointers into `texts`, and a null.
std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

/// A worker that cannot be watched must not run.
void end_unwatched(pid_t pid) {
  ::kill(-pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

}  // namespace

Descriptor::~Descriptor() {
  if (value_ >= 0) ::close(value_);
}

Descriptor open_pidfd(pid_t pid) {
  return Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

bool send_signal(const Descriptor& pidfd, int signal) {
  return ::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) == 0;
}

std::vector<core::EnvVar> worker_environment(const WorkerSpec& spec) {
  std::vector<core::EnvVar> environment;
  for (const core::EnvVar& variable : spec.environment) {
    const auto same = std::find_if(environment.begin(), environment.end(),
                                   [&](const core::EnvVar& earlier) { return earlier.key == variable.key; });
    if (same == environment.end()) {
      environment.push_back(variable);
    } else {
      same->value = variable.value;
    }
  }
  for (const char* key : kPassedThrough) {
    const char* value = std::getenv(key);
    if (value != nullptr && find_variable(environment, key) == nullptr) environment.push_back({key, value});
  }
  return environment;
}

Result<Prepared> prepare_spawn(const WorkerSpec& spec) {
  std::vector<core::EnvVar> environment = worker_environment(spec);
  if (auto checked = check_texts(spec, environment); !checked) return tl::unexpected(checked.error());
  auto directory = directory_of(spec.image);
  if (!directory) return tl::unexpected(directory.error());
  auto program = find_program(spec.command[0], *directory, environment);
  if (!program) return tl::unexpected(program.error());
  return Prepared{std::move(*directory), std::move(*program), std::move(environment)};
}

Result<Spawned> spawn_process(std::vector<std::string> arguments, const Prepared& prepared, int log,
                              const std::vector<int>& passed) {
  std::vector<std::string> variables;
  for (const core::EnvVar& variable : prepared.environment) variables.push_back(variable.key + "=" + variable.value);
  // Beyond all that they become, so that none is overwritten before its turn.
  std::vector<Descriptor> high;
  const int lowest = STDERR_FILENO + 1 + static_cast<int>(passed.size());
  for (const int descriptor : passed) high.emplace_back(::fcntl(descriptor, F_DUPFD_CLOEXEC, lowest));
  const SpawnSettings settings(prepared.directory, log, high);
  Spawned spawned;
  int error = settings.error();
  if (error == 0) {
    error = ::posix_spawn(&spawned.pid, prepared.program.c_str(), settings.actions(), settings.attributes(),
                          pointers(arguments).data(), pointers(variables).data());
  }
  if (error != 0) {
    return fail(Errc::unavailable, fmt::format("program {} cannot be run in {}: {}", prepared.program,
                                               prepared.directory, std::strerror(error)));
  }
  spawned.pidfd = open_pidfd(spawned.pid);
  if (!spawned.pidfd) {
    const int reason = errno;
    end_unwatched(spawned.pid);
    return fail(Errc::unavailable,
                fmt::format("program {} cannot be watched: {}", prepared.program, std::strerror(reason)));
  }
  const rlimit no_core{0, 0};
  ::prlimit(spawned.pid, RLIMIT_CORE, &no_core, nullptr);
  return spawned;
}

}  // namespace penstock::launch
