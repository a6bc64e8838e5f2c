#pragma once

#include <array>
#include <deque>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/model/batch.h"
#include "core/model/job_query.h"
#include "core/outcomes.h"
#include "store/row_codec.h"
#include "store/turn_plan.h"

namespace penstock::store {

/// The tables jobs, payloads and chunks. Used inside the store's transactions only; throws SqliteError and DamagedRow.
class JobRows {
 public:
  explicit JobRows(Database& db);

  static constexpr std::size_t kAtOnce = 8;

  // Each throws DamagedTurn too.

  /// A new job. One that is there already becomes as new, at its place in the order.
  void add(const EncodedJob& job);
  /// The same for kAtOnce of them, in less time: SQLite begins and ends a statement as often as it runs one.
  void add_some(std::span<const TurnStep> steps);
  /// The input goes when it is no longer needed. A job that is not there stays so; the same holds for add_chunk().
  void change(const EncodedJob& job);
  void add_chunk(const JobId& job, int index, const core::Bytes& chunk);
  void clear_chunks(const JobId& job);
  void forget(Time expired_at);
  void remove_of(const EndpointId& endpoint);

  /// Those that are not terminal, in order of submission. Queued ones without webhook and batch leave their input out
  /// once there are so many bytes of inputs.
  std::deque<core::StoredJob> load_live(std::uint64_t input_bytes);
  /// Null when there is no such job, or its input was not kept.
  core::JobInput find_input(const EndpointId& endpoint, const JobId& id);
  std::optional<core::StoredJob> find(const EndpointId& endpoint, const JobId& id);
  std::optional<EndpointId> endpoint_of(const JobId& id);
  core::JobPage list(const core::JobQuery& query);
  std::vector<core::StoredJob> list(const core::BatchJobQuery& query);
  std::optional<core::StoredJob> find_keyed(const EndpointId& endpoint, const std::string& idempotency_key);

 private:
  core::StoredJob read(Statement& row);
  core::Bytes long_output(const JobId& job);
  /// All but payloads and chunks.
  static core::StoredJob read_bare(Statement& row);
  static void add_inline_payloads(core::StoredJob& job, Statement& row);
  static void check_input(const core::StoredJob& job);
  void read_payloads(core::StoredJob& job);
  void read_chunks(core::StoredJob& job);

  using Payload = std::optional<std::string_view>;
  /// What becomes of a new job. Used again and again: its texts keep their memory.
  struct Parts {
    core::JobRequest request;  // without its payloads
    core::JobState state;
    Payload input;  // if it is needed
    Payload s3_config;
    Payload output;

    void read(const EncodedJob& job);
  };
  static void add_inline(Statement& statement, const Payload& payload);
  static void bind(Statement& statement, const Parts& parts);
  /// What read() found.
  void add(const Parts& parts);
  void write_payloads(const Parts& parts);
  void drop_input(std::string_view id);
  void write_payload(std::string_view job, std::string_view kind, const Payload& payload);

  std::array<Parts, kAtOnce> parts_;

  Statement insert_;
  Statement insert_some_;
  Statement upsert_;
  Statement change_state_;
  Statement change_state_and_output_;
  Statement drop_input_;
  Statement exists_;
  Statement find_;
  Statement find_keyed_;
  Statement find_endpoint_;
  Statement list_;
  Statement list_batch_;
  Statement find_output_;
  Statement find_live_;
  Statement have_chunks_;
  Statement have_payloads_;
  Statement find_input_;
  Statement put_payload_;
  Statement find_payloads_;
  Statement remove_output_;
  Statement remove_input_;
  Statement remove_payloads_;
  Statement put_chunk_;
  Statement find_chunks_;
  Statement remove_chunk_;
  Statement remove_chunks_;
  /// Payloads first, then chunks, then the jobs that both are found by.
  Statement remove_of_[3];
  Statement forget_[3];
};

}  // namespace penstock::store
