#include "host/gpu_watch.h"

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "base/log.h"
#include "host/nvml.h"

namespace penstock::host {
namespace {

constexpr Millis kEnd{2'000};

}  // namespace

/// Shared with the thread, which may outlive its owner when the driver hangs.
struct GpuWatch::State {
  std::string library;
  Millis every{};
  Sink sink;
  std::mutex mutex;
  std::condition_variable changed;
  bool ending = false;
  bool ended = false;
  std::thread thread;

  /// False: it is over.
  bool wait() {
    std::unique_lock lock(mutex);
    return !changed.wait_for(lock, every, [this] { return ending; });
  }

  void tell(core::GpuReadings readings) {
    const std::lock_guard lock(mutex);
    if (!ending) sink(std::move(readings));
  }

  void run() {
    std::unique_ptr<Nvml> nvml;
    std::string last_problem;
    const auto failed = [&](const Error& error) {
      nvml.reset();
      if (error.message == last_problem) return;
      last_problem = error.message;
      log::warn("the health of the GPUs is not known: {}", error.message);
    };
    do {
      if (!nvml) {
        auto opened = open_nvml(library);
        if (!opened) {
          failed(opened.error());
          continue;
        }
        nvml = std::move(*opened);
      }
      auto readings = nvml->read();
      if (!readings) {
        failed(readings.error());
        continue;
      }
      if (!last_problem.empty()) log::info("the driver tells the health of the GPUs again");
      last_problem.clear();
      tell(std::move(*readings));
    } while (wait());
  }
};

GpuWatch::GpuWatch(std::string library, Millis every, Sink sink) : state_(std::make_shared<State>()) {
  state_->library = std::move(library);
  state_->every = every;
  state_->sink = std::move(sink);
  state_->thread = std::thread([state = state_] {
    state->run();
    const std::lock_guard lock(state->mutex);
    state->ended = true;
    state->changed.notify_all();
  });
}

GpuWatch::~GpuWatch() {
  std::unique_lock lock(state_->mutex);
  state_->ending = true;
  state_->changed.notify_all();
  const bool ended = state_->changed.wait_for(lock, kEnd, [this] { return state_->ended; });
  lock.unlock();
  if (ended) {
    state_->thread.join();
  } else {
    log::warn("the NVIDIA driver does not answer; its reader is left behind");
    state_->thread.detach();
  }
}

}  // namespace penstock::host
