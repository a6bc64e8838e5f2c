#include "store/fleet_rows.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "store/row_codec.h"

namespace penstock::store {
namespace {

/// As upsert_sql(), for a key of several columns: the first ones.
std::string upsert_by(const char* table, const std::vector<std::string>& columns, std::size_t keys) {
  const std::vector<std::string> key(columns.begin(), columns.begin() + static_cast<std::ptrdiff_t>(keys));
  std::vector<std::string> marks(columns.size(), "?");
  std::vector<std::string> changes;
  for (std::size_t i = keys; i < columns.size(); ++i) {
    changes.push_back(fmt::format("{} = excluded.{}", columns[i], columns[i]));
  }
  return fmt::format("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT ({}) DO UPDATE SET {}", table,
                     fmt::join(columns, ", "), fmt::join(marks, ", "), fmt::join(key, ", "), fmt::join(changes, ", "));
}

template <class Value>
std::vector<Value> read_all(Statement& rows) {
  std::vector<Value> all;
  while (rows.step()) all.push_back(read_row<Value>(rows));
  return all;
}

/// With the order and more behind it.
template <class Value>
std::string select(const std::string& rest) {
  return fmt::format("SELECT {} FROM {}", fmt::join(column_names<Value>(), ", "), rest);
}

}  // namespace

FleetRows::FleetRows(Database& db)
    : db_(db),
      put_release_(db.prepare(upsert_by("releases", column_names<core::Release>(), 2))),
      trim_releases_(db.prepare("DELETE FROM releases WHERE endpoint = ? AND version <= ?")),
      remove_releases_(db.prepare("DELETE FROM releases WHERE endpoint = ?")),
      put_usage_(db.prepare(upsert_by("usage", column_names<core::UsageRow>(), 3))),
      put_budget_(db.prepare(upsert_by("budgets", column_names<core::Budget>(), 2))),
      put_places_(db.prepare(upsert_by("places", column_names<core::EndpointPlaces>(), 1))),
      remove_places_(db.prepare("DELETE FROM places WHERE endpoint = ?")) {}

void FleetRows::put(const core::Release& release) {
  write_row(put_release_, release);
  put_release_.run();
  trim_releases_.add(release.endpoint.str()).add(std::int64_t{release.version - core::kReleasesKept}).run();
}

void FleetRows::put(const core::UsageRow& row) {
  write_row(put_usage_, row);
  put_usage_.run();
}

void FleetRows::put(const core::Budget& budget) {
  write_row(put_budget_, budget);
  put_budget_.run();
}

void FleetRows::put(const core::EndpointPlaces& places) {
  write_row(put_places_, places);
  put_places_.run();
}

void FleetRows::remove_of(const EndpointId& endpoint) {
  remove_releases_.add(endpoint.str()).run();
  remove_places_.add(endpoint.str()).run();
}

void FleetRows::load(core::StoredState& state) {
  Statement newest = db_.prepare("SELECT endpoint, max(version) FROM releases GROUP BY endpoint ORDER BY endpoint");
  while (newest.step()) {
    auto id = EndpointId::parse(newest.text(0));
    if (!id) throw DamagedRow("releases.endpoint", newest.text(0));
    state.releases.emplace_back(std::move(*id), static_cast<int>(newest.integer(1)));
  }
  Statement usage = db_.prepare(
      select<core::UsageRow>("usage WHERE hour_ms >= (SELECT coalesce(max(hour_ms), 0) FROM usage) - ? ORDER BY seq"));
  usage.add(std::int64_t{core::kUsageLoaded.count()});
  state.usage = read_all<core::UsageRow>(usage);
  Statement budgets = db_.prepare(select<core::Budget>("budgets WHERE per_day IS NOT NULL ORDER BY seq"));
  state.budgets = read_all<core::Budget>(budgets);
  Statement places = db_.prepare(select<core::EndpointPlaces>("places ORDER BY seq"));
  state.places = read_all<core::EndpointPlaces>(places);
}

std::vector<core::Release> FleetRows::list_releases(const EndpointId& endpoint) {
  Statement rows = db_.prepare(select<core::Release>("releases WHERE endpoint = ? ORDER BY version DESC"));
  rows.add(endpoint.str());
  return read_all<core::Release>(rows);
}

std::vector<core::UsageRow> FleetRows::list_usage(const core::UsageQuery& query) {
  Statement rows = db_.prepare(
      select<core::UsageRow>(fmt::format("usage WHERE hour_ms >= ? AND hour_ms < ? AND owner = ?{} ORDER BY hour_ms, "
                                         "endpoint, pool",
                                         query.endpoint ? " AND endpoint = ?" : "")));
  rows.add(to_ms(query.from)).add(to_ms(query.to)).add(query.owner.str());
  if (query.endpoint) rows.add(query.endpoint->str());
  return read_all<core::UsageRow>(rows);
}

}  // namespace penstock::store
