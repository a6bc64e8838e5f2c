#include "store/sqlite_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <mutex>
#include <thread>

#include "store/delivery_rows.h"
#include "store/fleet_rows.h"
#include "store/job_rows.h"
#include "store/paced_writes.h"
#include "store/row_codec.h"
#include "store/schema.h"
#include "store/turn_plan.h"
#include "store/yielding_mutex.h"

namespace penstock::store {
namespace {

/// What happened, to which file, and what to do about it.
Error explain(const std::string& file, const std::exception& cause) {
  const auto* error = dynamic_cast<const SqliteError*>(&cause);
  const int code = error != nullptr ? error->code() : SQLITE_ERROR;
  std::string text;
  if (code == SQLITE_BUSY || code == SQLITE_LOCKED) {
    text = fmt::format("the data file {} is in use by another process; only one server at a time can use it ({})", file,
                       cause.what());
  } else if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB || dynamic_cast<const DamagedRow*>(&cause) != nullptr) {
    // Which undoes what a crash left half-written, and stays beside the file for good.
    const std::string journal = file + "-journal";
    const bool is_gone = code == SQLITE_CORRUPT && ::access(journal.c_str(), F_OK) != 0;
    text = fmt::format(
        "the data file {} is damaged ({}); {}`penstock doctor` can say more; otherwise restore a backup (the .recover "
        "command of sqlite3 may save what is left)",
        file, cause.what(), is_gone ? "its journal " + journal + " is not there: put it back if you can; " : "");
  } else if (code == SQLITE_FULL) {
    text = fmt::format("no space is left to write the data file {} ({})", file, cause.what());
  } else if (dynamic_cast<const SchemaRefused*>(&cause) != nullptr) {
    text = fmt::format("the data file {} cannot be used: {}", file, cause.what());
  } else {
    text = fmt::format("the data file {} cannot be read or written: {}", file, cause.what());
  }
  return Error{Errc::unavailable, std::move(text)};
}

constexpr int kInputsAtOnce = 64;  // so that the writer never waits long

/// The one row of its table. Its numbers use all 64 bits.
struct LogPositionRow {
  std::string id = "log";
  std::int64_t log = 0;
  std::int64_t applied = 0;
  bool is_open = false;

  static LogPositionRow of(const LogPosition& position) {
    return {"log", static_cast<std::int64_t>(position.log), static_cast<std::int64_t>(position.applied),
            position.is_open};
  }
  LogPosition value() const { return {static_cast<std::uint64_t>(log), static_cast<std::uint64_t>(applied), is_open}; }
};

template <IsA<LogPositionRow> Value, class Visit>
void each_field(Value& value, Visit&& visit) {
  visit("id", value.id);
  visit("log", value.log);
  visit("applied", value.applied);
  visit("is_open", value.is_open);
}

void check_pages(Database& db) {
  const std::string found = db.text("PRAGMA integrity_check(1)");
  if (found != "ok") throw SqliteError(SQLITE_CORRUPT, found);
}

class Tables final : public SqliteStore {
 public:
  Tables(std::string file, std::unique_ptr<Database> db)
      : file_(std::move(file)),
        db_(std::move(db)),
        begin_(db_->prepare("BEGIN IMMEDIATE")),
        commit_(db_->prepare("COMMIT")),
        put_position_(upsert<LogPositionRow>("log_position")),
        put_account_(upsert<core::Account>("accounts")),
        put_key_(upsert<core::ApiKey>("api_keys")),
        put_template_(upsert<core::Template>("templates")),
        remove_template_(db_->prepare("DELETE FROM templates WHERE id = ?")),
        put_endpoint_(upsert<core::Endpoint>("endpoints")),
        remove_endpoint_(db_->prepare("DELETE FROM endpoints WHERE id = ?")),
        put_counters_(upsert<core::CountersSaved>("counters")),
        remove_counters_(db_->prepare("DELETE FROM counters WHERE endpoint = ?")),
        put_worker_(upsert<core::Worker>("workers")),
        remove_worker_(db_->prepare("DELETE FROM workers WHERE id = ?")),
        put_volume_(upsert<core::NetworkVolume>("network_volumes")),
        remove_volume_(db_->prepare("DELETE FROM network_volumes WHERE id = ?")),
        put_secret_(upsert<core::Secret>("secrets")),
        remove_secret_(db_->prepare("DELETE FROM secrets WHERE id = ?")),
        put_credential_(upsert<core::RegistryCredential>("registry_credentials")),
        remove_credential_(db_->prepare("DELETE FROM registry_credentials WHERE id = ?")),
        put_batch_(upsert<core::Batch>("batches")),
        remove_batch_(db_->prepare("DELETE FROM batches WHERE id = ?")),
        remove_batches_(db_->prepare("DELETE FROM batches WHERE endpoint = ?")),
        put_gpu_mark_(upsert<core::GpuMark>("gpu_marks")),
        remove_gpu_mark_(db_->prepare("DELETE FROM gpu_marks WHERE id = ?")),
        jobs_(*db_),
        deliveries_(*db_),
        fleet_(*db_) {}

  Result<core::StoredState> load() override { return load_within(std::numeric_limits<std::uint64_t>::max()); }

  Result<core::StoredState> load_within(std::uint64_t input_bytes) override {
    const std::scoped_lock lock(mutex_);
    try {
      core::StoredState state;
      state.accounts = load_table<core::Account>("accounts");
      state.keys = load_table<core::ApiKey>("api_keys");
      state.templates = load_table<core::Template>("templates");
      state.endpoints = load_table<core::Endpoint>("endpoints");
      for (auto& row : load_table<core::CountersSaved>("counters")) {
        if (row.last_request > Time{}) state.last_requests.emplace_back(row.endpoint, row.last_request);
        state.counters.emplace_back(std::move(row.endpoint), row.counters);
      }
      state.workers = load_table<core::Worker>("workers");
      state.volumes = load_table<core::NetworkVolume>("network_volumes");
      state.secrets = load_table<core::Secret>("secrets");
      state.credentials = load_table<core::RegistryCredential>("registry_credentials");
      state.gpu_marks = load_table<core::GpuMark>("gpu_marks");
      state.jobs = jobs_.load_live(input_bytes);
      state.deliveries = deliveries_.load_pending();
      state.batches = load_table<core::Batch>("batches");
      fleet_.load(state);
      return state;
    } catch (const std::exception& error) {
      return tl::unexpected(explain(file_, error));
    }
  }

  void read_inputs(core::ReadInputs wanted, OnInputs done) override { done(find_inputs(wanted)); }

  Result<std::vector<core::JobInput>> find_inputs(const core::ReadInputs& wanted) override {
    std::vector<core::JobInput> found;
    std::size_t bytes = 0;
    try {
      for (std::size_t i = 0; i < wanted.jobs.size() && bytes <= wanted.bytes_max;) {
        const std::scoped_lock lock(mutex_);  // of a few at a time, so that others need not wait long
        for (int n = 0; n < kInputsAtOnce && i < wanted.jobs.size() && bytes <= wanted.bytes_max; ++n, ++i) {
          found.push_back(jobs_.find_input(wanted.endpoint, wanted.jobs[i]));
          bytes += found.back().input ? found.back().input->size() : 0;
        }
      }
      return found;
    } catch (const std::exception& error) {
      return tl::unexpected(explain(file_, error));
    }
  }

  Result<std::optional<core::StoredJob>> find_job(const EndpointId& endpoint, const JobId& job) override {
    const std::scoped_lock lock(mutex_);
    try {
      return jobs_.find(endpoint, job);
    } catch (const std::exception& error) {
      return tl::unexpected(explain(file_, error));
    }
  }

  Result<std::optional<core::StoredJob>> find_keyed_job(const EndpointId& endpoint,
                                                        const std::string& idempotency_key) override {
    const std::scoped_lock lock(mutex_);
    try {
      return jobs_.find_keyed(endpoint, idempotency_key);
    } catch (const std::exception& error) {
      return tl::unexpected(explain(file_, error));
    }
  }

  Result<std::optional<EndpointId>> endpoint_of(const JobId& job) override {
    const std::scoped_lock lock(mutex_);
    try {
      return jobs_.endpoint_of(job);
    } catch (const std::exception& error) {
      return tl::unexpected(explain(file_, error));
    }
  }

  Result<std::optional<core::WebhookDelivery>> find_delivery(const DeliveryId& id) override {
    const std::scoped_lock lock(mutex_);
    try {
      return deliveries_.find(id);
    } catch (const std::exception& error) {
      return tl::unexpected(explain(file_, error));
    }
  }

  Result<std::vector<core::WebhookDelivery>> list_deliveries(const core::DeliveryQuery& query) override {
    return reading<std::vector<core::WebhookDelivery>>([&] { return deliveries_.list(query); });
  }

  void list_releases(const EndpointId& endpoint, OnReleases on_releases) override {
    on_releases(reading<std::vector<core::Release>>([&] { return fleet_.list_releases(endpoint); }));
  }

  void list_usage(const core::UsageQuery& query, OnUsage on_usage) override {
    on_usage(reading<std::vector<core::UsageRow>>([&] { return fleet_.list_usage(query); }));
  }

  void list_jobs(const core::JobQuery& query, OnPage on_page) override {
    on_page(reading<core::JobPage>([&] { return jobs_.list(query); }));
  }

  void list_batch_jobs(const core::BatchJobQuery& query, OnJobs on_jobs) override {
    on_jobs(reading<std::vector<core::StoredJob>>([&] { return jobs_.list(query); }));
  }

  Result<void> commit(std::span<const core::Record> turn) override {
    if (turn.empty()) return {};
    const SharedTurn encoded = encode(turn);
    return write({&encoded, 1}, nullptr, always);
  }

  Result<void> apply(std::span<const SharedTurn> turns, const LogPosition& position, const InHaste& in_haste) override {
    return write(turns, &position, in_haste);
  }

  Result<LogPosition> log_position() override {
    const std::scoped_lock lock(mutex_);
    try {
      const auto all = load_table<LogPositionRow>("log_position");
      return all.empty() ? LogPosition{} : all.front().value();
    } catch (const std::exception& error) {
      return tl::unexpected(explain(file_, error));
    }
  }

  Result<void> save(const LogPosition& position) override { return write({}, &position, always); }

  Result<void> check() override {
    const std::scoped_lock lock(mutex_);
    try {
      check_pages(*db_);
      return {};
    } catch (const std::exception& error) {
      return tl::unexpected(explain(file_, error));
    }
  }

  Result<void> rebuild_indexes() override {
    const std::scoped_lock lock(mutex_);
    try {
      db_->execute("REINDEX");
      return {};
    } catch (const std::exception& error) {
      return tl::unexpected(explain(file_, error));
    }
  }

 private:
  template <class Found, class Read>
  Result<Found> reading(Read&& read) {
    const std::scoped_lock lock(mutex_);
    try {
      return read();
    } catch (const std::exception& error) {
      return tl::unexpected(explain(file_, error));
    }
  }

  /// One transaction. Readers on other threads have their turn in the midst of it, and find what it has written so far.
  Result<void> write(std::span<const SharedTurn> turns, const LogPosition* position, const InHaste& in_haste) {
    try {
      const TurnPlan plan = plan_turns(turns, [&] {
        if (!in_haste()) std::this_thread::yield();
      });
      std::span<const TurnStep> steps = plan.steps;
      const std::scoped_lock lock(mutex_);
      const Transaction transaction(*db_, begin_);
      while (!steps.empty()) {
        in_haste() ? mutex_.let_others_in() : mutex_.give_way();
        steps = steps.subspan(apply_first(steps));
      }
      if (position != nullptr) put(put_position_, LogPositionRow::of(*position));
      commit_.run();
      return {};
    } catch (const std::exception& error) {
      return tl::unexpected(explain(file_, error));
    }
  }

  template <class Value>
  Statement upsert(const char* table) {
    return db_->prepare(upsert_sql(table, column_names<Value>()));
  }

  template <class Value>
  std::vector<Value> load_table(const char* table) {
    std::vector<Value> values;
    Statement rows = db_->prepare(select_sql(table, column_names<Value>()));
    while (rows.step()) values.push_back(read_row<Value>(rows));
    return values;
  }

  template <class Value>
  static void put(Statement& statement, const Value& value) {
    write_row(statement, value);
    statement.run();
  }

  /// Gives how many steps it took: nearly all are of new jobs, one behind the other.
  std::size_t apply_first(std::span<const TurnStep> steps) {
    const auto some = steps.first(std::min(steps.size(), JobRows::kAtOnce));
    const bool are_new_jobs =
        std::ranges::all_of(some, [](const TurnStep& step) { return step.record == nullptr && step.job.is_new; });
    if (some.size() == JobRows::kAtOnce && are_new_jobs) {
      jobs_.add_some(some);
      return some.size();
    }
    const TurnStep& step = steps.front();
    if (step.record != nullptr) {
      std::visit([&](const auto& record) { apply(record); }, *step.record);
    } else {
      step.job.is_new ? jobs_.add(step.job) : jobs_.change(step.job);
    }
    return 1;
  }

  void apply(const core::AccountSaved& record) { put(put_account_, record.account); }
  void apply(const core::ApiKeySaved& record) { put(put_key_, record.key); }
  void apply(const core::TemplateSaved& record) { put(put_template_, record.value); }
  void apply(const core::TemplateRemoved& record) { remove_template_.add(record.id.str()).run(); }
  void apply(const core::EndpointSaved& record) { put(put_endpoint_, record.endpoint); }
  void apply(const core::EndpointRemoved& record) {
    remove_endpoint_.add(record.id.str()).run();
    remove_counters_.add(record.id.str()).run();
    remove_batches_.add(record.id.str()).run();
    jobs_.remove_of(record.id);
    fleet_.remove_of(record.id);
  }
  void apply(const core::CountersSaved& record) { put(put_counters_, record); }
  // A plan has jobs in their encoded form only.
  void apply(const core::JobAdded&) { ENSURE(false); }
  void apply(const core::JobChanged&) { ENSURE(false); }
  void apply(const core::ChunkAdded& record) { jobs_.add_chunk(record.job, record.index, record.chunk); }
  void apply(const core::ChunksCleared& record) { jobs_.clear_chunks(record.job); }
  void apply(const core::JobsForgotten& record) {
    jobs_.forget(record.expired_at);
    deliveries_.forget(record.expired_at);
  }
  void apply(const core::WorkerSaved& record) { put(put_worker_, record.worker); }
  void apply(const core::WorkerRemoved& record) { remove_worker_.add(record.id.str()).run(); }
  void apply(const core::VolumeSaved& record) { put(put_volume_, record.value); }
  void apply(const core::VolumeRemoved& record) { remove_volume_.add(record.id.str()).run(); }
  void apply(const core::SecretSaved& record) { put(put_secret_, record.value); }
  void apply(const core::SecretRemoved& record) { remove_secret_.add(record.id.str()).run(); }
  void apply(const core::CredentialSaved& record) { put(put_credential_, record.value); }
  void apply(const core::CredentialRemoved& record) { remove_credential_.add(record.id.str()).run(); }
  void apply(const core::BatchSaved& record) { put(put_batch_, record.value); }
  void apply(const core::BatchRemoved& record) { remove_batch_.add(record.id.str()).run(); }
  void apply(const core::WebhookAdded& record) { deliveries_.add(record.delivery); }
  void apply(const core::WebhookChanged& record) { deliveries_.change(record.id, record.state); }

  void apply(const core::GpuMarkSaved& record) { put(put_gpu_mark_, record.value); }
  void apply(const core::GpuMarkRemoved& record) { remove_gpu_mark_.add(record.id).run(); }
  void apply(const core::ReleaseSaved& record) { fleet_.put(record.value); }
  void apply(const core::UsageSaved& record) { fleet_.put(record.value); }
  void apply(const core::BudgetSaved& record) { fleet_.put(record.value); }
  void apply(const core::PlacesSaved& record) { fleet_.put(record.value); }

  YieldingMutex mutex_;  // of all below
  std::string file_;
  std::unique_ptr<Database> db_;  // outlives the statements below
  Statement begin_;
  Statement commit_;
  Statement put_position_;
  Statement put_account_;
  Statement put_key_;
  Statement put_template_;
  Statement remove_template_;
  Statement put_endpoint_;
  Statement remove_endpoint_;
  Statement put_counters_;
  Statement remove_counters_;
  Statement put_worker_;
  Statement remove_worker_;
  Statement put_volume_;
  Statement remove_volume_;
  Statement put_secret_;
  Statement remove_secret_;
  Statement put_credential_;
  Statement remove_credential_;
  Statement put_batch_;
  Statement remove_batch_;
  Statement remove_batches_;
  Statement put_gpu_mark_;
  Statement remove_gpu_mark_;
  JobRows jobs_;
  DeliveryRows deliveries_;
  FleetRows fleet_;
};

/// The file holds what users keep secret (environments, payloads): SQLite gives its journal the same rights.
Result<void> create_private(const std::string& file) {
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    return fail(Errc::unavailable, fmt::format("the data file {} cannot be opened: {}", file, std::strerror(errno)));
  }
  ::close(descriptor);
  return {};
}

void configure(Database& db) {
  // Before the first access: a server that holds the file keeps the next one out at once.
  db.execute("PRAGMA locking_mode = EXCLUSIVE");
  db.execute("PRAGMA foreign_keys = OFF");
  // Measured: with a finished job of 2.4 KB, 4 KiB pages split all the time, and a commit that truncates walks the
  // whole cache, so a large one costs more than it saves.
  db.execute("PRAGMA page_size = 8192");
  db.execute("PRAGMA cache_size = -8192");
  db.execute("PRAGMA temp_store = MEMORY");
  db.execute("PRAGMA synchronous = FULL");
  db.execute("BEGIN EXCLUSIVE; COMMIT");
}

/// Most pages that a transaction writes are new ones, behind all others. A rollback journal keeps nothing of those,
/// where a write-ahead log would have each of them written twice and read once: see docs/decisions/0038.
void use_rollback_journal(Database& db) {
  if (const std::string mode = db.text("PRAGMA journal_mode = PERSIST"); mode != "persist") {
    throw SqliteError(SQLITE_ERROR, "its journal cannot be kept beside it (journal mode " + mode + ")");
  }
  db.execute("PRAGMA journal_size_limit = 67108864");
}

}  // namespace

Result<std::unique_ptr<SqliteStore>> open_sqlite_store(const std::string& file) {
  [[maybe_unused]] static const bool paced = (pace_sqlite(), true);
  if (auto created = create_private(file); !created) return tl::unexpected(std::move(created.error()));
  try {
    auto db = std::make_unique<Database>(file);
    configure(*db);
    check_owner(*db);
    use_rollback_journal(*db);
    migrate(*db);
    return std::make_unique<Tables>(file, std::move(db));
  } catch (const std::exception& error) {
    return tl::unexpected(explain(file, error));
  }
}

Result<SqliteFacts> inspect_sqlite(const std::string& file) {
  try {
    Database db(file);
    configure(db);
    check_owner(db);
    check_pages(db);
    SqliteFacts facts;
    facts.schema = static_cast<int>(db.integer("PRAGMA user_version"));
    const auto has_table = [&](const char* name) {
      return db.integer(fmt::format("SELECT count(*) FROM sqlite_schema WHERE name = '{}'", name)) > 0;
    };
    if (has_table("accounts")) facts.has_account = db.integer("SELECT count(*) FROM accounts") > 0;
    if (!has_table("log_position")) return facts;
    Statement rows = db.prepare(select_sql("log_position", column_names<LogPositionRow>()));
    if (rows.step()) facts.position = read_row<LogPositionRow>(rows).value();
    return facts;
  } catch (const std::exception& error) {
    return tl::unexpected(explain(file, error));
  }
}

}  // namespace penstock::store
