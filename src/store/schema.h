#pragma once

#include "store/sqlite_db.h"

namespace penstock::store {

/// Marks the file as Penstock's (PRAGMA application_id), "PnSk".
inline constexpr std::int64_t kApplicationId = 0x506e536b;

/// The schema that this program writes (PRAGMA user_version): the number of migrations.
int schema_version();

class SchemaRefused : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Throws SchemaRefused for a file that is another program's or a newer version's; changes nothing.
void check_owner(Database& db);

/// Brings the schema up to schema_version() in one transaction; an empty file becomes a new database. Throws
/// SqliteError.
void migrate(Database& db);

}  // namespace penstock::store
