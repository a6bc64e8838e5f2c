#include "server/admission.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <type_traits>
#include <utility>

namespace penstock::server {
namespace {

constexpr Millis kLookAgain{500};
constexpr std::string_view kRefusal =
    "the disk of this server's data directory is nearly full, so nothing new is accepted; jobs that run go on, reads "
    "and cancel work. Free space on that disk: this ends by itself";

template <class Kind>
constexpr bool kSaves = std::is_same_v<Kind, core::SaveTemplate> || std::is_same_v<Kind, core::SaveEndpoint> ||
                        std::is_same_v<Kind, core::SaveVolume> || std::is_same_v<Kind, core::SaveSecret> ||
                        std::is_same_v<Kind, core::SaveCredential>;

/// The caller of a command that makes something new. What changes or ends what is there may help, and is small.
std::optional<core::Token> maker(const core::Command& command) {
  return std::visit(
      [](const auto& c) -> std::optional<core::Token> {
        using Kind = std::decay_t<decltype(c)>;
        if constexpr (kSaves<Kind>) {
          if (!c.input.id.has_value()) return c.to;
        } else if constexpr (std::is_same_v<Kind, core::Submit> || std::is_same_v<Kind, core::RetryJob> ||
                             std::is_same_v<Kind, core::AttachWorker>) {
          return c.to;
        }
        return std::nullopt;
      },
      command);
}

}  // namespace

void Admission::filter(Time now, bool has_room, std::vector<core::Command>& commands,
                       std::vector<core::Reply>& replies) {
  if (has_room) {
    if (!held_.empty()) put_back(commands);
    return;
  }
  bool is_ending = false;
  std::erase_if(commands, [&](core::Command& command) {
    if (auto* poll = std::get_if<core::TakeJobs>(&command)) {
      held_.push_back({now + poll_hold_, std::move(*poll)});
      return true;
    }
    if (const auto* gone = std::get_if<core::Forget>(&command)) {
      std::erase_if(held_, [&](const Held& held) { return held.poll.to == gone->token; });
    }
    is_ending = is_ending || std::holds_alternative<core::Shutdown>(command);
    const auto caller = maker(command);
    if (caller) replies.push_back({*caller, Error{Errc::no_space, std::string(kRefusal)}});
    return caller.has_value();
  });
  let_go(now, is_ending, replies);
}

/// Before what came later, but for callers that left meanwhile: their Forget is among the commands and finds the poll
/// in the engine.
void Admission::put_back(std::vector<core::Command>& commands) {
  std::vector<core::Command> all;
  all.reserve(held_.size() + commands.size());
  for (Held& held : held_) all.emplace_back(std::move(held.poll));
  std::ranges::move(commands, std::back_inserter(all));
  held_.clear();
  commands = std::move(all);
}

void Admission::let_go(Time now, bool all, std::vector<core::Reply>& replies) {
  std::erase_if(held_, [&](const Held& held) {
    if (!all && held.until > now) return false;
    replies.push_back({held.poll.to, core::HandOuts{}});
    return true;
  });
}

std::optional<Time> Admission::next_wakeup(Time now) const {
  if (held_.empty()) return std::nullopt;
  return now + kLookAgain;
}

}  // namespace penstock::server
