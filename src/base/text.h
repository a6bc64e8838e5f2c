#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace penstock {

std::string_view trim(std::string_view text);

/// The parts between separators, trimmed, without the empty ones.
std::vector<std::string_view> split_list(std::string_view text, char separator);

template <class Texts>
std::string join(const Texts& texts, std::string_view between) {
  std::string out;
  bool first = true;
  for (const auto& text : texts) {
    if (!first) out += between;
    out += text;
    first = false;
  }
  return out;
}

/// Empties the text and gives its memory back, which `text = {}` does not.
inline void give_back(std::string& text) {
  std::string().swap(text);
}

/// The same for a text that is of no use any more, when it has more memory than what may be kept for the next one.
inline void give_back_above(std::size_t bytes, std::string& text) {
  if (text.capacity() > bytes) give_back(text);
}

/// Adds texts one behind the other.
template <class... Texts>
void append(std::string& out, const Texts&... texts) {
  (out.append(texts), ...);
}

/// Splits a command line into words as a POSIX shell would, without expansions: spaces separate, '...' and "..." quote,
/// a backslash escapes. Nothing when a quote is not closed.
bool split_words(std::string_view text, std::vector<std::string>& words);

/// The candidate nearest to `text` by edit distance, if near enough to be what was meant; empty otherwise.
std::string_view nearest(std::string_view text, const std::vector<std::string_view>& candidates);

}  // namespace penstock
