#include "bench/support/measure.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

namespace penstock::bench {

void die(std::string_view text) {
  std::fprintf(stderr, "%.*s\n", static_cast<int>(text.size()), text.data());
  std::exit(1);
}

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

double own_cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double cpu_seconds_of(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::size_t name_end = text.rfind(')');  // the name may hold spaces and brackets
  if (name_end == std::string::npos) die(fmt::format("process {} is not there", pid));
  std::istringstream fields(text.substr(name_end + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  double user_ticks = 0;
  double system_ticks = 0;
  fields >> user_ticks >> system_ticks;
  return (user_ticks + system_ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

Percentiles Samples::percentiles() {
  Percentiles out;
  out.count = ns_.size();
  if (ns_.empty()) return out;
  std::ranges::sort(ns_);
  const auto at = [this](double share) {
    const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(ns_.size())));
    return static_cast<double>(ns_[std::clamp<std::size_t>(rank, 1, ns_.size()) - 1]) / 1e6;
  };
  out.p50_ms = at(0.50);
  out.p90_ms = at(0.90);
  out.p99_ms = at(0.99);
  out.max_ms = at(1.0);
  return out;
}

std::string to_json(const Percentiles& p) {
  return fmt::format("{{\"p50\":{:.4f},\"p90\":{:.4f},\"p99\":{:.4f},\"max\":{:.4f}}}", p.p50_ms, p.p90_ms, p.p99_ms,
                     p.max_ms);
}

}  // namespace penstock::bench
