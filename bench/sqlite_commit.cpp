// What durability by SQLite costs alone: the records of a job, committed in groups, with no server around them.
// Settings are the server's unless options say otherwise; the table has no index but the one by id.
#include <fmt/format.h>
#include <sqlite3.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "bench/support/measure.h"

namespace penstock::bench {
namespace {

constexpr const char* kConfigure = R"sql(
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA page_size = {page_size};
PRAGMA cache_size = -{cache_kib};
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA wal_autocheckpoint = 4000;
PRAGMA journal_size_limit = 67108864;
CREATE TABLE jobs (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  status TEXT NOT NULL,
  worker TEXT NOT NULL,
  changed_ms INTEGER NOT NULL,
  input TEXT NOT NULL,
  output TEXT
) STRICT;
)sql";

struct Options {
  std::string directory;
  int batch = 1;
  int transactions = 3;
  double seconds = 3;
  int page_size = 4096;
  int cache_kib = 65536;
  bool ordered_ids = false;
  bool json = false;
};

class Database {
 public:
  Database(const std::string& file, const Options& options) {
    check(
        sqlite3_open_v2(file.c_str(), &db_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr));
    const std::string sql =
        fmt::format(kConfigure, fmt::arg("page_size", options.page_size), fmt::arg("cache_kib", options.cache_kib));
    check(sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr));
  }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database() { sqlite3_close(db_); }

  void check(int code) const {
    if (code != SQLITE_OK && code != SQLITE_DONE) die(fmt::format("SQLite: {}", sqlite3_errmsg(db_)));
  }
  sqlite3* get() const { return db_; }

 private:
  sqlite3* db_ = nullptr;
};

class Statement {
 public:
  Statement(const Database& db, const char* sql) : db_(db) {
    db_.check(sqlite3_prepare_v3(db.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement_, nullptr));
  }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement() { sqlite3_finalize(statement_); }

  void bind(int place, const std::string& text) {
    db_.check(sqlite3_bind_text(statement_, place, text.data(), static_cast<int>(text.size()), SQLITE_STATIC));
  }
  void run() {
    db_.check(sqlite3_step(statement_));
    db_.check(sqlite3_reset(statement_));
  }

 private:
  const Database& db_;
  sqlite3_stmt* statement_ = nullptr;
};

class Commits {
 public:
  Commits(const Database& db, const Options& options)
      : options_(options),
        payload_(1024, 'p'),
        begin_(db, "BEGIN IMMEDIATE"),
        commit_(db, "COMMIT"),
        insert_(db, "INSERT INTO jobs (id, status, worker, changed_ms, input) VALUES (?1, ?2, '', 1, ?3)"),
        running_(db, "UPDATE jobs SET status = 'IN_PROGRESS', worker = 'worker', changed_ms = 2 WHERE id = ?1"),
        finish_(db, "UPDATE jobs SET status = 'COMPLETED', changed_ms = 3, output = ?2 WHERE id = ?1"),
        ids_(static_cast<std::size_t>(options.batch)) {
    finish_.bind(2, payload_);
    insert_.bind(2, options_.transactions == 3 ? waiting_ : handed_out_);
    insert_.bind(3, payload_);
  }

  /// One batch of jobs from submit to result.
  void run_batch(Samples& commits) {
    for (std::string& id : ids_) id = next_id();
    commit_all(insert_, commits);
    if (options_.transactions == 3) commit_all(running_, commits);
    commit_all(finish_, commits);
  }

 private:
  /// As long as the server's ids, and as random unless asked otherwise: where a row's index entry goes matters.
  std::string next_id() {
    const std::uint64_t first = options_.ordered_ids ? ++last_ : random_();
    return fmt::format("{:016x}-{:019x}-u1", first, random_());
  }

  void commit_all(Statement& statement, Samples& commits) {
    const std::int64_t from = now_ns();
    begin_.run();
    for (const std::string& id : ids_) {
      statement.bind(1, id);
      statement.run();
    }
    commit_.run();
    commits.add(now_ns() - from);
  }

  Options options_;
  std::string payload_;
  std::string waiting_ = "IN_QUEUE", handed_out_ = "IN_PROGRESS";
  Statement begin_, commit_, insert_, running_, finish_;
  std::vector<std::string> ids_;
  std::uint64_t last_ = 0;
  std::mt19937_64 random_{1};
};

void measure(const Options& options) {
  const std::string file = options.directory + "/sqlite_commit.db";
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(file + suffix);
  {
    const Database db(file, options);
    Commits commits(db, options);
    Samples ignored, one, whole;
    const std::int64_t warm_until = now_ns() + 200'000'000;
    while (now_ns() < warm_until) commits.run_batch(ignored);
    const std::int64_t from = now_ns();
    const std::int64_t until = from + static_cast<std::int64_t>(options.seconds * 1e9);
    const double cpu_before = own_cpu_seconds();
    std::int64_t jobs = 0;
    std::int64_t now = from;
    while (now < until) {
      commits.run_batch(one);
      const std::int64_t after = now_ns();
      whole.add(after - now);
      now = after;
      jobs += options.batch;
    }
    const double seconds = static_cast<double>(now - from) / 1e9;
    const double cpu_us = (own_cpu_seconds() - cpu_before) * 1e6 / static_cast<double>(jobs);
    const double rate = static_cast<double>(jobs) / seconds;
    const Percentiles commit = one.percentiles();
    const Percentiles job = whole.percentiles();
    if (options.json) {
      fmt::print(
          "{{\"batch\":{},\"transactions\":{},\"jobs_per_s\":{:.1f},\"commit_ms\":{},\"job_ms\":{},"
          "\"cpu_us_per_job\":{:.2f}}}\n",
          options.batch, options.transactions, rate, to_json(commit), to_json(job), cpu_us);
    } else {
      fmt::print(
          "{} jobs in each of {} transactions: {:.0f} jobs/s, commit p50 {:.3f} p99 {:.3f} ms, job p50 {:.3f} ms, "
          "CPU {:.1f} us per job\n",
          options.batch, options.transactions, rate, commit.p50_ms, commit.p99_ms, job.p50_ms, cpu_us);
    }
  }
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(file + suffix);
}

}  // namespace
}  // namespace penstock::bench

int main(int argc, char** argv) {
  penstock::bench::Options options;
  CLI::App app{"Group commit of job records in SQLite, WAL, synchronous = FULL"};
  app.add_option("--dir", options.directory, "where the database file is made and removed")
      ->required()
      ->check(CLI::ExistingDirectory);
  app.add_option("--batch", options.batch, "jobs that share each transaction")->check(CLI::Range(1, 4096));
  app.add_option("--transactions", options.transactions,
                 "3: submitted, handed out, finished; 2: handed out at once, when a worker is waiting")
      ->check(CLI::IsMember({2, 3}));
  app.add_option("--seconds", options.seconds, "measured time")->check(CLI::Range(0.1, 60.0));
  app.add_option("--page-size", options.page_size, "bytes of a database page")
      ->check(CLI::IsMember({1024, 2048, 4096, 8192, 16384}));
  app.add_option("--cache-kib", options.cache_kib, "SQLite's page cache")->check(CLI::Range(100, 1'048'576));
  app.add_flag("--ordered-ids", options.ordered_ids, "job ids that grow with time instead of random ones");
  app.add_flag("--json", options.json, "one line of JSON");
  CLI11_PARSE(app, argc, argv);
  penstock::bench::measure(options);
}
