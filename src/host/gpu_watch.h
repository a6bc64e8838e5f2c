#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/time.h"
#include "core/fleet/gpu_reading.h"

namespace penstock::host {

/// Reads the GPUs again and again on a thread of its own, because a driver may take its time, or hang. `sink` is called
/// on that thread and must only hand the reading over. A driver that does not answer is warned about once and asked
/// again each time. The end waits for a reading in progress for a moment only: a thread that hangs in the driver cannot
/// be joined, and is left to the end of the process.
class GpuWatch {
 public:
  using Sink = std::function<void(core::GpuReadings)>;

  GpuWatch(std::string library, Millis every, Sink sink);
  ~GpuWatch();
  GpuWatch(const GpuWatch&) = delete;
  GpuWatch& operator=(const GpuWatch&) = delete;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace penstock::host
