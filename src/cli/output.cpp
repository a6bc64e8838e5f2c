#include "cli/output.h"

#include <algorithm>
#include <cstdio>

#include "base/ids.h"
#include "cli/client.h"

namespace penstock::cli {

std::string text_at(const json::Value& value, std::string_view key, const char* missing) {
  const json::Value* found = value.find(key);
  if (!found || found->is_null()) return missing;
  return found->as_string() ? *found->as_string() : json::write(*found);
}

std::optional<double> number_at(const json::Value* value, std::string_view key) {
  const json::Value* found = value ? value->find(key) : nullptr;
  if (!found) return std::nullopt;
  if (const auto* whole = found->as_int()) return static_cast<double>(*whole);
  return found->as_double() ? std::optional(*found->as_double()) : std::nullopt;
}

std::string decimal(double value, int places) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", places, value);
  return text;
}

const json::Array& items_at(const json::Value& value, std::string_view key) {
  static const json::Array kNone;
  const json::Value* found = value.find(key);
  const json::Array* items = found ? found->as_array() : nullptr;
  return items ? *items : kNone;
}

void print_table(const std::vector<Row>& rows, std::size_t texts) {
  std::vector<std::size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string space(widths[i] - row[i].size(), ' ');
      line += (i > 0 ? "  " : "") + (i < texts ? row[i] + space : space + row[i]);
    }
    std::printf("%s\n", line.substr(0, line.find_last_not_of(' ') + 1).c_str());
  }
}

int show(const Result<json::Value>& answer, bool as_json, const std::function<int(const json::Value&)>& print) {
  if (!answer) return fail_with(answer.error().message, kExitFailed);
  if (!as_json) return print(*answer);
  std::printf("%s\n", json::write(*answer).c_str());
  return 0;
}

bool check_id(const std::string& text, const char* of_what) {
  if (is_id(text)) return true;
  fail_with("\"" + text + "\" is not " + of_what, kExitUsage);
  return false;
}

}  // namespace penstock::cli
