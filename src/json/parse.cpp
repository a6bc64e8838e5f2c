#include <boost/json/basic_parser_impl.hpp>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <unordered_map>

#include "json/json.h"

namespace penstock::json {
namespace {

using boost::json::error_code;
using boost::json::string_view;

Error at_byte(std::size_t byte, std::string_view what) {
  return {Errc::invalid, "not valid JSON: " + std::string(what) + " at byte " + std::to_string(byte)};
}

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

/// What every handler of the parser has in common: no bound on sizes (the text has one already) and no comments.
struct HandlerBase {
  static constexpr std::size_t max_array_size = -1;
  static constexpr std::size_t max_object_size = -1;
  static constexpr std::size_t max_string_size = -1;
  static constexpr std::size_t max_key_size = -1;

  std::optional<Error> failure;  // why the handler itself refused

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_number_part(string_view, error_code&) { return true; }
  bool on_comment_part(string_view, error_code&) { return true; }
  bool on_comment(string_view, error_code&) { return true; }
};

/// Looks at nothing but, when asked to, the keys of the outermost object.
struct CheckHandler : HandlerBase {
  CheckHandler(const char*, std::string_view, bool keep_keys) : keep(keep_keys) {}

  bool keep;
  std::size_t depth = 0;
  bool object = false;  // the outermost value is one
  std::vector<std::string> keys;
  Pieces key;

  bool on_array_begin(error_code&) {
    ++depth;
    return true;
  }
  bool on_array_end(std::size_t, error_code&) {
    --depth;
    return true;
  }
  bool on_object_begin(error_code&) {
    if (depth++ == 0) object = true;
    return true;
  }
  bool on_object_end(std::size_t, error_code&) {
    --depth;
    return true;
  }
  bool on_key_part(string_view piece, std::size_t, error_code&) {
    if (keep && depth == 1) key.add(piece);
    return true;
  }
  bool on_key(string_view piece, std::size_t, error_code&) {
    if (keep && depth == 1) keys.push_back(key.take(piece));
    return true;
  }
  bool on_string_part(string_view, std::size_t, error_code&) { return true; }
  bool on_string(string_view, std::size_t, error_code&) { return true; }
  bool on_int64(std::int64_t, string_view, error_code&) { return true; }
  bool on_uint64(std::uint64_t, string_view, error_code&) { return true; }
  bool on_double(double, string_view, error_code&) { return true; }
  bool on_bool(bool, error_code&) { return true; }
  bool on_null(error_code&) { return true; }
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
struct BuildHandler : HandlerBase {
  BuildHandler(const char* fed_text, std::string_view sent_text) : fed(fed_text), text(sent_text) {}

  const char* fed;
  std::string_view text;
  std::vector<Value> values;
  std::vector<std::string> keys;
  Pieces pieces;

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
      failure = at_byte(byte, "a number that does not fit a double");
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

/// Runs the text through one handler, which is left as the whole text made it.
template <class Handler, class... Args>
Result<Handler> run(std::string_view text, ParseLimits limits, Args... args) {
  boost::json::parse_options options;
  options.max_depth = limits.depth;
  std::string copy;
  std::string_view fed = text;
  while (true) {
    boost::json::basic_parser<Handler> parser(options, fed.data(), text, args...);
    error_code ec;
    const std::size_t used = parser.write_some(false, fed.data(), fed.size(), ec);
    if (!ec && used < fed.size()) ec = boost::json::error::extra_data;
    if (!ec) return std::move(parser.handler());
    if (parser.handler().failure) return tl::unexpected<Error>(*parser.handler().failure);
    if (!copy.empty() || ec == boost::json::error::too_deep) return tl::unexpected<Error>(at_byte(used, reason(ec)));
    copy = plain_copy(text);
    if (copy == text) return tl::unexpected<Error>(at_byte(used, reason(ec)));
    fed = copy;
  }
}

/// As run(), with nothing thrown.
template <class Handler, class... Args>
Result<Handler> run_caught(std::string_view text, ParseLimits limits, Args... args) {
  try {
    return run<Handler>(text, limits, args...);
  } catch (const std::exception& error) {
    return fail(Errc::internal, std::string("reading JSON failed: ") + error.what());
  }
}

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::size_t after_space(std::string_view text, std::size_t at) {
  while (is_space(text[at])) ++at;
  return at;
}

/// The byte after the string that starts at `at`. The text was checked, so the string ends.
std::size_t after_string(std::string_view text, std::size_t at) {
  while (true) {
    at = text.find('"', at + 1);
    std::size_t escapes = 0;
    while (text[at - 1 - escapes] == '\\') ++escapes;
    if (escapes % 2 == 0) return at + 1;
  }
}

/// The byte after the value that starts at `at`, in text that was checked.
std::size_t after_value(std::string_view text, std::size_t at) {
  std::size_t depth = 0;
  while (true) {
    const char c = text[at];
    if (c == '"') {
      at = after_string(text, at);
      if (depth == 0) return at;
      continue;
    }
    const bool closes = c == '}' || c == ']';
    if (depth == 0 && (closes || c == ',' || is_space(c))) return at;
    ++at;
    if (c == '{' || c == '[') ++depth;
    if (closes && --depth == 0) return at;
  }
}

}  // namespace

Result<Value> parse(std::string_view text, ParseLimits limits) {
  auto built = run_caught<BuildHandler>(text, limits);
  if (!built) return tl::unexpected<Error>(std::move(built.error()));
  ENSURE(built->values.size() == 1);
  return std::move(built->values.front());
}

Result<void> check(std::string_view text, ParseLimits limits) {
  const auto checked = run_caught<CheckHandler>(text, limits, false);
  if (!checked) return tl::unexpected<Error>(checked.error());
  return {};
}

Result<std::vector<RawMember>> split_object(std::string_view text, ParseLimits limits) {
  auto checked = run_caught<CheckHandler>(text, limits, true);
  if (!checked) return tl::unexpected<Error>(std::move(checked.error()));
  if (!checked->object) return fail(Errc::invalid, "the JSON text is not an object: an object {...} is accepted");
  std::vector<RawMember> members;
  members.reserve(checked->keys.size());
  std::size_t at = after_space(text, 0);
  for (std::string& key : checked->keys) {
    at = after_space(text, at + 1);  // past '{' or ','
    at = after_space(text, after_string(text, at));
    at = after_space(text, at + 1);  // past ':'
    const std::size_t end = after_value(text, at);
    members.push_back({std::move(key), text.substr(at, end - at)});
    at = after_space(text, end);
  }
  return members;
}

Result<std::vector<std::string_view>> split_array(std::string_view text, ParseLimits limits) {
  if (auto checked = check(text, limits); !checked) return tl::unexpected<Error>(std::move(checked.error()));
  std::size_t at = after_space(text, 0);
  if (text[at] != '[') return fail(Errc::invalid, "the JSON text is not an array: an array [...] is accepted");
  std::vector<std::string_view> elements;
  at = after_space(text, at + 1);
  while (text[at] != ']') {
    const std::size_t end = after_value(text, at);
    elements.push_back(text.substr(at, end - at));
    at = after_space(text, end);
    if (text[at] == ',') at = after_space(text, at + 1);
  }
  return elements;
}

}  // namespace penstock::json
