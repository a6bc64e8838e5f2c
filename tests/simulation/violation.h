#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace penstock::simulation {

/// A promise of the system was broken. Ends the run; whoever started it prints the seed.
class Violation : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

template <class... Args>
[[noreturn]] void violated(fmt::format_string<Args...> text, Args&&... args) {
  throw Violation(fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace penstock::simulation
