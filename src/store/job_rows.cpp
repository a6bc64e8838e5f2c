#include "store/job_rows.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <map>

#include "base/error.h"

namespace penstock::store {
namespace {

// Small enough that several jobs share a page, large enough for the usual job.
constexpr std::size_t kInlineBytesMax = 2048;
// SQLite refuses a value or row above 1,000,000,000 bytes.
constexpr std::size_t kPartBytesMax = 256 * 1024 * 1024;

constexpr const char* kInput = "input";
constexpr const char* kS3Config = "s3_config";
constexpr const char* kOutput = "output";

const std::vector<std::string>& state_columns() {
  static const std::vector<std::string> columns = column_names<core::JobState>();
  return columns;
}

const std::vector<std::string>& job_columns() {
  static const std::vector<std::string> columns = [] {
    std::vector<std::string> all = column_names<core::JobRequest>();
    all.insert(all.end(), state_columns().begin(), state_columns().end());
    all.insert(all.end(), {kInput, kS3Config, kOutput});
    return all;
  }();
  return columns;
}

/// All of a job but its payloads.
std::vector<std::string> listed_columns() {
  std::vector<std::string> columns = column_names<core::JobRequest>();
  columns.insert(columns.end(), state_columns().begin(), state_columns().end());
  return columns;
}

std::vector<std::string> state_and_output_columns() {
  std::vector<std::string> columns = state_columns();
  columns.emplace_back(kOutput);
  return columns;
}

bool is_inline(std::string_view payload) {
  return payload.size() <= kInlineBytesMax;
}

/// Calls put(part number, bytes) for each part; an empty payload has one.
template <class Put>
void each_part(std::string_view payload, Put&& put) {
  std::int64_t part = 0;
  do {
    put(part++, payload.substr(0, kPartBytesMax));
    payload.remove_prefix(std::min(payload.size(), kPartBytesMax));
  } while (!payload.empty());
}

core::Bytes inline_payload(Statement& row, int column) {
  return row.is_null(column) ? nullptr : core::bytes(std::string(row.text(column)));
}

core::Bytes& payload_of(core::StoredJob& job, std::string_view kind) {
  if (kind == kInput) return job.request.input;
  if (kind == kS3Config) return job.request.s3_config;
  if (kind == kOutput) return job.output;
  throw DamagedRow("kind", kind);
}

// `jobs` must be named in the words of the indexes jobs_live and jobs_by_expiry.
constexpr const char* kOfEndpoint = "endpoint = ?";
constexpr const char* kForgotten = "status NOT IN ('IN_QUEUE', 'IN_PROGRESS') AND expires_ms <= ?";

std::string remove_parts_sql(const char* table, const char* jobs) {
  return fmt::format("DELETE FROM {} WHERE job IN (SELECT id FROM jobs WHERE {})", table, jobs);
}

}  // namespace

JobRows::JobRows(Database& db)
    : insert_(db.prepare(insert_sql("jobs", job_columns()))),
      insert_some_(db.prepare(insert_sql("jobs", job_columns(), kAtOnce))),
      upsert_(db.prepare(upsert_sql("jobs", job_columns()))),
      change_state_(db.prepare(update_sql("jobs", "id", state_columns()))),
      change_state_and_output_(db.prepare(update_sql("jobs", "id", state_and_output_columns()))),
      drop_input_(
          db.prepare("UPDATE jobs SET input = NULL, s3_config = NULL WHERE id = ? AND idempotency_key = '' AND "
                     "(input IS NOT NULL OR EXISTS (SELECT 1 FROM payloads WHERE job = jobs.id AND kind = 'input'))")),
      exists_(db.prepare("SELECT 1 FROM jobs WHERE id = ?")),
      find_(db.prepare(select_sql("jobs WHERE id = ? AND endpoint = ?", job_columns()))),
      find_keyed_(db.prepare(
          select_sql("jobs INDEXED BY jobs_by_key WHERE endpoint = ? AND idempotency_key = ? AND idempotency_key <> ''",
                     job_columns()) +
          " DESC LIMIT 1")),
      find_endpoint_(db.prepare("SELECT endpoint FROM jobs WHERE id = ?")),
      list_(db.prepare(
          fmt::format("SELECT {} FROM jobs INDEXED BY jobs_by_created WHERE endpoint = ? AND created_ms >= ? "
                      "AND (created_ms, id) < (?, ?) ORDER BY created_ms DESC, id DESC",
                      fmt::join(listed_columns(), ", ")))),
      list_batch_(db.prepare(
          fmt::format("SELECT {} FROM jobs INDEXED BY jobs_by_batch WHERE batch = ? AND batch <> '' AND endpoint = ? "
                      "AND (status IN ('IN_QUEUE', 'IN_PROGRESS') OR expires_ms > ?) ORDER BY seq LIMIT ? OFFSET ?",
                      fmt::join(job_columns(), ", ")))),
      find_output_(db.prepare("SELECT bytes FROM payloads WHERE job = ? AND kind = 'output' ORDER BY part")),
      find_live_(db.prepare(
          select_sql("jobs INDEXED BY jobs_live WHERE status IN ('IN_QUEUE', 'IN_PROGRESS')", job_columns()))),
      have_chunks_(db.prepare("SELECT 1 FROM chunks LIMIT 1")),
      have_payloads_(db.prepare("SELECT 1 FROM payloads LIMIT 1")),
      find_input_(db.prepare("SELECT input, s3_config FROM jobs WHERE id = ? AND endpoint = ?")),
      put_payload_(db.prepare("INSERT INTO payloads (job, kind, part, bytes) VALUES (?, ?, ?, ?)")),
      find_payloads_(db.prepare("SELECT kind, bytes FROM payloads WHERE job = ? ORDER BY kind, part")),
      remove_output_(db.prepare("DELETE FROM payloads WHERE job = ? AND kind = 'output'")),
      remove_input_(db.prepare("DELETE FROM payloads WHERE job = ? AND kind IN ('input', 's3_config')")),
      remove_payloads_(db.prepare("DELETE FROM payloads WHERE job = ?")),
      put_chunk_(db.prepare("INSERT INTO chunks (job, idx, part, bytes) VALUES (?, ?, ?, ?)")),
      find_chunks_(db.prepare("SELECT part, bytes FROM chunks WHERE job = ? ORDER BY idx, part")),
      remove_chunk_(db.prepare("DELETE FROM chunks WHERE job = ? AND idx = ?")),
      remove_chunks_(db.prepare("DELETE FROM chunks WHERE job = ?")),
      remove_of_{db.prepare(remove_parts_sql("payloads", kOfEndpoint)),
                 db.prepare(remove_parts_sql("chunks", kOfEndpoint)),
                 db.prepare(fmt::format("DELETE FROM jobs WHERE {}", kOfEndpoint))},
      forget_{db.prepare(remove_parts_sql("payloads", kForgotten)), db.prepare(remove_parts_sql("chunks", kForgotten)),
              db.prepare(fmt::format("DELETE FROM jobs WHERE {}", kForgotten))} {}

void JobRows::Parts::read(const EncodedJob& job) {
  decode(job.request, request);
  decode(job.state, state);
  const bool needs_input = core::needs_input(request, state);
  input = needs_input ? job.input : std::nullopt;
  s3_config = needs_input ? job.s3_config : std::nullopt;
  output = job.output;
}

void JobRows::add_inline(Statement& statement, const Payload& payload) {
  const bool is_here = payload.has_value() && is_inline(*payload);
  is_here ? statement.add(*payload) : statement.add_null();
}

void JobRows::bind(Statement& statement, const Parts& parts) {
  write_row(statement, parts.request);
  write_row(statement, parts.state);
  add_inline(statement, parts.input);
  add_inline(statement, parts.s3_config);
  add_inline(statement, parts.output);
}

void JobRows::write_payloads(const Parts& parts) {
  const std::string_view id = parts.request.id.str();
  write_payload(id, kInput, parts.input);
  write_payload(id, kS3Config, parts.s3_config);
  write_payload(id, kOutput, parts.output);
}

void JobRows::add(const EncodedJob& job) {
  parts_.front().read(job);
  add(parts_.front());
}

void JobRows::add(const Parts& parts) {
  bind(insert_, parts);
  if (insert_.run() == 0) {
    const std::string_view id = parts.request.id.str();
    remove_payloads_.add(id).run();
    remove_chunks_.add(id).run();
    bind(upsert_, parts);
    upsert_.run();
  }
  write_payloads(parts);
}

void JobRows::add_some(std::span<const TurnStep> steps) {
  ENSURE(steps.size() == kAtOnce);
  for (std::size_t i = 0; i < kAtOnce; ++i) {
    parts_[i].read(steps[i].job);
    bind(insert_some_, parts_[i]);
  }
  const bool all_new = insert_some_.run() == static_cast<int>(kAtOnce);
  for (const Parts& parts : parts_) all_new ? write_payloads(parts) : add(parts);
}

void JobRows::change(const EncodedJob& job) {
  core::JobState& state = parts_.front().state;
  decode(job.state, state);
  if (!core::may_run(state.status)) drop_input(job.id);
  if (!job.sets_output) {
    write_row(change_state_, state);
    change_state_.add(job.id).run();
    return;
  }
  write_row(change_state_and_output_, state);
  add_inline(change_state_and_output_, job.output);
  if (change_state_and_output_.add(job.id).run() == 0) return;
  remove_output_.add(job.id).run();
  write_payload(job.id, kOutput, job.output);
}

/// Where it still has one, and only its idempotency key could need it: core::needs_input().
void JobRows::drop_input(std::string_view id) {
  if (drop_input_.add(id).run() > 0) remove_input_.add(id).run();
}

void JobRows::write_payload(std::string_view job, std::string_view kind, const Payload& payload) {
  if (!payload || is_inline(*payload)) return;
  each_part(*payload, [&](std::int64_t part, std::string_view bytes) {
    put_payload_.add(job).add(kind).add(part).add(bytes).run();
  });
}

void JobRows::add_chunk(const JobId& job, int index, const core::Bytes& chunk) {
  const bool known = exists_.add(job.str()).step();
  exists_.reset();
  if (!known) return;
  remove_chunk_.add(job.str()).add(std::int64_t{index}).run();
  each_part(*chunk, [&](std::int64_t part, std::string_view bytes) {
    put_chunk_.add(job.str()).add(std::int64_t{index}).add(part).add(bytes).run();
  });
}

void JobRows::clear_chunks(const JobId& job) {
  remove_chunks_.add(job.str()).run();
}

void JobRows::forget(Time expired_at) {
  for (Statement& statement : forget_) statement.add(to_ms(expired_at)).run();
}

void JobRows::remove_of(const EndpointId& endpoint) {
  for (Statement& statement : remove_of_) statement.add(endpoint.str()).run();
}

std::deque<core::StoredJob> JobRows::load_live(std::uint64_t input_bytes) {
  std::deque<core::StoredJob> jobs;
  const bool has_chunks = have_chunks_.step();
  have_chunks_.reset();
  const bool has_payloads = have_payloads_.step();
  have_payloads_.reset();
  const StatementReset reset(find_live_);
  std::uint64_t bytes = 0;
  while (find_live_.step()) {
    core::StoredJob& job = jobs.emplace_back(read_bare(find_live_));
    const bool waits = job.state.status == core::JobStatus::in_queue && job.request.webhook.empty() &&
                       job.request.batch.empty();  // of one that is a draft the input is counted
    if (has_chunks) read_chunks(job);
    if (waits && bytes > input_bytes) continue;
    add_inline_payloads(job, find_live_);
    if (has_payloads) read_payloads(job);
    check_input(job);
    if (waits) bytes += job.request.input->size();
  }
  return jobs;
}

std::optional<core::StoredJob> JobRows::find(const EndpointId& endpoint, const JobId& id) {
  const StatementReset reset(find_);
  find_.add(id.str()).add(endpoint.str());
  if (!find_.step()) return std::nullopt;
  return read(find_);
}

std::optional<core::StoredJob> JobRows::find_keyed(const EndpointId& endpoint, const std::string& idempotency_key) {
  const StatementReset reset(find_keyed_);
  find_keyed_.add(endpoint.str()).add(idempotency_key);
  if (!find_keyed_.step()) return std::nullopt;
  return read(find_keyed_);
}

std::optional<EndpointId> JobRows::endpoint_of(const JobId& id) {
  const StatementReset reset(find_endpoint_);
  find_endpoint_.add(id.str());
  if (!find_endpoint_.step()) return std::nullopt;
  auto endpoint = EndpointId::parse(find_endpoint_.text(0));
  if (!endpoint) throw DamagedRow("endpoint", find_endpoint_.text(0));
  return std::move(*endpoint);
}

core::JobPage JobRows::list(const core::JobQuery& query) {
  core::JobPlace end{query.before.value_or(Time::max()), {}};
  if (query.behind && (query.behind->created < end.created)) end = *query.behind;
  const StatementReset reset(list_);
  list_.add(query.endpoint.str()).add(to_ms(query.from.value_or(Time::min())));
  list_.add(to_ms(end.created)).add(end.id.str());
  const int state_column = static_cast<int>(listed_columns().size() - state_columns().size());
  core::JobPage page;
  core::JobPlace last;
  int looked = 0;
  while (list_.step()) {
    if (looked == query.looks || static_cast<int>(page.jobs.size()) == query.count) {
      page.next = std::move(last);
      break;
    }
    ++looked;
    core::StoredJob job;
    each_field(job.request, RowReader(list_));
    each_field(job.state, RowReader(list_, state_column));
    last = {job.request.created, job.request.id};
    if (core::matches(query, job.state)) page.jobs.push_back(std::move(job));
  }
  return page;
}

std::vector<core::StoredJob> JobRows::list(const core::BatchJobQuery& query) {
  const StatementReset reset(list_batch_);
  list_batch_.add(query.batch.str()).add(query.endpoint.str()).add(to_ms(query.now));
  list_batch_.add(std::int64_t{query.count}).add(std::int64_t{query.offset});
  std::vector<core::StoredJob> jobs;
  std::size_t bytes = 0;
  while (list_batch_.step()) {
    core::StoredJob job = read_bare(list_batch_);
    job.output = inline_payload(list_batch_, static_cast<int>(job_columns().size()) - 1);
    if (!job.output) job.output = long_output(job.request.id);
    bytes += job.output ? job.output->size() : 0;
    if (bytes > query.bytes_max && !jobs.empty()) break;
    jobs.push_back(std::move(job));
  }
  return jobs;
}

core::Bytes JobRows::long_output(const JobId& job) {
  const StatementReset reset(find_output_);
  find_output_.add(job.str());
  std::string text;
  bool found = false;
  for (; find_output_.step(); found = true) text += find_output_.text(0);
  return found ? core::bytes(std::move(text)) : nullptr;
}

core::JobInput JobRows::find_input(const EndpointId& endpoint, const JobId& id) {
  const StatementReset reset(find_input_);
  find_input_.add(id.str()).add(endpoint.str());
  if (!find_input_.step()) return {id, nullptr, nullptr};
  core::StoredJob job;
  job.request.id = id;
  job.request.input = inline_payload(find_input_, 0);
  job.request.s3_config = inline_payload(find_input_, 1);
  read_payloads(job);
  return {id, job.request.input, job.request.s3_config};
}

/// Without what does not lie in its row.
core::StoredJob JobRows::read_bare(Statement& row) {
  const int payload_column = static_cast<int>(job_columns().size()) - 3;
  const int state_column = payload_column - static_cast<int>(state_columns().size());
  core::StoredJob job;
  each_field(job.request, RowReader(row));
  each_field(job.state, RowReader(row, state_column));
  return job;
}

void JobRows::add_inline_payloads(core::StoredJob& job, Statement& row) {
  const int payload_column = static_cast<int>(job_columns().size()) - 3;
  job.request.input = inline_payload(row, payload_column);
  job.request.s3_config = inline_payload(row, payload_column + 1);
  job.output = inline_payload(row, payload_column + 2);
}

void JobRows::check_input(const core::StoredJob& job) {
  if (!job.request.input && core::needs_input(job.request, job.state)) throw DamagedRow("input", "NULL");
}

core::StoredJob JobRows::read(Statement& row) {
  core::StoredJob job = read_bare(row);
  add_inline_payloads(job, row);
  read_payloads(job);
  check_input(job);
  read_chunks(job);
  return job;
}

void JobRows::read_payloads(core::StoredJob& job) {
  const StatementReset reset(find_payloads_);
  find_payloads_.add(job.request.id.str());
  std::map<std::string, std::string, std::less<>> texts;
  while (find_payloads_.step()) texts[std::string(find_payloads_.text(0))] += find_payloads_.text(1);
  for (auto& [kind, text] : texts) payload_of(job, kind) = core::bytes(std::move(text));
}

void JobRows::read_chunks(core::StoredJob& job) {
  const StatementReset reset(find_chunks_);
  find_chunks_.add(job.request.id.str());
  std::vector<std::string> texts;
  while (find_chunks_.step()) {
    if (find_chunks_.integer(0) == 0) texts.emplace_back();
    if (texts.empty()) throw DamagedRow("part", std::to_string(find_chunks_.integer(0)));
    texts.back() += find_chunks_.text(1);
  }
  for (std::string& text : texts) job.chunks.push_back(core::bytes(std::move(text)));
}

}  // namespace penstock::store
