#include "store/recovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/log.h"
#include "store/log/record_codec.h"

namespace penstock::store {
namespace {

constexpr std::uint64_t kReplayBytes = 16U << 20;  // of the log, before they are applied

/// Gathers turns and applies them.
class Applier {
 public:
  Applier(SqliteStore& tables, LogPosition& position, std::uint64_t bytes_max)
      : tables_(tables), position_(position), bytes_max_(bytes_max) {}

  Result<void> take(std::string_view turn) {
    auto records = decode_turn(turn);
    if (!records) return tl::unexpected(std::move(records.error()));
    auto copy = std::make_shared<EncodedTurn>(turn.size());
    std::ranges::copy(turn, copy->data());
    turns_.push_back(std::move(copy));
    records_.push_back(std::move(*records));
    bytes_ += turn.size();
    return bytes_ < bytes_max_ ? Result<void>() : apply();
  }

  /// Those that were not applied.
  void take_rest(Replay& result) {
    result.kept = std::exchange(turns_, {});
    result.kept_records = std::exchange(records_, {});
    result.kept_bytes = std::exchange(bytes_, 0);
  }

  Result<void> apply() {
    if (turns_.empty()) return {};
    log::info("bringing {} turns from the log into the tables", turns_.size());
    LogPosition after = position_;
    after.applied += turns_.size();
    if (auto done = tables_.apply(turns_, after); !done) return done;
    position_ = after;
    turns_.clear();
    records_.clear();
    bytes_ = 0;
    return {};
  }

 private:
  SqliteStore& tables_;
  LogPosition& position_;
  std::uint64_t bytes_max_;
  std::vector<SharedTurn> turns_;
  std::vector<std::vector<core::Record>> records_;  // theirs
  std::uint64_t bytes_ = 0;
};

}  // namespace

Error with_advice(Error error) {
  error.message += "; `penstock doctor` says what can be saved";
  return error;
}

Replay replay(SqliteStore& tables, const std::string& log_directory, LogPosition& position, OnDamage on_damage,
              std::uint64_t keep_bytes) {
  Replay result;
  Applier applier(tables, position, std::max(keep_bytes, kReplayBytes));
  bool is_hindered = false;
  auto end = read_log(log_directory, position.log, position.applied, [&](std::uint64_t, std::string_view turn) {
    auto taken = applier.take(turn);
    is_hindered = !taken;
    return taken;
  });
  if (end) {
    result.end = *end;
  } else {
    (is_hindered ? result.hindrance : result.damage) = std::move(end.error());
  }
  if (!result.is_whole() && on_damage == OnDamage::leave) return result;
  if (keep_bytes > 0 && result.is_whole() && !result.end.is_cut) {
    applier.take_rest(result);
    return result;
  }
  if (auto applied = applier.apply(); !applied && result.hindrance.message.empty()) {
    result.hindrance = std::move(applied.error());
  }
  return result;
}

Result<void> check_belonging(const std::string& log_directory, const LogPosition& position) {
  const auto segments = list_segments(log_directory);
  if (!segments) return tl::unexpected(segments.error());
  if (position.log == 0 && !segments->empty()) {
    return fail(Errc::unavailable,
                fmt::format("the log in {} belongs to another database: this one never had one", log_directory));
  }
  if (position.is_open && segments->empty()) {
    return fail(Errc::unavailable,
                fmt::format("the log in {} is missing, and the last server did not end in order: what it acknowledged "
                            "last may be there only",
                            log_directory));
  }
  return {};
}

}  // namespace penstock::store
