#include "api/trace/trace_context.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "base/text.h"

namespace penstock::api {
namespace {

constexpr std::size_t kLength = 55;  // 00-<32>-<16>-<2>

bool is_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_zero(std::string_view text) {
  return text.find_first_not_of('0') == std::string_view::npos;
}

bool is_valid(std::string_view header) {
  if (header.size() < kLength || header[2] != '-' || header[35] != '-' || header[52] != '-') return false;
  const std::string_view version = header.substr(0, 2);
  if (!is_hex(version) || version == "ff") return false;
  if (version == "00" ? header.size() != kLength : header.size() > kLength && header[kLength] != '-') return false;
  const std::string_view trace = header.substr(3, 32);
  const std::string_view parent = header.substr(36, 16);
  return is_hex(trace) && !is_zero(trace) && is_hex(parent) && !is_zero(parent) && is_hex(header.substr(53, 2));
}

/// FNV-1a, then mixed so that near texts are far apart. Never 0, which is no valid id.
std::uint64_t hash(std::string_view text, std::uint64_t seed) {
  std::uint64_t value = 0xcbf29ce484222325ULL ^ seed;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  value ^= value >> 31;
  return value == 0 ? 1 : value;
}

}  // namespace

std::string TraceContext::header() const {
  return "00-" + trace_id + "-" + span_id + (sampled ? "-01" : "-00");
}

std::string client_traceparent(const net::Request& request) {
  if (request.headers.count("traceparent") != 1) return {};
  const std::string_view header = trim(request.header("traceparent"));
  if (!is_valid(header)) return {};
  const bool sampled = std::string_view("13579bdf").find(header[54]) != std::string_view::npos;
  return "00" + std::string(header.substr(2, kLength - 4)) + (sampled ? "01" : "00");
}

std::optional<TraceContext> Traces::of(const JobId& job, std::string_view client) const {
  if (client.empty() && !all_) return std::nullopt;
  TraceContext context;
  context.span_id = span_id_of(job, "job", 0);
  if (client.size() == kLength) {
    context.trace_id = client.substr(3, 32);
    context.parent_id = client.substr(36, 16);
    context.sampled = client.ends_with('1');
  } else {
    context.trace_id = fmt::format("{:016x}{:016x}", hash(job.str(), 1), hash(job.str(), 2));
  }
  return context;
}

void Traces::tell(net::Response& response, const JobId& job, std::string_view client) const {
  if (const auto context = of(job, client)) response.headers.emplace_back("traceparent", context->header());
}

std::string span_id_of(const JobId& job, std::string_view name, int attempt) {
  return fmt::format("{:016x}", hash(fmt::format("{}/{}/{}", job.str(), name, attempt), 3));
}

}  // namespace penstock::api
