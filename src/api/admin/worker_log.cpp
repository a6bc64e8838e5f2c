#include "api/admin/worker_log.h"

#include "base/number.h"
#include "json/json.h"

namespace penstock::api {
namespace {

/// The SDK prints objects; what a handler prints by itself is any text.
bool is_of(const std::string& line, const JobId& job) {
  if (!line.starts_with('{') || line.find(job.str()) == std::string::npos) return false;
  const auto parsed = json::parse(line);
  const json::Value* request = parsed ? parsed->find("requestId") : nullptr;
  return request && request->as_string() && *request->as_string() == job.str();
}

}  // namespace

Result<LogWish> read_log_wish(const net::Request& request) {
  LogWish wish;
  if (const auto text = request.query_value("tail")) {
    const auto tail = parse_number<std::size_t>(*text);
    if (!tail || *tail > kLogLinesMax) {
      return fail(Errc::invalid, "tail is \"" + std::string(text->substr(0, 100)) + "\"; a whole number from 0 to " +
                                     std::to_string(kLogLinesMax) + " is accepted");
    }
    wish.tail = *tail;
  }
  if (const auto text = request.query_value("job")) {
    auto job = JobId::parse(*text);
    if (!job) return fail(Errc::invalid, "job: " + job.error().message);
    wish.job = std::move(*job);
  }
  return wish;
}

std::vector<std::string> chosen_lines(std::vector<std::string> lines, const LogWish& wish) {
  if (wish.job) std::erase_if(lines, [&](const std::string& line) { return !is_of(line, *wish.job); });
  if (lines.size() > wish.tail) lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(wish.tail));
  return lines;
}

}  // namespace penstock::api
