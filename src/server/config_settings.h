#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "server/config.h"

namespace penstock::server {

/// One setting and how its text becomes a part of the configuration.
struct Setting {
  std::string key;
  std::string help;
  std::function<Result<void>(Config&, const std::string&)> set;  // errors: invalid, without the key
  std::string initial = {};
};

/// All of them, in the order in which they are listed.
const std::vector<Setting>& settings();

/// Calls with each limit's name and its number.
template <class Limits, class Call>
void for_each_limit(Limits& limits, Call call) {
  for (std::size_t i = 0; i < core::kOperations; ++i) {
    const auto operation = static_cast<core::Operation>(i);
    const std::string name(core::to_text(operation));
    call(name + "_per_10s", limits.of(operation).per_window);
    call(name + "_concurrent", limits.of(operation).concurrent);
  }
}

}  // namespace penstock::server
