#include <algorithm>
#include <cctype>
#include <optional>

#include "graphql/coerce.h"

namespace penstock::graphql {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

/// Edit distance with transpositions; texts that differ in case only are at distance 1. Nothing beyond `most`: the
/// search ends, as graphql-js ends it, at the first row that is all farther.
std::optional<std::size_t> distance(std::string_view wrong, std::string_view option, std::size_t most) {
  if (wrong == option) return 0;
  std::string a = lower(option);
  std::string b = lower(wrong);
  if (a == b) return 1;
  if (a.size() < b.size()) std::swap(a, b);
  if (a.size() - b.size() > most) return std::nullopt;
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    d[i][0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t cost = a[i - 1] == b[j - 1] ? 0 : 1;
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + cost});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
    if (std::ranges::min(d[i]) > most) return std::nullopt;
  }
  const std::size_t found = d[a.size()][b.size()];
  return found <= most ? std::optional(found) : std::nullopt;
}

/// Reads a number off the text. Zeros in front are read one at a time.
std::size_t take_number(std::string_view text, std::size_t& at) {
  std::size_t number = 0;
  do {
    number = number * 10 + static_cast<std::size_t>(text[at++] - '0');
  } while (at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])) && number > 0);
  return number;
}

}  // namespace

bool natural_less(std::string_view a, std::string_view b) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() && j < b.size()) {
    if (is_digit(a[i]) && is_digit(b[j])) {
      const std::size_t first = take_number(a, i);
      const std::size_t second = take_number(b, j);
      if (first != second) return first < second;
    } else {
      if (a[i] != b[j]) return a[i] < b[j];
      ++i;
      ++j;
    }
  }
  return a.size() < b.size();
}

std::vector<std::string_view> near_options(std::string_view wrong, const std::vector<std::string_view>& options) {
  constexpr std::size_t kLongestName = 200;  // nobody means a name with such a slip
  std::vector<std::pair<std::size_t, std::string_view>> near;
  if (wrong.size() > kLongestName) return {};
  const std::size_t threshold = wrong.size() * 4 / 10 + 1;
  for (const auto option : options) {
    if (const auto d = distance(wrong, option, threshold)) near.emplace_back(*d, option);
  }
  std::ranges::sort(near, [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first < b.first : natural_less(a.second, b.second);
  });
  std::vector<std::string_view> out;
  for (const auto& [d, option] : near) out.push_back(option);
  return out;
}

std::string or_list(const std::vector<std::string_view>& options, std::size_t most) {
  const std::size_t count = std::min(options.size(), most);
  std::string out;
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) out += count == 2 ? " or " : i + 1 == count ? ", or " : ", ";
    out += "\"" + std::string(options[i]) + "\"";
  }
  return out;
}

std::string did_you_mean(std::string_view wrong, const std::vector<std::string_view>& options, std::string_view what) {
  const auto near = near_options(wrong, options);
  if (near.empty()) return "";
  return " Did you mean " + std::string(what) + or_list(near) + "?";
}

}  // namespace penstock::graphql
