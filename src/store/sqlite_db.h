#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace penstock::store {

/// What SQLite reported. Thrown only inside this module.
class SqliteError : public std::runtime_error {
 public:
  SqliteError(int code, const std::string& message) : std::runtime_error(message), code_(code) {}

  int code() const noexcept { return code_; }  // the primary result code

 private:
  int code_;
};

/// One prepared statement. Texts and payloads are bound without a copy: they must live until run() returns or the next
/// reset(). Parameters are filled in order by add(), columns are read by index.
class Statement {
 public:
  Statement(sqlite3* db, std::string_view sql);
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  Statement& add(std::int64_t value);
  Statement& add(std::string_view text);
  Statement& add_copy(const std::string& text);
  Statement& add_null();

  /// The next row is there. Throws SqliteError; the statement is then reset.
  bool step();
  /// Runs to the end and resets. Gives the number of rows that an INSERT, UPDATE or DELETE changed.
  int run();
  void reset() noexcept;

  bool is_null(int column) const;
  /// Throws SqliteError (damaged) when the column holds something else.
  std::int64_t integer(int column) const;
  /// Valid until the next step() or reset().
  std::string_view text(int column) const;

 private:
  Statement& bound(int code);

  sqlite3* db_;
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
};

/// Resets a statement at the end of a scope, also when a row could not be read: an open one would hold back
/// checkpoints.
class StatementReset {
 public:
  explicit StatementReset(Statement& statement) : statement_(statement) {}
  StatementReset(const StatementReset&) = delete;
  StatementReset& operator=(const StatementReset&) = delete;
  ~StatementReset() { statement_.reset(); }

 private:
  Statement& statement_;
};

/// An open database file. Not for use by several threads at once.
class Database {
 public:
  /// Opens or creates. Throws SqliteError.
  explicit Database(const std::string& file);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();

  Statement prepare(std::string_view sql) { return Statement(db_, sql); }
  /// Runs one or more statements without parameters.
  void execute(const std::string& sql);
  std::int64_t integer(std::string_view sql);
  std::string text(std::string_view sql);
  bool in_transaction() const;

 private:
  sqlite3* db_ = nullptr;
};

/// Rolls back at its end what a COMMIT statement has not made durable.
class Transaction {
 public:
  /// `begin` is a BEGIN statement of any kind.
  Transaction(Database& db, Statement& begin);
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();

 private:
  Database& db_;
};

}  // namespace penstock::store
