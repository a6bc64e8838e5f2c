#include <boost/json/basic_parser_impl.hpp>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <unordered_map>

#include "json/json.h"
#include "json/not_json.h"

namespace penstock::json {
namespace {

using boost::json::error_code;
using boost::json::string_view;

/// Collects the pieces in which the parser hands over one string.
class Pieces {
 public:
  void add(string_view piece) { text_.append(piece.data(), piece.size()); }
  std::string take(string_view last) {
    add(last);
    return std::exchange(text_, {});
  }

 private:
  std::string text_;
};

/// Makes keys unique: the last value given for a key takes the place where the key came first.
void remove_repeated_keys(Object& object) {
  static constexpr std::size_t kSearchedInOrder = 8;
  std::unordered_map<std::string_view, std::size_t> seen;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < object.size(); ++i) {
    std::size_t found = 0;
    if (object.size() <= kSearchedInOrder) {
      while (found < kept && object[found].first != object[i].first) ++found;
    } else {
      const auto at = seen.find(object[i].first);
      found = at == seen.end() ? kept : at->second;
    }
    if (found < kept) {
      object[found].second = std::move(object[i].second);
      continue;
    }
    if (kept != i) object[kept] = std::move(object[i]);
    if (object.size() > kSearchedInOrder) seen.emplace(object[kept].first, kept);
    ++kept;
  }
  object.resize(kept);
}

/// Builds the value. `fed` is what the parser reads, `text` what the sender wrote: they differ at most where
/// plain_copy() changed bytes, and numbers are taken from the sender's.
struct BuildHandler {
  // No bound on sizes: the text has one already.
  static constexpr std::size_t max_array_size = -1;
  static constexpr std::size_t max_object_size = -1;
  static constexpr std::size_t max_string_size = -1;
  static constexpr std::size_t max_key_size = -1;

  BuildHandler(const char* fed_text, std::string_view sent_text) : fed(fed_text), text(sent_text) {}

  const char* fed;
  std::string_view text;
  std::vector<Value> values;
  std::vector<std::string> keys;
  Pieces pieces;
  std::optional<Error> failure;  // why the handler itself refused

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_number_part(string_view, error_code&) { return true; }
  bool on_comment_part(string_view, error_code&) { return true; }
  bool on_comment(string_view, error_code&) { return true; }

  bool add(Value value) {
    values.push_back(std::move(value));
    return true;
  }
  bool on_array_begin(error_code&) { return true; }
  bool on_array_end(std::size_t count, error_code&) {
    const auto first = values.end() - static_cast<std::ptrdiff_t>(count);
    Array array(std::make_move_iterator(first), std::make_move_iterator(values.end()));
    values.erase(first, values.end());
    return add(std::move(array));
  }
  bool on_object_begin(error_code&) { return true; }
  bool on_object_end(std::size_t count, error_code&) {
    Object object;
    object.reserve(count);
    const std::size_t first_key = keys.size() - count;
    const std::size_t first_value = values.size() - count;
    for (std::size_t i = 0; i < count; ++i) {
      object.emplace_back(std::move(keys[first_key + i]), std::move(values[first_value + i]));
    }
    keys.resize(first_key);
    values.resize(first_value);
    remove_repeated_keys(object);
    return add(std::move(object));
  }
  bool on_key_part(string_view piece, std::size_t, error_code&) {
    pieces.add(piece);
    return true;
  }
  bool on_key(string_view piece, std::size_t, error_code&) {
    keys.push_back(pieces.take(piece));
    return true;
  }
  bool on_string_part(string_view piece, std::size_t, error_code&) {
    pieces.add(piece);
    return true;
  }
  bool on_string(string_view piece, std::size_t, error_code&) { return add(pieces.take(piece)); }
  bool on_int64(std::int64_t value, string_view, error_code&) { return add(value); }
  bool on_uint64(std::uint64_t, string_view part, error_code& ec) { return on_double(0, part, ec); }

  // Boost's own conversion is off by a few units in the last place, so the digits are read again.
  bool on_double(double, string_view part, error_code& ec) {
    const std::size_t byte = static_cast<std::size_t>(part.data() - fed);
    const std::string number(text.substr(byte, part.size()));
    double value = 0;
    const auto read = std::from_chars(number.data(), number.data() + number.size(), value);
    if (read.ec == std::errc::result_out_of_range) value = std::strtod(number.c_str(), nullptr);
    if (std::isinf(value)) {
      failure = not_json("a number that does not fit a double", byte);
      ec = boost::json::error::input_error;
      return false;
    }
    return add(value);
  }
  bool on_bool(bool value, error_code&) { return add(value); }
  bool on_null(error_code&) { return add(nullptr); }
};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// The code unit of a \uXXXX escape at `at`; nothing when there is none.
std::optional<unsigned> escaped_unit(std::string_view text, std::size_t at) {
  if (text.size() < at + 6 || text[at] != '\\' || text[at + 1] != 'u') return std::nullopt;
  unsigned unit = 0;
  const auto read = std::from_chars(text.data() + at + 2, text.data() + at + 6, unit, 16);
  if (read.ptr != text.data() + at + 6) return std::nullopt;
  return unit;
}

/// Strict JSON that the parser refuses nevertheless, changed byte for byte into what it takes: digits of exponents
/// become zeros, half a surrogate pair becomes \ufffd.
std::string plain_copy(std::string_view text) {
  std::string copy(text);
  bool in_string = false;
  for (std::size_t i = 0; i < copy.size(); ++i) {
    const char c = copy[i];
    if (c == '"') {
      in_string = !in_string;
    } else if (in_string && c == '\\') {
      const std::optional<unsigned> unit = escaped_unit(copy, i);
      const bool high = unit && *unit >= 0xd800 && *unit < 0xdc00;
      const std::optional<unsigned> next = high ? escaped_unit(copy, i + 6) : std::nullopt;
      const bool pair = next && *next >= 0xdc00 && *next < 0xe000;
      if (unit && *unit >= 0xd800 && *unit < 0xe000 && !pair) copy.replace(i, 6, "\\ufffd");
      i += pair ? 11 : unit ? 5 : 1;
    } else if (!in_string && (c == 'e' || c == 'E') && i > 0 && is_digit(copy[i - 1])) {
      if (i + 1 < copy.size() && (copy[i + 1] == '+' || copy[i + 1] == '-')) ++i;
      while (i + 1 < copy.size() && is_digit(copy[i + 1])) copy[++i] = '0';
    }
  }
  return copy;
}

std::string_view reason(const error_code& ec) {
  using boost::json::error;
  if (ec == error::extra_data) return "more text after the end of the value";
  if (ec == error::incomplete) return "the text ends too early";
  if (ec == error::too_deep) return "nested too deeply";
  if (ec == error::expected_hex_digit) return "an escape \\u without four hexadecimal digits";
  return "an unexpected byte";
}

Result<Value> build(std::string_view text, ParseLimits limits) {
  boost::json::parse_options options;
  options.max_depth = limits.depth;
  std::string copy;
  std::string_view fed = text;
  while (true) {
    boost::json::basic_parser<BuildHandler> parser(options, fed.data(), text);
    error_code ec;
    const std::size_t used = parser.write_some(false, fed.data(), fed.size(), ec);
    if (!ec && used < fed.size()) ec = boost::json::error::extra_data;
    BuildHandler& built = parser.handler();
    if (!ec) {
      ENSURE(built.values.size() == 1);
      return std::move(built.values.front());
    }
    if (built.failure) return tl::unexpected<Error>(*built.failure);
    if (!copy.empty() || ec == boost::json::error::too_deep) return tl::unexpected<Error>(not_json(reason(ec), used));
    copy = plain_copy(text);
    if (copy == text) return tl::unexpected<Error>(not_json(reason(ec), used));
    fed = copy;
  }
}

}  // namespace

Result<Value> parse(std::string_view text, ParseLimits limits) {
  try {
    return build(text, limits);
  } catch (const std::exception& error) {
    return fail(Errc::internal, std::string("reading JSON failed: ") + error.what());
  }
}

}  // namespace penstock::json
