#include "server/admission.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <type_traits>
#include <utility>

namespace penstock::server {
namespace {

constexpr Millis kLookAgain{500};
constexpr std::uint64_t kLargeResultBytes = 64 * 1'024;
constexpr std::uint64_t kJobBytes = 1'024;  // of a submission in the log, beside its payloads
constexpr std::string_view kRefusal =
    "the disk of this server's data directory is nearly full, so nothing new is accepted; jobs that run go on, reads "
    "and cancel work. Free space on that disk: this ends by itself";

template <class Kind>
constexpr bool kSaves = std::is_same_v<Kind, core::SaveTemplate> || std::is_same_v<Kind, core::SaveEndpoint> ||
                        std::is_same_v<Kind, core::SaveVolume> || std::is_same_v<Kind, core::SaveSecret> ||
                        std::is_same_v<Kind, core::SaveCredential>;

template <class Kind>
constexpr bool kFillsBatch = std::is_same_v<Kind, core::CreateBatch> || std::is_same_v<Kind, core::AddToBatch> ||
                             std::is_same_v<Kind, core::FinalizeBatch>;

/// The caller of a command that makes something new. What changes or ends what is there may help, and is small.
std::optional<core::Token> maker(const core::Command& command) {
  return std::visit(
      [](const auto& c) -> std::optional<core::Token> {
        using Kind = std::decay_t<decltype(c)>;
        if constexpr (kSaves<Kind>) {
          if (!c.input.id.has_value()) return c.to;
        } else if constexpr (std::is_same_v<Kind, core::Submit> || kFillsBatch<Kind> ||
                             std::is_same_v<Kind, core::RetryJob> || std::is_same_v<Kind, core::AttachWorker>) {
          return c.to;
        }
        return std::nullopt;
      },
      command);
}

/// About what a submission needs in the log.
std::uint64_t size_of(const core::JobRequest& request) {
  return kJobBytes + (request.input ? request.input->size() : 0) + (request.s3_config ? request.s3_config->size() : 0);
}

std::uint64_t size_of(const core::Command& command) {
  if (const auto* submit = std::get_if<core::Submit>(&command)) return size_of(submit->request);
  std::uint64_t bytes = 0;
  const auto* const created = std::get_if<core::CreateBatch>(&command);
  const auto* const added = std::get_if<core::AddToBatch>(&command);
  if (created != nullptr) {
    for (const core::JobRequest& request : created->requests) bytes += size_of(request);
  }
  if (added != nullptr) {
    for (const core::JobRequest& request : added->requests) bytes += size_of(request);
  }
  return bytes;
}

/// What a worker sent about a job.
struct Result {
  const JobId* job = nullptr;
  core::Token to = 0;
  std::size_t bytes = 0;
};

Result result_of(const core::Command& command) {
  const auto size = [](const core::Bytes& bytes) { return bytes ? bytes->size() : 0; };
  if (const auto* done = std::get_if<core::FinishJob>(&command)) return {&done->job, done->to, size(done->output)};
  if (const auto* now = std::get_if<core::ReportProgress>(&command)) return {&now->job, now->to, size(now->output)};
  if (const auto* part = std::get_if<core::AddChunk>(&command)) return {&part->job, part->to, size(part->chunk)};
  return {};
}

}  // namespace

void Admission::filter(Time now, const HasRoom& has_room, const IsRepeated& is_repeated,
                       std::vector<core::Command>& commands, std::vector<core::Reply>& replies) {
  const bool is_open = has_room(0);
  if (is_open && !(held_.empty() && results_.empty())) put_back(commands);
  std::uint64_t bytes = 0;
  for (const core::Command& command : commands) bytes += size_of(command);
  if (is_open && (bytes == 0 || has_room(bytes))) return;

  bool is_ending = false;
  std::uint64_t taken = 0;
  std::erase_if(commands, [&](core::Command& command) {
    if (!is_open && hold(now, command)) return true;
    if (const auto* gone = std::get_if<core::Forget>(&command)) {
      std::erase_if(held_, [&](const Held& held) { return held.poll.to == gone->token; });
    }
    is_ending = is_ending || std::holds_alternative<core::Shutdown>(command);
    const auto caller = maker(command);
    if (!caller) return false;
    const std::uint64_t size = size_of(command);
    if (is_open && has_room(taken + size)) {
      taken += size;
      return false;
    }
    const auto* submit = std::get_if<core::Submit>(&command);
    if (submit != nullptr && !submit->request.idempotency_key.empty() && is_repeated(*submit)) return false;
    replies.push_back({*caller, Error{Errc::no_space, std::string(kRefusal)}});
    return true;
  });
  let_go(now, is_ending, replies);
}

/// What waits for room: polls for jobs, and results so large that a few of them would use up what is left.
bool Admission::hold(Time now, core::Command& command) {
  if (auto* const poll = std::get_if<core::TakeJobs>(&command)) {
    held_.push_back({now + poll_hold_, std::move(*poll)});
    return true;
  }
  const Result result = result_of(command);
  if (result.job == nullptr) return false;
  // Nor does anything overtake what the same job had before.
  const bool follows =
      std::ranges::any_of(results_, [&](const auto& held) { return *result_of(held).job == *result.job; });
  if (result.bytes < kLargeResultBytes && !follows) return false;
  results_.push_back(std::move(command));
  return true;
}

/// Before what came later, but for callers that left meanwhile: their Forget is among the commands and finds the poll
/// in the engine.
void Admission::put_back(std::vector<core::Command>& commands) {
  std::vector<core::Command> all;
  all.reserve(results_.size() + held_.size() + commands.size());
  std::ranges::move(results_, std::back_inserter(all));
  for (Held& held : held_) all.emplace_back(std::move(held.poll));
  std::ranges::move(commands, std::back_inserter(all));
  results_.clear();
  held_.clear();
  commands = std::move(all);
}

void Admission::let_go(Time now, bool all, std::vector<core::Reply>& replies) {
  if (all) {
    for (const core::Command& held : results_) {
      replies.push_back({result_of(held).to, Error{Errc::no_space, std::string(kRefusal)}});
    }
    results_.clear();
  }
  std::erase_if(held_, [&](const Held& held) {
    if (!all && held.until > now) return false;
    replies.push_back({held.poll.to, core::HandOuts{}});
    return true;
  });
}

std::optional<Time> Admission::next_wakeup(Time now) const {
  if (held_.empty() && results_.empty()) return std::nullopt;
  return now + kLookAgain;
}

}  // namespace penstock::server
