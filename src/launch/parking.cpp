#include "launch/parking.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>

#include "launch/session.h"
#include "launch/spawn.h"

namespace penstock::launch {
namespace {

using Kind = ParkingOrder::Kind;
using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::seconds kToolPatience{120};  // 80 GiB to host memory take seconds
constexpr std::chrono::milliseconds kToolLook{1};
constexpr std::size_t kAnswerBytesMax = 4096;

/// Runs a program to its end. Gives what it printed on standard output. Errors: unavailable.
Result<std::string> run_tool(std::vector<std::string> words) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC | O_NONBLOCK) != 0) return fail(Errc::unavailable, std::strerror(errno));
  const Descriptor reading(pipe[0]);
  Descriptor writing(pipe[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, writing.get(), STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, words[0].c_str(), &actions, &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) return fail(Errc::unavailable, fmt::format("{} cannot be run: {}", words[0], std::strerror(error)));
  writing = Descriptor();
  const auto deadline = SteadyClock::now() + kToolPatience;
  int status = 0;
  while (::waitpid(pid, &status, WNOHANG) == 0) {
    if (SteadyClock::now() > deadline) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, &status, 0);
      return fail(Errc::unavailable, fmt::format("{} did not end within {} s", words[0], kToolPatience.count()));
    }
    std::this_thread::sleep_for(kToolLook);
  }
  std::string text(kAnswerBytesMax, '\0');
  const ssize_t size = ::read(reading.get(), text.data(), text.size());
  text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return fail(Errc::unavailable, fmt::format("{} ended with status {}", words[0], status));
  }
  return text;
}

}  // namespace

std::string find_in_path(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::string_view rest = path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin";
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    const std::string candidate = std::string(rest.substr(0, end)) + "/" + name;
    if (end > 0 && ::access(candidate.c_str(), X_OK) == 0) return candidate;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return "";
}

class Parking::Worker {
 public:
  Worker(std::string tool, OnDone on_done) : tool_(std::move(tool)), on_done_(std::move(on_done)) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { run(); });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::pthread_setname_np(thread_.native_handle(), "parking");
  }

  ~Worker() {
    {
      const std::lock_guard lock(mutex_);
      quit_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  bool has_tool() const { return !tool_.empty(); }

  void give(ParkingOrder order) {
    {
      const std::lock_guard lock(mutex_);
      (order.kind == Kind::reclaim ? patient_ : urgent_).push_back(std::move(order));
    }
    changed_.notify_all();
  }

 private:
  void run() {
    while (true) {
      ParkingOrder order;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return quit_ || !urgent_.empty() || !patient_.empty(); });
        if (quit_) return;
        auto& queue = urgent_.empty() ? patient_ : urgent_;
        order = std::move(queue.front());
        queue.pop_front();
      }
      carry_out(std::move(order));
    }
  }

  void carry_out(ParkingOrder order) {
    Result<void> done;
    if (order.kind == Kind::park) done = park(order);
    if (order.kind == Kind::unpark) done = unpark(order);
    if (order.kind == Kind::recall) done = advise(order, MADV_WILLNEED, [] { return true; });
    if (order.kind == Kind::reclaim) {
      bool interrupted = false;
      done = advise(order, MADV_PAGEOUT, [&] {
        interrupted = interrupted || something_urgent();
        return !interrupted && !*order.cancelled;
      });
      if (interrupted && !*order.cancelled) return give(std::move(order));
    }
    on_done_({std::move(order), done ? std::string() : done.error().message});
  }

  bool something_urgent() {
    const std::lock_guard lock(mutex_);
    return quit_ || !urgent_.empty();
  }

  Result<void> park(const ParkingOrder& order) {
    std::vector<pid_t> parked;
    for (const pid_t pid : order.gpu_processes) {
      // A helper that only inherited an open device has no GPU memory, and the tool says so by its failure.
      const auto state = run_tool({tool_, "--get-state", "--pid", std::to_string(pid)});
      if (!state || !state->starts_with("running")) continue;
      if (auto done = toggle(pid); !done) {
        for (const pid_t other : parked) (void)toggle(other);
        return done;
      }
      parked.push_back(pid);
    }
    if (parked.empty()) return fail(Errc::unavailable, "it uses a GPU, but " + tool_ + " finds none of its processes");
    return {};
  }

  /// Asks for each process, since a server that died may have parked some without anybody's knowing.
  Result<void> unpark(const ParkingOrder& order) {
    for (const ProcessStat& process : session_processes(order.leader)) {
      const auto state = run_tool({tool_, "--get-state", "--pid", std::to_string(process.pid)});
      if (!state || !state->starts_with("checkpointed")) continue;  // it has no GPU memory, or has it where it belongs
      if (auto done = toggle(process.pid); !done) return done;
    }
    return {};
  }

  Result<void> toggle(pid_t pid) const {
    const auto said = run_tool({tool_, "--toggle", "--pid", std::to_string(pid)});
    if (!said) return tl::unexpected<Error>(said.error());
    return {};
  }

  static Result<void> advise(const ParkingOrder& order, int advice, const std::function<bool()>& go_on) {
    for (const ProcessStat& process : session_processes(order.leader)) {
      if (auto done = advise_memory(process.pid, advice, go_on); !done) return done;
    }
    return {};
  }

  const std::string tool_;
  const OnDone on_done_;
  std::mutex mutex_;  // for the three below
  std::deque<ParkingOrder> urgent_;
  std::deque<ParkingOrder> patient_;
  bool quit_ = false;
  std::condition_variable changed_;
  std::thread thread_;
};

Parking::Parking(std::string cuda_checkpoint, OnDone on_done)
    : worker_(std::make_unique<Worker>(std::move(cuda_checkpoint), std::move(on_done))) {}
Parking::~Parking() = default;

bool Parking::can_park() const {
  return worker_->has_tool();
}

void Parking::give(ParkingOrder order) {
  worker_->give(std::move(order));
}

}  // namespace penstock::launch
