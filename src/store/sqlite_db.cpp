#include "store/sqlite_db.h"

#include <sqlite3.h>

#include <utility>

#include "base/error.h"

namespace penstock::store {
namespace {

// Before anything of SQLite is used: it keeps no statistics of its memory, which have a mutex.
[[maybe_unused]] const int kConfigured = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);

[[noreturn]] void throw_error(sqlite3* db, int code) {
  throw SqliteError(code & 0xff, db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(code));
}

}  // namespace

Statement::Statement(sqlite3* db, std::string_view sql) : db_(db) {
  const int code =
      sqlite3_prepare_v3(db, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement_, nullptr);
  if (code != SQLITE_OK) throw_error(db, code);
}

Statement::Statement(Statement&& other) noexcept
    : db_(other.db_), statement_(std::exchange(other.statement_, nullptr)), bound_(other.bound_) {}

Statement::~Statement() {
  sqlite3_finalize(statement_);
}

Statement& Statement::bound(int code) {
  if (code == SQLITE_OK) return *this;
  const SqliteError error(code & 0xff, sqlite3_errmsg(db_));
  reset();
  throw error;
}

Statement& Statement::add(std::int64_t value) {
  return bound(sqlite3_bind_int64(statement_, ++bound_, value));
}

Statement& Statement::add(std::string_view text) {
  const char* data = text.data() != nullptr ? text.data() : "";  // a null pointer would bind NULL
  return bound(sqlite3_bind_text64(statement_, ++bound_, data, text.size(), SQLITE_STATIC, SQLITE_UTF8));
}

Statement& Statement::add_copy(const std::string& text) {
  return bound(sqlite3_bind_text64(statement_, ++bound_, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
}

Statement& Statement::add_null() {
  return bound(sqlite3_bind_null(statement_, ++bound_));
}

bool Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  const SqliteError error(code & 0xff, sqlite3_errmsg(db_));
  reset();
  throw error;
}

int Statement::run() {
  while (step()) {
  }
  const int changes = sqlite3_changes(db_);
  reset();
  return changes;
}

void Statement::reset() noexcept {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  bound_ = 0;
}

// Each sqlite3_column_...() looks for the column anew, and a start reads some twenty million of them. What
// sqlite3_column_value() gives may be asked directly because a connection is used by one thread at a time.

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::int64_t Statement::integer(int column) const {
  sqlite3_value* const value = sqlite3_column_value(statement_, column);
  if (sqlite3_value_type(value) != SQLITE_INTEGER) {
    throw SqliteError(SQLITE_CORRUPT,
                      std::string("column ") + sqlite3_column_name(statement_, column) + " does not hold an integer");
  }
  return sqlite3_value_int64(value);
}

std::string_view Statement::text(int column) const {
  sqlite3_value* const value = sqlite3_column_value(statement_, column);
  if (sqlite3_value_type(value) != SQLITE_TEXT) {
    throw SqliteError(SQLITE_CORRUPT,
                      std::string("column ") + sqlite3_column_name(statement_, column) + " does not hold a text");
  }
  // value_text would copy a large value to put a zero behind it.
  const auto* data = static_cast<const char*>(sqlite3_value_blob(value));
  const int size = sqlite3_value_bytes(value);
  if (data == nullptr) {
    if (sqlite3_errcode(db_) == SQLITE_NOMEM) throw_error(db_, SQLITE_NOMEM);
    return {};
  }
  return {data, static_cast<std::size_t>(size)};
}

Database::Database(const std::string& file) {
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(file.c_str(), &db_, flags, nullptr);
  if (code == SQLITE_OK) return;
  const SqliteError error(code & 0xff, db_ != nullptr ? sqlite3_errmsg(db_) : sqlite3_errstr(code));
  sqlite3_close(db_);
  throw error;
}

Database::~Database() {
  ENSURE(sqlite3_close(db_) == SQLITE_OK);
}

void Database::execute(const std::string& sql) {
  const int code = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) throw_error(db_, code);
}

std::int64_t Database::integer(std::string_view sql) {
  Statement statement = prepare(sql);
  if (!statement.step()) throw SqliteError(SQLITE_CORRUPT, "no row for " + std::string(sql));
  return statement.integer(0);
}

std::string Database::text(std::string_view sql) {
  Statement statement = prepare(sql);
  if (!statement.step()) throw SqliteError(SQLITE_CORRUPT, "no row for " + std::string(sql));
  return std::string(statement.text(0));
}

bool Database::in_transaction() const {
  return sqlite3_get_autocommit(db_) == 0;
}

Transaction::Transaction(Database& db, Statement& begin) : db_(db) {
  begin.run();
}

Transaction::~Transaction() {
  // SQLite has already rolled back by itself after some errors.
  if (!db_.in_transaction()) return;
  try {
    db_.execute("ROLLBACK");
  } catch (const SqliteError&) {
    // A failing rollback leaves the transaction open; the next turn then fails at BEGIN, with its own message.
  }
}

}  // namespace penstock::store
