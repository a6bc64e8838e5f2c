#pragma once

#include <optional>
#include <string>
#include <vector>

namespace penstock::core {

/// What the driver says of one GPU at one instant.
struct GpuReading {
  int index = 0;  // the driver's, in bus order
  std::string uuid;
  std::string type;
  int memory_mb = 0;
  std::optional<int> memory_used_mb;
  std::optional<int> utilization_percent;
  std::optional<int> temperature_c;
  std::string problem;  // in words; empty: it says of none

  friend bool operator==(const GpuReading&, const GpuReading&) = default;
};

/// The same of all GPUs of a machine.
struct GpuReadings {
  std::string driver_version;
  std::string cuda_version;  // the newest that the driver runs: "12.4"; empty: it does not say
  std::vector<GpuReading> gpus;

  friend bool operator==(const GpuReadings&, const GpuReadings&) = default;
};

}  // namespace penstock::core
