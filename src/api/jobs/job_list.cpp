#include "api/jobs/job_list.h"

#include <fmt/format.h>

#include "api/jobs/job_text.h"
#include "base/number.h"
#include "base/text.h"

namespace penstock::api {
namespace {

constexpr int kCountDefault = 100;
constexpr int kCountMax = 1'000;
constexpr int kLooks = 2'000;  // about 10 ms of the loop's time
constexpr std::size_t kErrorBytesMax = 500;

Error bad(const char* name, std::string_view value, const std::string& accepted) {
  return {Errc::invalid, std::string(name) + " is \"" + std::string(value.substr(0, 100)) + "\"; " + accepted};
}

Result<std::vector<core::JobStatus>> read_states(std::string_view text) {
  std::vector<core::JobStatus> states;
  for (const std::string_view name : split_list(text, ',')) {
    const auto known = core::parse_job_status(name);
    if (!known) {
      return tl::unexpected(
          bad("status", text,
              "IN_QUEUE, IN_PROGRESS, COMPLETED, FAILED, CANCELLED and TIMED_OUT are accepted, several "
              "with commas between"));
    }
    states.push_back(*known);
  }
  return states;
}

Result<std::optional<Time>> read_instant(const net::Request& request, const char* name) {
  const auto text = request.query_value(name);
  if (!text) return std::nullopt;
  const auto ms = parse_number<std::int64_t>(*text);
  if (ms && *ms >= 0) return from_ms(*ms);
  if (const auto instant = parse_iso8601(std::string(*text))) return instant;
  return tl::unexpected(
      bad(name, *text, "an instant such as 2026-01-31T12:00:00.000Z, or milliseconds since 1970, are accepted"));
}

/// A cursor is the place of the last job of the page before: `<ms>.<id>`.
std::optional<core::JobPlace> read_cursor(std::string_view text) {
  const auto dot = text.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto ms = parse_number<std::int64_t>(text.substr(0, dot));
  auto id = JobId::parse(text.substr(dot + 1));
  if (!ms || !id) return std::nullopt;
  return core::JobPlace{from_ms(*ms), std::move(*id)};
}

/// At most so many bytes, cut between characters.
std::string shortened(const std::string& text) {
  if (text.size() <= kErrorBytesMax) return text;
  std::size_t end = kErrorBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

std::string one_text(const core::StoredJob& job, const core::Engine& engine, Time now) {
  const core::JobState& state = job.state;
  core::JobView view{job.request.id, state.status,          nullptr,
                     state.error,    core::delay_ms(state), core::execution_ms(state),
                     state.retries,  state.worker,          std::nullopt};
  if (view.error) view.error = shortened(*view.error);
  if (!core::is_terminal(state.status)) {
    if (const auto live = engine.find_job(now, job.request.endpoint, job.request.id)) view.wait = live->wait;
  }
  std::string text = job_text(view);
  text.pop_back();
  text += fmt::format(",\"createdAt\":\"{}\"", iso8601(job.request.created));
  if (state.started) text += fmt::format(",\"startedAt\":\"{}\"", iso8601(*state.started));
  if (state.finished) text += fmt::format(",\"finishedAt\":\"{}\"", iso8601(*state.finished));
  if (job.request.priority != core::Priority::normal) {
    text += fmt::format(",\"priority\":\"{}\"", core::to_text(job.request.priority));
  }
  return text + "}";
}

}  // namespace

Result<core::JobQuery> read_job_query(const net::Request& request, const EndpointId& endpoint, Time now) {
  core::JobQuery query;
  query.endpoint = endpoint;
  query.now = now;
  query.looks = kLooks;
  query.count = kCountDefault;
  if (const auto text = request.query_value("status")) {
    auto states = read_states(*text);
    if (!states) return tl::unexpected(states.error());
    query.states = std::move(*states);
  }
  const auto from = read_instant(request, "createdAfter");
  if (!from) return tl::unexpected(from.error());
  const auto before = read_instant(request, "createdBefore");
  if (!before) return tl::unexpected(before.error());
  query.from = *from;
  query.before = *before;
  if (const auto text = request.query_value("limit")) {
    const auto count = parse_number<std::int64_t>(*text);
    if (!count || *count < 1 || *count > kCountMax) {
      return tl::unexpected(
          bad("limit", *text, "a whole number from 1 to " + std::to_string(kCountMax) + " is accepted"));
    }
    query.count = static_cast<int>(*count);
  }
  if (const auto text = request.query_value("cursor"); text && !text->empty()) {
    query.behind = read_cursor(*text);
    if (!query.behind) return tl::unexpected(bad("cursor", *text, "the nextCursor of an answer is accepted"));
  }
  return query;
}

std::string job_list_text(const core::JobPage& page, const core::Engine& engine, Time now) {
  std::string text = "{\"requests\":[";
  for (const core::StoredJob& job : page.jobs) {
    if (!text.ends_with('[')) text += ',';
    text += one_text(job, engine, now);
  }
  text += "],\"nextCursor\":";
  if (!page.next) return text + "null}";
  return text + fmt::format("\"{}.{}\"}}", to_ms(page.next->created), page.next->id.str());
}

}  // namespace penstock::api
