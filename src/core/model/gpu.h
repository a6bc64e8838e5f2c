#pragma once

#include <optional>
#include <string>

#include "base/time.h"

namespace penstock::core {

/// A GPU that no worker gets, and why: kept until somebody releases it. A mark that was released stays for as long as
/// the driver still says the same of the GPU, so that what was accepted once does not count again.
struct GpuMark {
  std::string id;  // its UUID, or node:index where it has none
  std::string node;
  int index = 0;
  std::string type;
  std::string reason;
  Time since{};
  std::optional<Time> released;

  friend bool operator==(const GpuMark&, const GpuMark&) = default;
};

}  // namespace penstock::core
