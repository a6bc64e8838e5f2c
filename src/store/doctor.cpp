#include "store/doctor.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>
#include <utility>

#include "store/log/record_codec.h"
#include "store/recovery.h"
#include "store/schema.h"

namespace penstock::store {
namespace {

namespace fs = std::filesystem;

bool sync_directory(const std::string& path) {
  const int directory = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return false;
  const bool done = ::fsync(directory) == 0;
  ::close(directory);
  return done;
}

bool exists(const std::string& path) {
  std::error_code problem;
  return fs::exists(path, problem);
}

void examine_log(const DataFiles& files, Examination& found) {
  const auto segments = list_segments(files.log_directory);
  if (!segments) return found.problems.push_back(segments.error().message);
  found.segments = segments->size();
  for (const SegmentFile& segment : *segments) found.segment_bytes += segment.bytes;
  if (exists(files.database) && !found.problems.empty()) return;  // nothing says what should be there
  const LogPosition& position = found.tables.position;
  if (auto fits = check_belonging(files.log_directory, position); !fits) {
    return found.problems.push_back(fits.error().message);
  }
  if (position.log == 0) return;
  const auto end = read_log(files.log_directory, position.log, position.applied,
                            [&](std::uint64_t sequence, std::string_view turn) -> Result<void> {
                              if (auto records = decode_turn(turn); !records) return tl::unexpected(records.error());
                              found.last = sequence;
                              return {};
                            });
  if (!end) found.problems.push_back(end.error().message);
}

/// A log whose tables were lost: its number, when nothing else can be meant.
std::optional<std::uint64_t> log_of(const std::vector<SegmentFile>& segments) {
  std::set<std::uint64_t> logs;
  for (const SegmentFile& segment : segments) {
    const auto remains = search_segment(segment, 0, 0, [](std::uint64_t, std::string_view) {});
    if (remains && remains->has_name) logs.insert(remains->name.log);
  }
  if (logs.size() != 1) return std::nullopt;
  return *logs.begin();
}

void note(const core::Record& record, Repair& done) {
  if (const auto* added = std::get_if<core::JobAdded>(&record)) {
    done.jobs.push_back({to_string(added->request.id), "submitted to " + added->request.endpoint.str()});
  } else if (const auto* changed = std::get_if<core::JobChanged>(&record)) {
    done.jobs.push_back({to_string(changed->id), std::string(core::to_text(changed->state.status))});
  } else {
    ++done.other_changes;
  }
}

class Repairer {
 public:
  Repairer(const DataFiles& files, Time now) : files_(files), now_(now) {}

  Result<Repair> run() {
    auto opened = open_sqlite_store(files_.database);
    if (!opened) return tl::unexpected(std::move(opened.error()));
    tables_ = std::move(*opened);
    if (auto checked = mend_tables(); !checked) return tl::unexpected(std::move(checked.error()));
    if (auto read = bring_log(); !read) return tl::unexpected(std::move(read.error()));
    position_.is_open = false;
    if (auto saved = tables_->save(position_); !saved) return tl::unexpected(std::move(saved.error()));
    return std::move(done_);
  }

 private:
  Result<void> mend_tables() {
    if (tables_->check()) return {};
    if (auto rebuilt = tables_->rebuild_indexes(); !rebuilt) return rebuilt;
    done_.rebuilt_indexes = true;
    return tables_->check();
  }

  Result<void> bring_log() {
    auto position = tables_->log_position();
    if (!position) return tl::unexpected(std::move(position.error()));
    position_ = *position;
    auto segments = list_segments(files_.log_directory);
    if (!segments) return tl::unexpected(std::move(segments.error()));
    segments_ = std::move(*segments);
    const bool belongs = check_belonging(files_.log_directory, position_).has_value();
    if (!belongs && segments_.empty()) {
      done_.is_anything_lost = true;
      done_.lost_from = position_.applied + 1;
      return {};
    }
    if (!belongs && !adopt_log()) return move_from(0);
    if (position_.log == 0) return {};

    const std::uint64_t before = position_.applied;
    const Replay result = replay(*tables_, files_.log_directory, position_, OnDamage::apply);
    done_.brought = position_.applied - before;
    if (!result.hindrance.message.empty()) return tl::unexpected(result.hindrance);
    if (result.damage.message.empty()) return {};
    done_.is_anything_lost = true;
    done_.lost_from = position_.applied + 1;
    return set_aside();
  }

  /// Tables in which nothing ever was take the log's turns from the first on, if they are still there.
  bool adopt_log() {
    const auto state = tables_->load();
    const auto log = log_of(segments_);
    if (!log || !state || !state->accounts.empty()) return false;
    position_ = {*log, 0, true};
    return true;
  }

  /// The first segment that is damaged or holds a lost turn goes, with all behind it.
  Result<void> set_aside() {
    std::optional<std::size_t> first;
    std::set<std::uint64_t> seen;
    for (std::size_t i = 0; i < segments_.size(); ++i) {
      const auto on_turn = [&](std::uint64_t sequence, std::string_view turn) {
        if (seen.insert(sequence).second) keep_account(sequence, turn);
      };
      const auto remains = search_segment(segments_[i], position_.log, position_.applied, on_turn);
      if (!remains) return tl::unexpected(remains.error());
      const bool is_ours = remains->has_name && remains->name == SegmentName{position_.log, segments_[i].index};
      const bool follows = i == 0 || segments_[i].index == segments_[i - 1].index + 1;
      if (remains->bytes > 0) done_.lost_bytes += remains->bytes - remains->passed_bytes;
      if (!first && (remains->bytes > 0 || !is_ours || !follows)) first = i;
    }
    return move_from(first.value_or(0));
  }

  void keep_account(std::uint64_t sequence, std::string_view turn) {
    ++done_.readable;
    done_.lost_through = std::max(done_.lost_through, sequence);
    const auto records = decode_turn(turn);
    if (!records) return;
    for (const core::Record& record : *records) note(record, done_);
  }

  Result<void> move_from(std::size_t first) {
    if (first >= segments_.size()) return {};
    std::string name = iso8601(now_).substr(0, 19);
    std::erase_if(name, [](char c) { return c == '-' || c == ':'; });
    std::string directory = fmt::format("{}/damaged-{}Z", files_.log_directory, name);
    for (int n = 2; exists(directory); ++n) directory = fmt::format("{}/damaged-{}Z-{}", files_.log_directory, name, n);
    std::error_code problem;
    fs::create_directory(directory, problem);
    for (std::size_t i = first; i < segments_.size() && !problem; ++i) {
      const std::string file = fs::path(segments_[i].path).filename();
      fs::rename(segments_[i].path, directory + "/" + file, problem);
      done_.moved.push_back(file);
    }
    if (problem || !sync_directory(directory) || !sync_directory(files_.log_directory)) {
      return fail(Errc::unavailable, fmt::format("cannot move the damaged segments to {}: {}", directory,
                                                 problem ? problem.message() : "the disk refuses"));
    }
    done_.moved_to = directory;
    return {};
  }

  const DataFiles& files_;
  Time now_;
  std::unique_ptr<SqliteStore> tables_;
  LogPosition position_;
  std::vector<SegmentFile> segments_;
  Repair done_;
};

}  // namespace

Examination examine(const DataFiles& files) {
  Examination found;
  found.schema_known = schema_version();
  if (exists(files.database)) {
    auto tables = inspect_sqlite(files.database);
    if (tables) {
      found.tables = *tables;
    } else {
      found.problems.push_back(tables.error().message);
    }
  } else {
    found.problems.push_back(fmt::format("the data file {} is missing", files.database));
  }
  found.last = found.tables.position.applied;
  examine_log(files, found);
  return found;
}

Result<Repair> repair(const DataFiles& files, Time now) {
  return Repairer(files, now).run();
}

}  // namespace penstock::store
