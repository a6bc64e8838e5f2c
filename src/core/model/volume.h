#pragma once

#include <string>

#include "base/ids.h"
#include "base/time.h"

namespace penstock::core {

/// A directory in one data centre that the workers of the endpoints that name it share (contract/control-plane 2.8).
struct NetworkVolume {
  VolumeId id;
  AccountId owner;
  std::string name;
  int size_gb = 0;  // as asked for; nothing here enforces it
  std::string data_center;
  Time created{};

  friend bool operator==(const NetworkVolume&, const NetworkVolume&) = default;
};

}  // namespace penstock::core
