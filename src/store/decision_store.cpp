#include "store/decision_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <limits>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "store/schema.h"
#include "store/sqlite_db.h"

namespace penstock::store {
namespace {

constexpr std::size_t kWaitingMax = 20'000;  // entries; what comes beyond is left out
constexpr Millis kForgetEvery{60'000};
constexpr int kVersion = 1;  // PRAGMA user_version

using Instant = std::chrono::steady_clock::time_point;

bool is_wanted(const core::DecisionQuery& query, const core::RecordedDecision& one, std::int64_t number) {
  return one.endpoint == query.endpoint && (!query.from || one.at >= *query.from) &&
         (!query.until || one.at <= *query.until) && (!query.before || number < *query.before);
}

class MemoryDecisionStore final : public DecisionStore {
 public:
  explicit MemoryDecisionStore(DecisionStoreOptions options) : options_(options) {}

  void keep(std::vector<core::RecordedDecision> decisions) override {
    for (core::RecordedDecision& one : decisions) {
      const Time oldest = one.at - options_.keep_for;
      all_.emplace(++last_, std::move(one));
      while (all_.size() > options_.rows_max || all_.begin()->second.at < oldest) all_.erase(all_.begin());
    }
  }

  Result<core::DecisionPage> list(const core::DecisionQuery& query) override {
    core::DecisionPage page;
    std::int64_t last = 0;
    for (auto it = all_.rbegin(); it != all_.rend(); ++it) {
      if (!is_wanted(query, it->second, it->first)) continue;
      if (static_cast<int>(page.decisions.size()) == query.count) {
        page.next = last;
        break;
      }
      last = it->first;
      page.decisions.push_back(it->second);
    }
    return page;
  }

 private:
  DecisionStoreOptions options_;
  std::map<std::int64_t, core::RecordedDecision> all_;
  std::int64_t last_ = 0;
};

void prepare(Database& db) {
  db.execute("PRAGMA locking_mode = EXCLUSIVE; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -1024");
  const std::int64_t version = db.integer("PRAGMA user_version");
  const std::int64_t application = db.integer("PRAGMA application_id");
  const bool empty = db.integer("SELECT count(*) FROM sqlite_schema") == 0;
  if (!(empty && application == 0 && version == 0) && (application != kApplicationId || version != kVersion)) {
    throw SqliteError(SQLITE_ERROR, "it is not such a file of this version");
  }
  if (const std::string mode = db.text("PRAGMA journal_mode = WAL"); mode != "wal") {
    throw SqliteError(SQLITE_ERROR, "its file system does not allow a write-ahead log");
  }
  db.execute("PRAGMA synchronous = NORMAL");
  if (!empty) return;
  db.execute(fmt::format(
      "BEGIN; CREATE TABLE decisions (number INTEGER PRIMARY KEY, endpoint TEXT NOT NULL, at_ms INTEGER "
      "NOT NULL, inputs TEXT NOT NULL, decision TEXT NOT NULL, started INTEGER NOT NULL, stopped "
      "INTEGER NOT NULL, missing INTEGER NOT NULL, hold TEXT NOT NULL, why TEXT NOT NULL, ready TEXT NOT NULL) STRICT; "
      "CREATE INDEX decisions_by_endpoint ON decisions (endpoint, number); "
      "PRAGMA application_id = {}; PRAGMA user_version = {}; COMMIT",
      kApplicationId, kVersion));
}

/// Milliseconds with commas between.
std::string ready_text(const std::vector<Millis>& ready) {
  std::string out;
  for (const Millis took : ready) out += (out.empty() ? "" : ",") + std::to_string(took.count());
  return out;
}

std::vector<Millis> read_ready(std::string_view text) {
  std::vector<Millis> out;
  for (const std::string_view part : split_list(text, ',')) {
    std::int64_t took = 0;
    const auto parsed = std::from_chars(part.data(), part.data() + part.size(), took);
    if (parsed.ec != std::errc{}) throw SqliteError(SQLITE_CORRUPT, "a decision cannot be read");
    out.emplace_back(took);
  }
  return out;
}

/// The table. Throws SqliteError.
class DecisionRows {
 public:
  explicit DecisionRows(const std::string& file)
      : db_(file),
        ready_((prepare(db_), true)),
        begin_(db_.prepare("BEGIN IMMEDIATE")),
        commit_(db_.prepare("COMMIT")),
        insert_(db_.prepare(
            "INSERT INTO decisions (endpoint, at_ms, inputs, decision, started, stopped, missing, hold, why, "
            "ready) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")),
        list_(db_.prepare(
            "SELECT number, at_ms, inputs, decision, started, stopped, missing, hold, why, ready FROM decisions "
            "WHERE endpoint = ? AND number < ? AND at_ms BETWEEN ? AND ? ORDER BY number DESC LIMIT ?")),
        forget_old_(
            db_.prepare("DELETE FROM decisions WHERE number <= (SELECT max(number) FROM decisions WHERE at_ms < ?)")),
        forget_many_(db_.prepare("DELETE FROM decisions WHERE number <= (SELECT max(number) FROM decisions) - ?")) {}

  void add(const std::vector<core::RecordedDecision>& all) {
    const Transaction transaction(db_, begin_);
    for (const core::RecordedDecision& one : all) {
      const std::string inputs = core::to_text(one.inputs);
      const std::string decision = core::to_text(one.decision);
      insert_.add(one.endpoint.str()).add(to_ms(one.at)).add(inputs).add(decision);
      insert_.add(std::int64_t{one.outcome.started}).add(std::int64_t{one.outcome.stopped});
      insert_.add(std::int64_t{one.outcome.missing}).add(core::to_text(one.outcome.hold)).add(one.outcome.why);
      insert_.add_copy(ready_text(one.outcome.ready)).run();
    }
    commit_.run();
  }

  void forget(Time before, std::size_t rows_max) {
    forget_old_.add(to_ms(before)).run();
    forget_many_.add(static_cast<std::int64_t>(rows_max)).run();
  }

  core::DecisionPage list(const core::DecisionQuery& query) {
    const StatementReset reset(list_);
    constexpr auto kAll = std::numeric_limits<std::int64_t>::max();
    list_.add(query.endpoint.str()).add(query.before.value_or(kAll));
    list_.add(query.from ? to_ms(*query.from) : 0).add(query.until ? to_ms(*query.until) : kAll);
    list_.add(std::int64_t{query.count} + 1);
    core::DecisionPage page;
    std::int64_t last = 0;
    while (list_.step()) {
      if (static_cast<int>(page.decisions.size()) == query.count) {
        page.next = last;
        break;
      }
      last = list_.integer(0);
      page.decisions.push_back(read(query.endpoint));
    }
    return page;
  }

 private:
  core::RecordedDecision read(const EndpointId& endpoint) {
    const auto inputs = core::parse_scale_inputs(list_.text(2));
    const auto decision = core::parse_scale_decision(list_.text(3));
    const auto hold = core::parse_scale_hold(list_.text(7));
    if (!inputs || !decision || !hold) throw SqliteError(SQLITE_CORRUPT, "a decision cannot be read");
    const auto whole = [&](int column) { return static_cast<int>(list_.integer(column)); };
    return {endpoint,
            from_ms(list_.integer(1)),
            *inputs,
            *decision,
            {whole(4), whole(5), whole(6), *hold, std::string(list_.text(8)), read_ready(list_.text(9))}};
  }

  Database db_;
  bool ready_;
  Statement begin_;
  Statement commit_;
  Statement insert_;
  Statement list_;
  Statement forget_old_;
  Statement forget_many_;
};

class LocalDecisionStore final : public DecisionStore {
 public:
  LocalDecisionStore(std::string file, std::unique_ptr<DecisionRows> rows, DecisionStoreOptions options)
      : file_(std::move(file)), options_(options), rows_(std::move(rows)), thread_([this] { run(); }) {}

  ~LocalDecisionStore() override {
    {
      const std::scoped_lock lock(mutex_);
      leaving_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

  void keep(std::vector<core::RecordedDecision> decisions) override {
    if (decisions.empty()) return;
    const std::scoped_lock lock(mutex_);
    const bool first = waiting_.empty();
    const std::size_t room = kWaitingMax - std::min(kWaitingMax, waiting_.size());
    decisions.resize(std::min(decisions.size(), room));
    std::ranges::move(decisions, std::back_inserter(waiting_));
    if (first) wake_.notify_one();
  }

  Result<core::DecisionPage> list(const core::DecisionQuery& query) override {
    std::unique_lock lock(mutex_);
    hurry_ = true;
    wake_.notify_one();
    written_.wait(lock, [&] { return waiting_.empty() && !is_writing_; });
    hurry_ = false;
    try {
      return rows_->list(query);
    } catch (const std::exception& error) {
      return fail(Errc::unavailable, fmt::format("{} cannot be read: {}", file_, error.what()));
    }
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait(lock, [&] { return leaving_ || !waiting_.empty(); });
      // Some are gathered first: they share a transaction.
      wake_.wait_for(lock, options_.write_after, [&] { return leaving_ || hurry_; });
      if (waiting_.empty() && leaving_) return;
      const std::vector<core::RecordedDecision> all = std::exchange(waiting_, {});
      is_writing_ = true;
      lock.unlock();
      write(all);
      lock.lock();
      is_writing_ = false;
      written_.notify_all();
    }
  }

  /// On the thread; `rows_` is only read by others while nothing is written.
  void write(const std::vector<core::RecordedDecision>& all) {
    try {
      rows_->add(all);
      const Instant now = std::chrono::steady_clock::now();
      if (now >= next_forget_) {
        rows_->forget(all.back().at - options_.keep_for, options_.rows_max);
        next_forget_ = now + kForgetEvery;
      }
      failed_ = false;
    } catch (const std::exception& error) {
      if (!std::exchange(failed_, true)) {
        log::error("decisions of the scaler cannot be written to {}: {}; they are left out", file_, error.what());
      }
    }
  }

  std::string file_;
  DecisionStoreOptions options_;
  std::unique_ptr<DecisionRows> rows_;
  Instant next_forget_{};  // of the thread, as the next
  bool failed_ = false;
  std::mutex mutex_;  // of all below
  std::condition_variable wake_;
  std::condition_variable written_;
  std::vector<core::RecordedDecision> waiting_;
  bool is_writing_ = false;
  bool hurry_ = false;
  bool leaving_ = false;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<DecisionStore> make_memory_decision_store(DecisionStoreOptions options) {
  return std::make_unique<MemoryDecisionStore>(options);
}

Result<std::unique_ptr<DecisionStore>> open_decision_store(const std::string& file, DecisionStoreOptions options) {
  const auto open = [&]() -> Result<std::unique_ptr<DecisionRows>> {
    const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0)
      return fail(Errc::unavailable, fmt::format("{} cannot be opened: {}", file, std::strerror(errno)));
    ::close(descriptor);
    try {
      return std::make_unique<DecisionRows>(file);
    } catch (const std::exception& error) {
      return fail(Errc::unavailable, fmt::format("{} cannot be used: {}", file, error.what()));
    }
  };
  auto rows = open();
  if (!rows) {
    log::warn("{}; it is moved to {}.unusable, and the record of the scaler begins anew", rows.error().message, file);
    std::rename(file.c_str(), (file + ".unusable").c_str());
    for (const char* beside : {"-wal", "-shm"}) std::remove((file + beside).c_str());
    rows = open();
  }
  if (!rows) return tl::unexpected<Error>(rows.error());
  return std::make_unique<LocalDecisionStore>(file, std::move(*rows), options);
}

}  // namespace penstock::store
