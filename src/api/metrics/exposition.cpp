#include "api/metrics/exposition.h"

#include <fmt/format.h>

namespace penstock::api {
namespace {

void write_escaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quotes) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}

}  // namespace

void Exposition::begin(std::string_view name, std::string_view help, std::string_view type) {
  name_ = name;
  text_ += fmt::format("# HELP {} ", name);
  write_escaped(text_, help, false);
  text_ += fmt::format("\n# TYPE {} {}\n", name, type);
}

void Exposition::write_name(std::string_view suffix, Labels labels) {
  text_ += name_;
  text_ += suffix;
  if (labels.size() == 0) return;
  char before = '{';
  for (const auto& [label, value] : labels) {
    text_ += std::exchange(before, ',');
    text_ += label;
    text_ += "=\"";
    write_escaped(text_, value, true);
    text_ += '"';
  }
  text_ += '}';
}

void Exposition::sample(Labels labels, std::uint64_t value) {
  write_name("", labels);
  text_ += fmt::format(" {}\n", value);
}

void Exposition::sample(Labels labels, double value) {
  write_name("", labels);
  text_ += fmt::format(" {}\n", value);
}

void Exposition::one_counter(std::string_view name, std::string_view help, std::uint64_t value) {
  counter(name, help);
  sample({}, value);
}

void Exposition::one_gauge(std::string_view name, std::string_view help, std::uint64_t value) {
  gauge(name, help);
  sample({}, value);
}

void Exposition::one_gauge(std::string_view name, std::string_view help, double value) {
  gauge(name, help);
  sample({}, value);
}

void Exposition::histogram(std::string_view name, std::string_view help, const LatencyHistogram& values) {
  begin(name, help, "histogram");
  std::uint64_t below = 0;
  for (std::size_t i = 0; i <= LatencyHistogram::kBounds.size(); ++i) {
    below += values.count_in(i);
    const bool last = i == LatencyHistogram::kBounds.size();
    const std::string bound =
        last ? "+Inf" : fmt::format("{}", std::chrono::duration<double>(LatencyHistogram::kBounds[i]).count());
    write_name("_bucket", {{"le", bound}});
    text_ += fmt::format(" {}\n", below);
  }
  write_name("_sum", {});
  text_ += fmt::format(" {}\n", values.sum().count());
  write_name("_count", {});
  text_ += fmt::format(" {}\n", below);
}

}  // namespace penstock::api
