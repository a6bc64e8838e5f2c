#include "net/target.h"

#include <algorithm>
#include <optional>

namespace penstock::net {
namespace {

constexpr std::size_t kKeysUsual = 4;

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

enum class Part { path, query };

/// The text itself where nothing in it is encoded, otherwise what `out` then has. Nothing when a '%' is not followed by
/// two hexadecimal digits.
std::optional<std::string_view> decode(std::string_view text, Part part, std::string& out) {
  const auto has = [&](char c) { return text.find(c) != std::string_view::npos; };
  if (!has('%') && !(part == Part::query && has('+'))) return text;
  out.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (part == Part::query && text[i] == '+') {
      out += ' ';
      continue;
    }
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_value(text[i + 1]);
    const int low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    const char c = static_cast<char>(high * 16 + low);
    if (part == Part::path && c == '/') {
      out += "%2F";
    } else {
      out += c;
    }
    i += 2;
  }
  return out;
}

bool starts_with_scheme(std::string_view target, std::string_view scheme) {
  if (target.size() < scheme.size()) return false;
  return std::equal(scheme.begin(), scheme.end(), target.begin(),
                    [](char want, char c) { return want == (c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c); });
}

/// The part of the target after scheme and host, when it has them.
std::string_view without_origin(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!starts_with_scheme(target, scheme)) continue;
    const std::size_t end = target.find_first_of("/?", scheme.size());
    return end == std::string_view::npos ? "/" : target.substr(end);
  }
  return target;
}

}  // namespace

Result<void> split_target(std::string_view target, std::string& path, Fields& query) {
  target = without_origin(target);
  const std::size_t mark = std::min(target.find('?'), target.size());
  const std::string_view before = target.substr(0, mark);
  std::string_view rest = target.substr(std::min(mark + 1, target.size()));

  std::string key_space;
  std::string value_space;
  if (before.empty() && mark < target.size()) {
    path = "/";
  } else if (before != "*" && !before.starts_with('/')) {
    return fail(Errc::invalid, "the request target must start with '/'");
  } else if (const auto decoded = decode(before, Part::path, value_space)) {
    path = *decoded;
  } else {
    return fail(Errc::invalid, "the path has a '%' without two hexadecimal digits");
  }
  if (!rest.empty()) query.reserve(kKeysUsual, rest.size());
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const auto key = decode(pair.substr(0, equals), Part::query, key_space);
    const auto value = decode(pair.substr(std::min(equals + 1, pair.size())), Part::query, value_space);
    if (!key || !value) return fail(Errc::invalid, "the query has a '%' without two hexadecimal digits");
    query.add(*key, *value);
  }
  return {};
}

}  // namespace penstock::net
