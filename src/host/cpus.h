#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace penstock::host {

/// The CPUs of one model in this machine.
struct Cpu {
  std::string name;
  std::string manufacturer;  // empty: not said
  int cores = 0;             // of all sockets together
  int threads_per_core = 1;
};

/// What /proc/cpuinfo says; empty when it says nothing that is understood.
std::vector<Cpu> find_cpus();

/// The parser behind it.
std::vector<Cpu> parse_cpuinfo(std::string_view text);

}  // namespace penstock::host
