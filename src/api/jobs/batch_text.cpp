#include "api/jobs/batch_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "api/jobs/envelope.h"
#include "base/number.h"
#include "base/text.h"
#include "json/json.h"

namespace penstock::api {
namespace {

constexpr int kOffsetMax = 1'000'000;
constexpr int kLimitMax = 1'000;
constexpr std::size_t kShownBytes = 100;

std::string shown(std::string_view value) {
  return value.size() <= kShownBytes ? std::string(value) : std::string(value.substr(0, kShownBytes)) + "...";
}

Result<void> read_number(const net::Request& request, const char* name, int low, int high, int& into) {
  const auto text = request.query_value(name);
  if (!text) return {};
  const auto number = parse_number<int>(*text);
  if (!number || *number < low || *number > high) {
    return fail(Errc::invalid,
                fmt::format("{} is \"{}\"; a whole number from {} to {} is accepted", name, shown(*text), low, high));
  }
  into = *number;
  return {};
}

Result<core::JobRequest> read_one(std::string_view text, const net::AddressRules& webhook_rules) {
  if (!text.starts_with('{')) {
    return fail(Errc::invalid, "it is " + shown(text) + "; an object with the key \"input\" is accepted");
  }
  auto request = read_submission(std::string(text), webhook_rules);
  if (request && !request->idempotency_key.empty()) {
    return fail(
        Errc::invalid,
        "idempotencyKey is for /run and /runsync; the requests of a batch are listed in the order in which they "
        "were added, which tells whether they are there");
  }
  return request;
}

}  // namespace

Result<PageWish> read_page_wish(const net::Request& request) {
  PageWish wish;
  if (auto read = read_number(request, "offset", 0, kOffsetMax, wish.offset); !read) {
    return tl::unexpected(std::move(read.error()));
  }
  if (auto read = read_number(request, "limit", 1, kLimitMax, wish.limit); !read) {
    return tl::unexpected(std::move(read.error()));
  }
  return wish;
}

Result<std::vector<core::JobRequest>> read_batch_requests(std::string_view array,
                                                          const net::AddressRules& webhook_rules) {
  const auto elements = json::split_array(array, json::kPayloadLimits);
  if (!elements) {
    return fail(Errc::invalid, "the requests must be an array such as [{\"input\":...}]: " + elements.error().message);
  }
  std::vector<core::JobRequest> requests;
  for (const std::string_view element : *elements) {
    auto request = read_one(element, webhook_rules);
    if (!request) {
      return fail(request.error().code,
                  "request " + std::to_string(requests.size()) + " (from 0): " + request.error().message);
    }
    requests.push_back(std::move(*request));
  }
  return requests;
}

Result<std::vector<core::JobRequest>> read_more_requests(std::string_view body,
                                                         const net::AddressRules& webhook_rules) {
  const auto members = json::split_object(body, json::kPayloadLimits);
  if (!members) {
    return fail(Errc::invalid, "the body is not accepted: " + members.error().message +
                                   "; an object such as {\"requests\":[{\"input\":...}]} is expected");
  }
  const auto found = std::ranges::find_if(*members, [](const auto& member) { return member.key == "requests"; });
  if (found == members->end()) {
    return fail(Errc::invalid, "the body has no key \"requests\"; an array of {\"input\":...} is expected there");
  }
  return read_batch_requests(found->value, webhook_rules);
}

Result<std::string> read_batch_name(std::string_view body) {
  const auto members = json::split_object(body);
  if (!members) return fail(Errc::invalid, "the body is not accepted: " + members.error().message);
  std::optional<std::string> name;
  for (const auto& [key, value] : *members) {
    if (key != "name") {
      return fail(Errc::invalid, "\"" + shown(key) + "\" cannot be changed; \"name\" can");
    }
    const auto text = json::parse(value);
    if (!text || !text->as_string() || text->as_string()->size() > core::kBatchNameBytesMax) {
      return fail(Errc::invalid, "name is " + shown(value) + "; a text of up to " +
                                     std::to_string(core::kBatchNameBytesMax) + " bytes is accepted");
    }
    name = *text->as_string();
  }
  if (!name) return fail(Errc::invalid, "the body is {}; \"name\" can be changed");
  return *name;
}

std::string batch_text(const core::BatchView& view, const std::vector<JobId>& added) {
  const core::Batch& batch = view.batch;
  std::string out =
      fmt::format("{{\"id\":\"{}\",\"endpointId\":\"{}\",\"name\":", batch.id.str(), batch.endpoint.str());
  json::write_string(out, batch.name);
  out += fmt::format(
      ",\"status\":\"{}\",\"requestTotal\":{},\"requestInProgress\":{},\"requestCompleted\":{},\"requestFailed\":{},"
      "\"createdAt\":{}",
      core::to_text(batch.status), batch.requests, view.in_progress, batch.completed, batch.failed,
      to_ms(batch.created));
  if (batch.finalized) out += fmt::format(",\"finalizedAt\":{}", to_ms(*batch.finalized));
  if (batch.cancel_asked) out += fmt::format(",\"cancelRequestedAt\":{}", to_ms(*batch.cancel_asked));
  if (batch.ended) out += fmt::format(",\"endedAt\":{}", to_ms(*batch.ended));
  if (batch.ended || batch.status == core::BatchStatus::draft) {
    out += fmt::format(",\"expiresAt\":{}", to_ms(batch.expires));
  }
  if (!added.empty()) {
    out += ",\"requestIds\":[";
    for (const JobId& id : added) out += fmt::format("{}\"{}\"", out.ends_with('[') ? "" : ",", id.str());
    out += ']';
  }
  return out + "}";
}

std::string page_end(int total, const PageWish& wish, int shown) {
  const bool has_more = shown > 0 && wish.offset + shown < total;
  return fmt::format(",\"total\":{},\"offset\":{},\"limit\":{},\"hasMore\":{}}}", total, wish.offset, wish.limit,
                     has_more);
}

std::string batch_request_text(const core::StoredJob& job) {
  const core::JobState& state = job.state;
  std::string out = fmt::format("{{\"id\":\"{}\",\"status\":\"{}\"", job.request.id.str(), core::to_text(state.status));
  if (state.error) {
    out += ",\"error\":";
    json::write_string(out, *state.error);
  }
  if (state.started) out += fmt::format(",\"startedAt\":\"{}\"", iso8601(*state.started));
  if (state.finished) out += fmt::format(",\"completedAt\":\"{}\"", iso8601(*state.finished));
  return out;
}

}  // namespace penstock::api
