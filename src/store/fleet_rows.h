#pragma once

#include <vector>

#include "core/records.h"
#include "store/sqlite_db.h"

namespace penstock::store {

/// Releases, usage, budgets and places in SQLite. Throws SqliteError and DamagedRow.
class FleetRows {
 public:
  explicit FleetRows(Database& db);

  void put(const core::Release& release);
  void put(const core::UsageRow& row);
  void put(const core::Budget& budget);
  void put(const core::EndpointPlaces& places);
  /// Releases and places of an endpoint that is gone; its usage stays.
  void remove_of(const EndpointId& endpoint);

  void load(core::StoredState& state);
  std::vector<core::Release> list_releases(const EndpointId& endpoint);
  std::vector<core::UsageRow> list_usage(const core::UsageQuery& query);

 private:
  Database& db_;
  Statement put_release_;
  Statement trim_releases_;
  Statement remove_releases_;
  Statement put_usage_;
  Statement put_budget_;
  Statement put_places_;
  Statement remove_places_;
};

}  // namespace penstock::store
