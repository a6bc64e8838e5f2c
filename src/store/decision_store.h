#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "core/scaling/decision_log.h"

namespace penstock::store {

struct DecisionStoreOptions {
  Millis keep_for{604'800'000};    // a week
  std::size_t rows_max = 200'000;  // over all endpoints; the oldest go first
  Millis write_after{500};
};

/// The scaler's flight recorder. It is no part of the durable state: entries are written behind, and a crash of the
/// machine may cost the last ones. Called on the loop's thread only.
class DecisionStore {
 public:
  virtual ~DecisionStore() = default;

  /// Takes them and returns at once. Should they come faster than they can be written, the newest are left out.
  virtual void keep(std::vector<core::RecordedDecision> decisions) = 0;

  /// All that was kept before this call and is not forgotten. Errors: unavailable.
  virtual Result<core::DecisionPage> list(const core::DecisionQuery& query) = 0;
};

/// In memory, for tests and the virtual clock.
std::unique_ptr<DecisionStore> make_memory_decision_store(DecisionStoreOptions options = {});

/// An SQLite database of its own, which a thread of its own writes. A file that cannot be used (damaged, of another
/// program, of a newer version) is moved aside: what it holds is not worth a server that does not start. Errors:
/// unavailable (the directory cannot be written).
Result<std::unique_ptr<DecisionStore>> open_decision_store(const std::string& file, DecisionStoreOptions options);

}  // namespace penstock::store
