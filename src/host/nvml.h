#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "core/fleet/gpu_reading.h"

namespace penstock::host {

/// NVIDIA's management library, loaded when the server runs: a machine without it needs nothing of it. One thread at a
/// time. Any call may take long, or for ever on a broken driver.
class Nvml {
 public:
  virtual ~Nvml() = default;

  /// Every GPU that the driver lists. One that does not answer any more has a `problem`, and no UUID where it does not
  /// even tell that. Errors: unavailable (the driver as a whole does not answer; open it again).
  virtual Result<core::GpuReadings> read() = 0;
};

inline constexpr const char* kNvmlLibrary = "libnvidia-ml.so.1";

/// `library`: a name that the dynamic linker finds, or a path. Errors: not_found (there is none), unavailable (it is
/// there and does not start, or lacks functions that are needed).
Result<std::unique_ptr<Nvml>> open_nvml(const std::string& library);

}  // namespace penstock::host
