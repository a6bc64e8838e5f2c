#include "net/target.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string>

namespace penstock::net {
namespace {

constexpr std::size_t kPairsUsual = 4;
constexpr std::size_t kPairsMax = 256;  // 32 KiB of "&a" would need half a megabyte

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

enum class Part { path, query };

bool is_encoded(std::string_view text, Part part) {
  const auto has = [&](char c) { return text.find(c) != std::string_view::npos; };
  return has('%') || (part == Part::query && has('+'));
}

/// Decodes the text where it lies and says how long it is then. Nothing when a '%' is not followed by two hexadecimal
/// digits.
std::optional<std::size_t> decode(std::span<char> text, Part part) {
  std::size_t size = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      text[size++] = part == Part::query && text[i] == '+' ? ' ' : text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_value(text[i + 1]);
    const int low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    const char c = static_cast<char>(high * 16 + low);
    i += 2;
    if (part == Part::path && c == '/') {
      for (const char kept : {'%', '2', 'F'}) text[size++] = kept;
    } else {
      text[size++] = c;
    }
  }
  return size;
}

bool starts_with_scheme(std::string_view target, std::string_view scheme) {
  if (target.size() < scheme.size()) return false;
  return std::equal(scheme.begin(), scheme.end(), target.begin(),
                    [](char want, char c) { return want == (c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c); });
}

/// The part of the target after scheme and host, when it has them.
std::string_view without_origin(std::string_view target) {
  if (target.starts_with('/')) return target;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!starts_with_scheme(target, scheme)) continue;
    const std::size_t end = target.find_first_of("/?", scheme.size());
    return end == std::string_view::npos ? "/" : target.substr(end);
  }
  return target;
}

Result<void> split_query(std::string_view text, Fields& query) {
  const bool encoded = is_encoded(text, Part::query);
  query.reserve(kPairsUsual, text.size());
  std::span<char> rest = query.copy(text);
  // Takes what comes before the mark off a text, and the mark with it.
  const auto take = [](std::span<char>& from, char mark) {
    const auto end = static_cast<std::size_t>(std::ranges::find(from, mark) - from.begin());
    const std::span<char> taken = from.first(end);
    from = from.subspan(std::min(end + 1, from.size()));
    return taken;
  };
  const auto read = [encoded](std::span<char> part) -> std::optional<std::string_view> {
    const auto size = encoded ? decode(part, Part::query) : part.size();
    if (!size) return std::nullopt;
    return std::string_view(part.data(), *size);
  };
  while (!rest.empty()) {
    std::span<char> pair = take(rest, '&');
    if (pair.empty()) continue;
    const auto key = read(take(pair, '='));
    const auto value = read(pair);
    if (!key || !value) return fail(Errc::invalid, "the query has a '%' without two hexadecimal digits");
    if (query.size() == kPairsMax) {
      return fail(Errc::invalid,
                  "the query has too many parameters: at most " + std::to_string(kPairsMax) + " are accepted");
    }
    query.add_copied(*key, *value);
  }
  return {};
}

}  // namespace

Result<void> split_target(std::string_view target, std::string& path, Fields& query) {
  target = without_origin(target);
  const std::size_t mark = std::min(target.find('?'), target.size());
  path = target.substr(0, mark);
  if (path.empty() && mark < target.size()) path = "/";
  if (path != "*" && !path.starts_with('/')) return fail(Errc::invalid, "the request target must start with '/'");
  if (is_encoded(path, Part::path)) {
    const auto size = decode(path, Part::path);
    if (!size) return fail(Errc::invalid, "the path has a '%' without two hexadecimal digits");
    path.resize(*size);
  }
  if (mark == target.size()) return {};
  return split_query(target.substr(mark + 1), query);
}

}  // namespace penstock::net
