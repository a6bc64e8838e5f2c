#pragma once

#include <map>
#include <optional>
#include <vector>

#include "core/records.h"

namespace penstock::simulation {

/// A table that can go back to its last commit.
template <class Key, class Value>
class Versioned {
 public:
  const std::map<Key, Value>& all() const { return values_; }
  const Value* find(const Key& key) const {
    const auto found = values_.find(key);
    return found == values_.end() ? nullptr : &found->second;
  }
  /// For changing; remembers what was there.
  Value& edit(const Key& key) {
    remember(key);
    return values_[key];
  }
  void erase(const Key& key) {
    remember(key);
    values_.erase(key);
  }
  void commit() { before_.clear(); }
  void roll_back() {
    for (auto it = before_.rbegin(); it != before_.rend(); ++it) {
      if (it->second) {
        values_.insert_or_assign(it->first, std::move(*it->second));
      } else {
        values_.erase(it->first);
      }
    }
    before_.clear();
  }

 private:
  void remember(const Key& key) {
    const auto found = values_.find(key);
    before_.emplace_back(key, found == values_.end() ? std::nullopt : std::optional<Value>(found->second));
  }

  std::map<Key, Value> values_;
  std::vector<std::pair<Key, std::optional<Value>>> before_;
};

struct JobShadow {
  core::JobRequest request;
  core::JobState state;
  core::Bytes output;
  std::vector<core::Bytes> chunks;
};

/// What happened in a run, for the report and for proving that a run did something.
struct Tally {
  int submitted = 0;
  int refused_full = 0;
  int completed = 0;
  int failed = 0;
  int cancelled = 0;
  int timed_out = 0;
  int lost_attempts = 0;
  int handed_back = 0;
  int late_results = 0;
  int ignored_results = 0;
  int client_retries = 0;
  int chunks = 0;
  int stops_told = 0;
  int recalled = 0;
  int inputs_read = 0;
  int forgotten = 0;
  int workers_started = 0;
  int workers_attached = 0;
  int crashes = 0;
  int restarts = 0;
  int adopted = 0;
  int endpoints_deleted = 0;
  int releases = 0;
  int volumes_removed = 0;
  int answered_again = 0;  // the job of an idempotency key, instead of another one
  int keys_reused = 0;     // refused: with another input
  int webhooks_delivered = 0;
  int webhooks_given_up = 0;
  int webhooks_sent_again = 0;
  int budgets = 0;
  int rollbacks = 0;
  int turns = 0;

  void add(const Tally& other);
};

}  // namespace penstock::simulation
