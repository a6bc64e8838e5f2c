#include "store/row_codec.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace penstock::store {

std::string insert_sql(const std::string& table, const std::vector<std::string>& columns, std::size_t rows) {
  const std::vector<std::string> marks(columns.size(), "?");
  const std::vector<std::string> values(rows, fmt::format("({})", fmt::join(marks, ", ")));
  return fmt::format("INSERT OR FAIL INTO {} ({}) VALUES {} ON CONFLICT DO NOTHING", table, fmt::join(columns, ", "),
                     fmt::join(values, ", "));
}

std::string upsert_sql(const std::string& table, const std::vector<std::string>& columns) {
  const std::vector<std::string> marks(columns.size(), "?");
  std::vector<std::string> changes;
  for (std::size_t i = 1; i < columns.size(); ++i) changes.push_back(columns[i] + " = excluded." + columns[i]);
  return fmt::format("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT ({}) DO UPDATE SET {}", table,
                     fmt::join(columns, ", "), fmt::join(marks, ", "), columns.front(), fmt::join(changes, ", "));
}

std::string update_sql(const std::string& table, const std::string& key, const std::vector<std::string>& columns) {
  return fmt::format("UPDATE {} SET {} = ? WHERE {} = ?", table, fmt::join(columns, " = ?, "), key);
}

std::string select_sql(const std::string& from, const std::vector<std::string>& columns) {
  return fmt::format("SELECT {} FROM {} ORDER BY seq", fmt::join(columns, ", "), from);
}

}  // namespace penstock::store
