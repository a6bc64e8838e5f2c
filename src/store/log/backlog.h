#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/outcomes.h"
#include "store/log/frame.h"

namespace penstock::store {

/// The turns that are in the log and not yet in the tables, for those who ask for a job or a webhook delivery
/// meanwhile. Of the loop's thread.
class Backlog {
 public:
  /// `sequence` is one more than that of the turn before.
  void add(std::uint64_t sequence, SharedTurn turn);
  /// The turns up to `sequence` are in the tables. Lets go of a bounded number of them, and tells whether there are
  /// more: these keep until the next call, and harm nobody, as the tables' state with a change put over it once more is
  /// the same.
  bool drop(std::uint64_t sequence);

  /// Whether it says all about this job, so that nobody needs to look into the tables.
  bool holds_whole(const JobId& job);
  /// The endpoint of a job; nothing when the tables must say.
  std::optional<EndpointId> endpoint_of(const JobId& job);
  /// The job that was added last with this idempotency key; nothing when the tables must say.
  std::optional<JobId> find_keyed(const EndpointId& endpoint, const std::string& idempotency_key);
  /// The input of a job that holds_whole(); nothing when the tables must say.
  std::optional<core::JobInput> find_input(const JobId& job);
  /// What becomes of the job that the tables have, or have not.
  void apply_to(std::optional<core::StoredJob>& job, const EndpointId& endpoint, const JobId& id);

  /// The same for a webhook delivery.
  bool holds_whole(const DeliveryId& delivery);
  void apply_to(std::optional<core::WebhookDelivery>& delivery, const DeliveryId& id);

 private:
  /// A record and where it stands among all: records of one turn lie one behind the other.
  struct Change {
    std::uint64_t sequence;
    std::string_view bytes;
    bool is_whole;  // it says all about its job or delivery

    bool is_before(const Change& other) const {
      return sequence != other.sequence ? sequence < other.sequence : bytes.data() < other.bytes.data();
    }
    core::Record record() const;
  };

  template <class Id>
  using Changes = std::unordered_map<Id, std::deque<Change>>;

  void index_all();
  /// `change` is of JobAdded.
  static core::JobRequest added_by(const Change& change);
  template <class Id>
  static void forget_first(Changes<Id>& changes, const Id& id);
  template <class Thing, class Id>
  void bring_up_to_date(Thing& thing, const Changes<Id>& changes, const Id& id) const;

  std::uint64_t first_ = 1;  // sequence of turns_.front()
  std::deque<SharedTurn> turns_;
  // Made when somebody asks, for the turns up to `indexed_`: most turns come and go without.
  std::uint64_t indexed_ = 0;
  Changes<JobId> changes_;
  Changes<std::string> keyed_;  // jobs added, by endpoint and idempotency key
  Changes<DeliveryId> delivery_changes_;
  std::deque<Change> removals_;  // of many at once
};

}  // namespace penstock::store
