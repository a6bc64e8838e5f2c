#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "json/json.h"

namespace penstock::cli {

/// A member as a person reads it: a text as it is, all else as JSON. `missing` when it is not there, or null.
std::string text_at(const json::Value& value, std::string_view key, const char* missing = "");

/// A member that is a number of any kind; nothing when it is not there, or `value` is null.
std::optional<double> number_at(const json::Value* value, std::string_view key);

/// With so many digits behind the point.
std::string decimal(double value, int places);
inline constexpr int kMoneyPlaces = 4;  // a second of a GPU costs less than a cent

/// The items of a member that is an array; none when it is not there.
const json::Array& items_at(const json::Value& value, std::string_view key);

/// Columns as wide as they need, the first `texts` of them to the left and the others, numbers, to the right.
using Row = std::vector<std::string>;
void print_table(const std::vector<Row>& rows, std::size_t texts = SIZE_MAX);

/// The end of a command that asked the server: the answer as it is when `as_json`, or as `print` shows it to a person.
/// Gives the exit status.
int show(const Result<json::Value>& answer, bool as_json, const std::function<int(const json::Value&)>& print);

/// Whether it can be the id of an endpoint or a job; if not, says what it should be.
bool check_id(const std::string& text, const char* of_what = "the id of an endpoint");

}  // namespace penstock::cli
