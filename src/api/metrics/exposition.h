#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "base/latency_histogram.h"

namespace penstock::api {

/// Writes the Prometheus text format, version 0.0.4. The samples of a family follow its head at once.
class Exposition {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  void counter(std::string_view name, std::string_view help) { begin(name, help, "counter"); }
  void gauge(std::string_view name, std::string_view help) { begin(name, help, "gauge"); }
  void sample(Labels labels, std::uint64_t value);
  void sample(Labels labels, double value);

  void one_counter(std::string_view name, std::string_view help, std::uint64_t value);
  void one_gauge(std::string_view name, std::string_view help, std::uint64_t value);
  void one_gauge(std::string_view name, std::string_view help, double value);

  /// Seconds.
  void histogram(std::string_view name, std::string_view help, const LatencyHistogram& values);

  std::string take() { return std::move(text_); }

 private:
  void begin(std::string_view name, std::string_view help, std::string_view type);
  void write_name(std::string_view suffix, Labels labels);

  std::string text_;
  std::string name_;
};

}  // namespace penstock::api
