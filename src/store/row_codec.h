#pragma once

#include <charconv>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "store/fields.h"
#include "store/sqlite_db.h"
#include "store/text_list.h"

namespace penstock::store {

/// A column holds what this program never writes: the file is damaged or was edited. Caught by the store.
class DamagedRow : public std::runtime_error {
 public:
  DamagedRow(const char* column, std::string_view value)
      : std::runtime_error(std::string("column ") + column + " holds \"" + std::string(value.substr(0, 100)) + "\"") {}
};

/// Texts that a place is in a list of places.
inline constexpr std::size_t kPlaceTexts = 5;

/// Binds members as parameters, in column order.
class RowWriter {
 public:
  explicit RowWriter(Statement& statement) : statement_(statement) {}

  template <class Member>
  void operator()(const char*, const Member& member) {
    put(member);
  }

 private:
  void put(const std::string& value) { statement_.add(value); }
  void put(bool value) { statement_.add(std::int64_t{value}); }
  void put(int value) { statement_.add(std::int64_t{value}); }
  void put(std::int64_t value) { statement_.add(value); }
  void put(Millis value) { statement_.add(std::int64_t{value.count()}); }
  void put(Time value) { statement_.add(to_ms(value)); }
  void put(core::KeyScope value) { statement_.add(value == core::KeyScope::all ? "all" : "read_only"); }
  void put(core::ScalerType value) { statement_.add(core::to_text(value)); }
  void put(core::FlashBoot value) { statement_.add(core::to_text(value)); }
  void put(core::StartKind value) { statement_.add(core::to_text(value)); }
  void put(core::Priority value) { statement_.add(core::to_text(value)); }
  void put(core::JobStatus value) { statement_.add(core::to_text(value)); }
  void put(core::DeliveryStatus value) { statement_.add(core::to_text(value)); }
  void put(core::BatchStatus value) { statement_.add(core::to_text(value)); }
  void put(core::BudgetUnit value) { statement_.add(core::to_text(value)); }
  void put(core::BudgetAction value) { statement_.add(core::to_text(value)); }
  /// Three texts for each; a value that is there begins with an equals sign.
  void put(const std::vector<core::SettingChange>& changes) {
    std::vector<std::string> texts;
    for (const core::SettingChange& one : changes) {
      texts.push_back(one.field);
      texts.push_back(one.before ? "=" + *one.before : "");
      texts.push_back(one.after ? "=" + *one.after : "");
    }
    put(texts);
  }
  /// kPlaceTexts for each.
  void put(const std::vector<core::Placement>& places) {
    std::vector<std::string> texts;
    for (const core::Placement& one : places) {
      texts.insert(texts.end(), {one.node, one.pool, one.gpu_type, encode_list(one.gpus), encode_list(one.uuids)});
    }
    put(texts);
  }
  template <class Tag>
  void put(const Id<Tag>& value) {
    statement_.add(value.str());
  }
  void put(const std::vector<core::PortName>& names) {
    std::vector<core::EnvVar> pairs;
    for (const core::PortName& one : names) pairs.push_back({one.port, one.name});
    put(pairs);
  }
  void put(const std::vector<VolumeId>& ids) {
    std::vector<std::string> texts;
    for (const VolumeId& id : ids) texts.push_back(id.str());
    put(texts);
  }
  template <class Item>
  void put(const std::vector<Item>& items) {
    statement_.add_copy(encode_list(items));
  }
  template <class Value>
  void put(const std::optional<Value>& value) {
    if (value) {
      put(*value);
    } else {
      statement_.add_null();
    }
  }

  Statement& statement_;
};

/// Reads members from the columns of the current row, from `first` on. Throws DamagedRow and SqliteError.
class RowReader {
 public:
  explicit RowReader(Statement& statement, int first = 0) : statement_(statement), next_(first) {}

  template <class Member>
  void operator()(const char* column, Member& member) {
    column_ = column;
    get(member);
    ++next_;
  }

 private:
  void get(std::string& value) { value = statement_.text(next_); }
  void get(bool& value) { value = statement_.integer(next_) != 0; }
  void get(std::int64_t& value) { value = statement_.integer(next_); }
  void get(Millis& value) { value = Millis{statement_.integer(next_)}; }
  void get(Time& value) { value = from_ms(statement_.integer(next_)); }
  void get(int& value) {
    const std::int64_t stored = statement_.integer(next_);
    if (stored < std::numeric_limits<int>::min() || stored > std::numeric_limits<int>::max()) {
      throw DamagedRow(column_, std::to_string(stored));
    }
    value = static_cast<int>(stored);
  }
  void get(core::KeyScope& value) {
    const std::string_view text = statement_.text(next_);
    if (text != "all" && text != "read_only") throw DamagedRow(column_, text);
    value = text == "all" ? core::KeyScope::all : core::KeyScope::read_only;
  }
  void get(core::ScalerType& value) { take(value, core::parse_scaler_type(statement_.text(next_))); }
  void get(core::FlashBoot& value) { take(value, core::parse_flash_boot(statement_.text(next_))); }
  void get(core::StartKind& value) { take(value, core::parse_start_kind(statement_.text(next_))); }
  void get(core::Priority& value) { take(value, core::parse_priority(statement_.text(next_))); }
  void get(core::JobStatus& value) { take(value, core::parse_job_status(statement_.text(next_))); }
  void get(core::DeliveryStatus& value) { take(value, core::parse_delivery_status(statement_.text(next_))); }
  void get(core::BatchStatus& value) { take(value, core::parse_batch_status(statement_.text(next_))); }
  void get(core::BudgetUnit& value) { take(value, core::parse_budget_unit(statement_.text(next_))); }
  void get(core::BudgetAction& value) { take(value, core::parse_budget_action(statement_.text(next_))); }
  void get(std::vector<core::SettingChange>& value) {
    std::vector<std::string> texts;
    get(texts);
    if (texts.size() % 3 != 0) throw DamagedRow(column_, statement_.text(next_));
    const auto text_of = [](const std::string& text) -> std::optional<std::string> {
      if (text.empty()) return std::nullopt;
      return text.substr(1);
    };
    value.clear();
    for (std::size_t i = 0; i < texts.size(); i += 3) {
      value.push_back({texts[i], text_of(texts[i + 1]), text_of(texts[i + 2])});
    }
  }
  void get(std::vector<core::Placement>& value) {
    std::vector<std::string> texts;
    get(texts);
    if (texts.size() % kPlaceTexts != 0) throw DamagedRow(column_, statement_.text(next_));
    value.clear();
    for (std::size_t i = 0; i < texts.size(); i += kPlaceTexts) {
      core::Placement& one = value.emplace_back(core::Placement{texts[i], texts[i + 1], texts[i + 2], {}});
      take(one.gpus, decode_integers(texts[i + 3]));
      take(one.uuids, decode_texts(texts[i + 4]));
    }
  }
  void get(std::vector<std::string>& value) { take(value, decode_texts(statement_.text(next_))); }
  void get(std::vector<core::PortName>& value) {
    std::vector<core::EnvVar> pairs;
    get(pairs);
    value.clear();
    for (core::EnvVar& one : pairs) value.push_back({std::move(one.key), std::move(one.value)});
  }
  void get(std::vector<VolumeId>& value) {
    std::vector<std::string> texts;
    get(texts);
    value.clear();
    for (const std::string& text : texts) {
      auto id = VolumeId::parse(text);
      if (!id) throw DamagedRow(column_, text);
      value.push_back(std::move(*id));
    }
  }
  void get(std::vector<int>& value) { take(value, decode_integers(statement_.text(next_))); }
  void get(std::vector<core::EnvVar>& value) { take(value, decode_variables(statement_.text(next_))); }
  template <class Tag>
  void get(Id<Tag>& value) {
    const std::string_view text = statement_.text(next_);
    if (text.empty()) {
      value = {};
      return;
    }
    auto id = Id<Tag>::parse(text);
    if (!id) throw DamagedRow(column_, text);
    value = std::move(*id);
  }
  template <class Value>
  void get(std::optional<Value>& value) {
    if (statement_.is_null(next_)) {
      value.reset();
    } else {
      get(value.emplace());
    }
  }

  template <class Value>
  void take(Value& value, std::optional<Value> decoded) {
    if (!decoded) throw DamagedRow(column_, statement_.text(next_));
    value = std::move(*decoded);
  }

  Statement& statement_;
  int next_;
  const char* column_ = "";
};

template <class Value>
void write_row(Statement& statement, const Value& value) {
  each_field(value, RowWriter(statement));
}

template <class Value>
Value read_row(Statement& statement) {
  Value value;
  each_field(value, RowReader(statement));
  return value;
}

/// The column names of a kind of thing, in order.
template <class Value>
std::vector<std::string> column_names() {
  std::vector<std::string> names;
  const Value value{};
  each_field(value, [&](const char* column, const auto&) { names.emplace_back(column); });
  return names;
}

// SQL text made from column names; the first column is the key.
/// Of so many rows at once. One that is there already stays as it is. After any other error the transaction must be
/// rolled back, for SQLite need not be able to undo this statement alone: it would keep a copy of each page for that.
std::string insert_sql(const std::string& table, const std::vector<std::string>& columns, std::size_t rows = 1);
std::string upsert_sql(const std::string& table, const std::vector<std::string>& columns);
/// The key is bound last.
std::string update_sql(const std::string& table, const std::string& key, const std::vector<std::string>& columns);
/// In order of first appearance. `from` may go on with WHERE.
std::string select_sql(const std::string& from, const std::vector<std::string>& columns);

}  // namespace penstock::store
