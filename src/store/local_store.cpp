#include "store/local_store.h"

#include <fmt/format.h>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "store/input_reader.h"
#include "store/log/backlog.h"
#include "store/log/record_codec.h"
#include "store/recovery.h"
#include "store/scheduling.h"
#include "store/sqlite_store.h"
#include "store/state_replay.h"

namespace penstock::store {
namespace {

constexpr Millis kTryAgain{1000};
constexpr Millis kSyncEvery{1000};

class LocalStore final : public Store {
 public:
  /// `found` is whole.
  LocalStore(LocalStoreOptions options, std::unique_ptr<SqliteStore> tables, std::unique_ptr<Log> log,
             LogPosition position, Replay found)
      : options_(std::move(options)),
        tables_(std::move(tables)),
        log_(std::move(log)),
        reader_(*tables_),
        begun_(position.applied + found.kept.size()),
        ahead_(std::move(found.kept_records)),
        position_(position),
        applied_(position.applied),
        behind_bytes_(found.kept_bytes),
        waiting_(std::move(found.kept)),
        waiting_bytes_(found.kept_bytes),
        waiting_since_(now()),
        holds_(!waiting_.empty()),
        thread_([this] { run(); }),
        writer_([this] { write_begun(); }) {
    const std::scoped_lock lock(mutex_);
    std::uint64_t sequence = position.applied;
    for (const SharedTurn& turn : waiting_) backlog_.add(++sequence, turn);
  }

  ~LocalStore() override {
    {
      const std::scoped_lock lock(begun_mutex_);
      writer_leaves_ = true;
    }
    writer_wake_.notify_one();
    writer_.join();
    {
      const std::scoped_lock lock(mutex_);
      leaving_ = true;
      ++awaited_;
    }
    wake_.notify_one();
    thread_.join();
  }

  Result<core::StoredState> load() override {
    if (auto state = load_ahead()) return std::move(*state);
    if (auto done = settle(); !done) return tl::unexpected(std::move(done.error()));
    return tables_->load_within(options_.load_input_bytes);
  }

  void read_inputs(core::ReadInputs wanted, OnInputs done) override {
    backlog_.drop(applied_);
    std::vector<core::JobInput> found;
    std::size_t bytes = 0;
    std::erase_if(wanted.jobs, [&](const JobId& job) {
      if (bytes > wanted.bytes_max) return true;
      auto input = backlog_.find_input(job);
      if (!input) return false;
      bytes += input->input->size();
      found.push_back(std::move(*input));
      return true;
    });
    wanted.bytes_max -= std::min(wanted.bytes_max, bytes);
    if (wanted.jobs.empty()) return done(std::move(found));
    reader_.read(std::move(wanted), std::move(found), std::move(done));
  }

  Result<std::optional<core::StoredJob>> find_job(const EndpointId& endpoint, const JobId& job) override {
    backlog_.drop(applied_);
    std::optional<core::StoredJob> found;
    if (!backlog_.holds_whole(job)) {
      auto stored = tables_->find_job(endpoint, job);
      if (!stored) return stored;
      found = std::move(*stored);
    }
    backlog_.apply_to(found, endpoint, job);
    return found;
  }

  Result<std::optional<core::StoredJob>> find_keyed_job(const EndpointId& endpoint,
                                                        const std::string& idempotency_key) override {
    backlog_.drop(applied_);
    const auto has_key = [&](const std::optional<core::StoredJob>& job) {
      return job && job->request.idempotency_key == idempotency_key;
    };
    if (const auto job = backlog_.find_keyed(endpoint, idempotency_key)) {
      auto found = find_job(endpoint, *job);
      if (!found || has_key(*found)) return found;
    }
    auto stored = tables_->find_keyed_job(endpoint, idempotency_key);
    if (!stored || !*stored) return stored;
    backlog_.apply_to(*stored, endpoint, JobId((*stored)->request.id));
    if (!has_key(*stored)) stored->reset();
    return stored;
  }

  Result<std::optional<EndpointId>> endpoint_of(const JobId& job) override {
    backlog_.drop(applied_);
    if (auto endpoint = backlog_.endpoint_of(job)) return endpoint;
    return tables_->endpoint_of(job);
  }

  Result<std::optional<core::WebhookDelivery>> find_delivery(const DeliveryId& id) override {
    backlog_.drop(applied_);
    std::optional<core::WebhookDelivery> found;
    if (!backlog_.holds_whole(id)) {
      auto stored = tables_->find_delivery(id);
      if (!stored) return stored;
      found = std::move(*stored);
    }
    backlog_.apply_to(found, id);
    return found;
  }

  Result<std::vector<core::WebhookDelivery>> list_deliveries(const core::DeliveryQuery& query) override {
    return tables_->list_deliveries(query);
  }

  void list_releases(const EndpointId& endpoint, OnReleases on_releases) override {
    list_later(&Store::list_releases, endpoint, std::move(on_releases));
  }
  void list_usage(const core::UsageQuery& query, OnUsage on_usage) override {
    list_later(&Store::list_usage, query, std::move(on_usage));
  }
  void list_jobs(const core::JobQuery& query, OnPage on_page) override {
    list_later(&Store::list_jobs, query, std::move(on_page));
  }
  void list_batch_jobs(const core::BatchJobQuery& query, OnJobs on_jobs) override {
    list_later(&Store::list_batch_jobs, query, std::move(on_jobs));
  }

  void stop_listing() override {
    std::unique_lock lock(mutex_);
    awaited_ -= reads_.size();
    reads_.clear();
    applied_all_.wait(lock, [&] { return !is_reading_; });
  }

  Result<void> commit(std::span<const core::Record> records) override {
    if (auto written = wait_for_writer(); !written || records.empty()) return written;
    SharedTurn turn = begin(records);
    if (auto done = log_->append({&turn, 1}); !done) return tl::unexpected(std::move(done.error()));
    return hand_over(std::move(turn));
  }

  void commit_later(std::span<const core::Record> records, Done done) override {
    SharedTurn turn = begin(records);
    begun_bytes_ += turn->frame().size();
    const std::scoped_lock lock(begun_mutex_);
    begun_turns_.push_back(std::move(turn));
    begun_done_.push_back(std::move(done));
    if (!is_writing_) writer_wake_.notify_one();
  }

  /// Under load the store's thread may be too busy to make the next segment in time: then it is made here.
  bool has_room(std::uint64_t bytes) override {
    if (is_stuck_ || lacks_space_) return false;
    bytes += begun_bytes_;
    if (log_->has_room(bytes)) return true;
    return !log_->is_full() && log_->prepare() && log_->has_room(bytes);
  }

  bool tidy() override { return backlog_.drop(applied_); }

  StoreStats stats() override {
    StoreStats stats;
    stats.log_bytes = log_bytes_;
    stats.turns_behind = begun_ - applied_;
    const std::scoped_lock lock(mutex_);
    stats.bytes_behind = behind_bytes_ + begun_bytes_;
    if (!waiting_.empty()) stats.behind_for = std::chrono::duration_cast<Millis>(now() - waiting_since_);
    return stats;
  }

 private:
  using Instant = std::chrono::steady_clock::time_point;

  static Instant now() { return std::chrono::steady_clock::now(); }

  /// From here on every read sees the turn. Its records are in the processor's cache still: the log, the tables and
  /// whoever reads meanwhile take its bytes.
  SharedTurn begin(std::span<const core::Record> records) {
    backlog_.drop(applied_);
    SharedTurn turn = encode(records);
    backlog_.add(++begun_, turn);
    return turn;
  }

  /// What a start found in the log is put over what the tables say, and they follow in their own time. Nothing: they
  /// must come first.
  std::optional<core::StoredState> load_ahead() {
    const auto turns = std::exchange(ahead_, {});
    {
      const std::scoped_lock lock(mutex_);
      if (!holds_) return std::nullopt;
    }
    auto state = tables_->load_within(options_.load_input_bytes);
    const bool is_whole = state && replay_over(*state, turns);
    let_go();
    if (!is_whole) return std::nullopt;
    log::info("{} turns are in the log only, and follow into the tables", turns.size());
    return std::move(*state);
  }

  void let_go() {
    const std::scoped_lock lock(mutex_);
    holds_ = false;
    wake_.notify_one();
  }

  /// Until all that was begun is durable. Errors: some of it never will be.
  Result<void> wait_for_writer() {
    std::unique_lock lock(begun_mutex_);
    waits_for_writer_ = true;
    if (lacks_space_) writer_wake_.notify_one();
    written_all_.wait(lock, [&] { return begun_turns_.empty() && !is_writing_; });
    waits_for_writer_ = false;
    return written_;
  }

  /// A read of the tables, once they have all that was begun. `error`: they have not, and will not soon.
  using Read = std::function<void(const Error* error)>;
  struct LaterRead {
    std::uint64_t after = 0;  // this turn
    Read read;
  };

  void read_later(Read read) {
    const std::scoped_lock lock(mutex_);
    holds_ = false;
    reads_.push_back({begun_, std::move(read)});
    ++awaited_;
    wake_.notify_one();
  }

  template <class Query, class OnList>
  void list_later(void (Store::*list)(const Query&, OnList), const Query& query, OnList on_list) {
    read_later([this, list, query, on_list = std::move(on_list)](const Error* error) {
      if (error) return on_list(tl::unexpected(*error));
      (tables_.get()->*list)(query, on_list);
    });
  }

  /// What waits for the tables, all of it: read before the tables are.
  Result<void> settle() {
    if (auto written = wait_for_writer(); !written) return written;
    std::unique_lock lock(mutex_);
    ++awaited_;
    holds_ = false;
    wake_.notify_one();
    applied_all_.wait(lock,
                      [&] { return (waiting_.empty() && !is_applying_) || !failure_.message.empty() || is_stuck_; });
    --awaited_;
    if (!failure_.message.empty()) return tl::unexpected(failure_);
    return {};
  }

  Result<void> hand_over(SharedTurn turn) {
    const std::uint64_t bytes = turn->frame().size();
    log_bytes_ += bytes;
    std::unique_lock lock(mutex_);
    holds_ = false;
    if (waiting_.empty()) waiting_since_ = now();
    const bool was_empty = waiting_.empty();
    waiting_.push_back(std::move(turn));
    waiting_bytes_ += bytes;
    behind_bytes_ += bytes;
    const bool is_large = waiting_bytes_ >= options_.apply_bytes && waiting_bytes_ - bytes < options_.apply_bytes;
    if (was_empty || is_large || !reads_.empty() || !log_->is_ready()) wake_.notify_one();
    applied_all_.wait(lock, [&] { return behind_bytes_ <= options_.backlog_bytes_max || !failure_.message.empty(); });
    if (!failure_.message.empty()) return tl::unexpected(failure_);
    return {};
  }

  // ---------------------------------------------------------------- the log's thread

  void write_begun() {
    run_soon_and_briefly();  // answers wait for it
    std::unique_lock lock(begun_mutex_);
    while (true) {
      writer_wake_.wait(lock, [&] { return writer_leaves_ || !begun_turns_.empty(); });
      if (begun_turns_.empty()) return;
      std::vector<SharedTurn> turns = std::exchange(begun_turns_, {});
      std::vector<Done> tell = std::exchange(begun_done_, {});
      is_writing_ = true;
      Result<void> written = written_;
      lock.unlock();
      write(turns, tell, written);
      lock.lock();
      written_ = std::move(written);
      is_writing_ = false;
      if (begun_turns_.empty()) written_all_.notify_all();
    }
  }

  /// `done`: how it went so far, and then goes. After an error nothing is appended any more.
  void write(std::span<SharedTurn> turns, std::span<const Done> tell, Result<void>& done) {
    if (done) done = append_when_possible(turns);
    for (std::size_t i = 0; i < turns.size(); ++i) {
      begun_bytes_ -= turns[i]->frame().size();
      tell[i](done);
      if (!done) continue;
      if (auto taken = hand_over(std::move(turns[i])); !taken) keep(taken);
    }
  }

  /// Turns that are there already cannot be refused any more. With a full disk they wait, and whoever was to be told of
  /// them with them, unless somebody must know now.
  Result<void> append_when_possible(std::span<const SharedTurn> turns) {
    auto appended = log_->append(turns);
    if (!appended && appended.error().code == Errc::no_space) {
      log::error("{}; answers wait until there is space", appended.error().message);
    }
    while (!appended && appended.error().code == Errc::no_space) {
      {
        std::unique_lock lock(begun_mutex_);
        lacks_space_ = true;
        if (writer_wake_.wait_for(lock, kTryAgain, [&] { return writer_leaves_ || waits_for_writer_; })) break;
      }
      appended = log_->resume(turns);
    }
    if (lacks_space_.exchange(false) && appended) log::info("there is space again: answers go on");
    if (!appended) return tl::unexpected(std::move(appended.error()));
    return {};
  }

  // ---------------------------------------------------------------- the store's thread

  void run() {
    // The loop comes first when the processor is short: what the tables do not have yet is safe in the log, and a
    // committer waits only when they fall far behind.
    run_when_others_do_not();
    std::unique_lock lock(mutex_);
    Instant next_sync = now() + kSyncEvery;
    while (true) {
      wait_for_work(lock, next_sync);
      const bool leave = leaving_;
      lock.unlock();
      if (options_.log.durability == Durability::every_second && now() >= next_sync) {
        keep(log_->sync());
        next_sync = now() + kSyncEvery;
      }
      make_room();
      lock.lock();
      if (is_due()) apply_waiting(lock);
      serve_reads(lock);
      if (leave && (waiting_.empty() || is_stuck_ || !failure_.message.empty())) break;
    }
    lock.unlock();
    keep(log_->sync());
    LogPosition closed = position_;
    closed.is_open = is_stuck_ || !failure_.message.empty();
    if (!closed.is_open) keep(tables_->save(closed));
  }

  bool is_due() const {
    if (waiting_.empty() || (holds_ && !leaving_) || !failure_.message.empty()) return false;
    return awaited_ > 0 || waiting_bytes_ >= options_.apply_bytes || now() - waiting_since_ >= options_.apply_after;
  }

  /// Whether the tables must have the processor too. Called while they are written.
  bool is_in_haste() const { return awaited_ > 0 || behind_bytes_ > options_.backlog_bytes_max / 4; }

  bool has_work() const { return leaving_ || is_due() || can_read() || (had_room_ && !log_->is_ready()); }

  bool can_read() const {
    return !reads_.empty() &&
           (reads_.front().after <= applied_ || is_stuck_ || lacks_space_ || !failure_.message.empty());
  }

  void serve_reads(std::unique_lock<std::mutex>& lock) {
    while (can_read()) {
      const LaterRead next = std::move(reads_.front());
      reads_.pop_front();
      --awaited_;
      std::optional<Error> error;
      if (next.after > applied_) {
        error = Error{Errc::unavailable,
                      "what the tables have cannot be listed while they cannot be written; the server's log says why"};
        if (!failure_.message.empty()) error = failure_;
      }
      is_reading_ = true;
      lock.unlock();
      next.read(error ? &*error : nullptr);
      lock.lock();
      is_reading_ = false;
      applied_all_.notify_all();
    }
  }

  void wait_for_work(std::unique_lock<std::mutex>& lock, Instant next_sync) {
    if (is_stuck_ || !had_room_) {
      wake_.wait_for(lock, kTryAgain, [&] { return leaving_ || can_read(); });
      return;
    }
    std::optional<Instant> until;
    if (!waiting_.empty() && !holds_) until = waiting_since_ + options_.apply_after;
    if (options_.log.durability == Durability::every_second) until = std::min(until.value_or(next_sync), next_sync);
    if (until) {
      wake_.wait_until(lock, *until, [&] { return has_work(); });
    } else {
      wake_.wait(lock, [&] { return has_work() || (!waiting_.empty() && !holds_); });
    }
  }

  void apply_waiting(std::unique_lock<std::mutex>& lock) {
    std::vector<SharedTurn> turns = std::exchange(waiting_, {});
    const std::uint64_t bytes = std::exchange(waiting_bytes_, 0);
    is_applying_ = true;
    lock.unlock();
    LogPosition after = position_;
    after.applied += turns.size();
    auto done = tables_->apply(turns, after, [this] { return is_in_haste(); });
    if (done) {
      position_ = after;
      turns.clear();  // before the loop may let go of them: what it made, it frees, little by little
      applied_ = after.applied;
      log_->trim(after.applied);
    }
    lock.lock();
    is_applying_ = false;
    if (done) {
      behind_bytes_ -= bytes;
      if (is_stuck_.exchange(false)) log::info("the tables can be written again");
    } else {
      // They are in the log; the tables get them when they can be written again.
      if (!is_stuck_.exchange(true)) log::error("{}; new work is refused until this is mended", done.error().message);
      turns.insert(turns.end(), std::make_move_iterator(waiting_.begin()), std::make_move_iterator(waiting_.end()));
      waiting_ = std::move(turns);
      waiting_bytes_ += bytes;
    }
    applied_all_.notify_all();
  }

  void make_room() {
    const auto ready = log_->prepare();
    if (ready.has_value() == had_room_) return;
    had_room_ = ready.has_value();
    if (ready) {
      log::info("there is room for the log again: new work is accepted");
    } else {
      log::error("{}; new work is refused until there is space", ready.error().message);
    }
  }

  /// What the thread cannot mend is told by the next commit().
  void keep(const Result<void>& done) {
    if (done) return;
    const std::scoped_lock lock(mutex_);
    failure_ = done.error();
    applied_all_.notify_all();
  }

  LocalStoreOptions options_;
  std::unique_ptr<SqliteStore> tables_;
  std::unique_ptr<Log> log_;
  InputReader reader_;
  // Of the loop.
  Backlog backlog_;
  std::uint64_t begun_;                           // sequence of the last turn
  std::vector<std::vector<core::Record>> ahead_;  // of the turns that the first load() puts over the tables

  std::mutex begun_mutex_;  // of these
  std::condition_variable writer_wake_;
  std::condition_variable written_all_;
  std::vector<SharedTurn> begun_turns_;
  std::vector<Done> begun_done_;  // who is to be told of each
  bool is_writing_ = false;
  bool writer_leaves_ = false;
  bool waits_for_writer_ = false;  // the loop
  Result<void> written_;           // an error stays

  LogPosition position_;  // of the store's thread
  bool had_room_ = true;  // of the store's thread

  std::atomic<bool> lacks_space_ = false;       // what was begun waits for the disk
  std::atomic<std::uint64_t> begun_bytes_ = 0;  // of turns that are not in the log yet
  std::atomic<std::uint64_t> log_bytes_ = 0;    // appended
  std::atomic<std::uint64_t> applied_;
  std::atomic<bool> is_stuck_ = false;  // the tables cannot be written at present
  // Changed under the mutex.
  std::atomic<std::uint64_t> behind_bytes_;  // in the log and not in the tables
  std::atomic<std::size_t> awaited_ = 0;     // by how many the tables are, at once
  std::mutex mutex_;                         // of all below
  std::condition_variable wake_;
  std::condition_variable applied_all_;
  std::vector<SharedTurn> waiting_;
  std::uint64_t waiting_bytes_ = 0;
  Instant waiting_since_;
  bool holds_ = false;  // the first load() has not been yet: the tables stay as it will find them
  bool is_applying_ = false;
  bool leaving_ = false;
  std::deque<LaterRead> reads_;
  bool is_reading_ = false;
  Error failure_;
  std::thread thread_;
  std::thread writer_;
};

}  // namespace

Result<std::unique_ptr<Store>> open_local_store(LocalStoreOptions options, Random& random) {
  auto tables = open_sqlite_store(options.database);
  if (!tables) return tl::unexpected(std::move(tables.error()));
  auto position = (*tables)->log_position();
  if (!position) return tl::unexpected(std::move(position.error()));
  if (auto fits = check_belonging(options.log_directory, *position); !fits) {
    return tl::unexpected(with_advice(std::move(fits.error())));
  }

  Replay found;
  if (position->log == 0) {
    position->log = random.next() | 1;
  } else {
    found = replay(**tables, options.log_directory, *position, OnDamage::leave, options.backlog_bytes_max);
    if (!found.damage.message.empty()) return tl::unexpected(with_advice(std::move(found.damage)));
    if (!found.hindrance.message.empty()) return tl::unexpected(std::move(found.hindrance));
  }
  position->is_open = true;
  if (auto saved = (*tables)->save(*position); !saved) return tl::unexpected(std::move(saved.error()));
  const auto segments = found.kept.empty() ? Log::Found::reuse : Log::Found::keep;
  auto log = Log::open(options.log_directory, position->log, found.end, options.log, segments);
  if (!log) return tl::unexpected(std::move(log.error()));
  return std::make_unique<LocalStore>(std::move(options), std::move(*tables), std::move(*log), *position,
                                      std::move(found));
}

}  // namespace penstock::store
