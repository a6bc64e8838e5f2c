#include "store/text_list.h"

#include <charconv>

namespace penstock::store {
namespace {

void append_escaped(std::string& out, std::string_view text, bool is_key) {
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\\' || (is_key && c == '=')) {
      out += '\\';
      out += c;
    } else {
      out += c;
    }
  }
}

/// Reads one item that ends at an unescaped `end`; `text` then begins behind it.
std::optional<std::string> take_item(std::string_view& text, char end) {
  std::string item;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == end) {
      text.remove_prefix(i + 1);
      return item;
    }
    if (text[i] == '\n') return std::nullopt;
    if (text[i] != '\\') {
      item += text[i];
    } else if (++i < text.size()) {
      item += text[i] == 'n' ? '\n' : text[i];
    }
  }
  return std::nullopt;
}

}  // namespace

std::string encode_list(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) {
    append_escaped(out, item, false);
    out += '\n';
  }
  return out;
}

std::string encode_list(const std::vector<int>& items) {
  std::string out;
  for (const int item : items) {
    out += std::to_string(item);
    out += '\n';
  }
  return out;
}

std::string encode_list(const std::vector<core::EnvVar>& items) {
  std::string out;
  for (const core::EnvVar& item : items) {
    append_escaped(out, item.key, true);
    out += '=';
    append_escaped(out, item.value, false);
    out += '\n';
  }
  return out;
}

std::optional<std::vector<std::string>> decode_texts(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    auto item = take_item(text, '\n');
    if (!item) return std::nullopt;
    items.push_back(std::move(*item));
  }
  return items;
}

std::optional<std::vector<int>> decode_integers(std::string_view text) {
  const auto texts = decode_texts(text);
  if (!texts) return std::nullopt;
  std::vector<int> items;
  for (const std::string& item : *texts) {
    int value = 0;
    const char* end = item.data() + item.size();
    const auto [stop, error] = std::from_chars(item.data(), end, value);
    if (error != std::errc{} || stop != end) return std::nullopt;
    items.push_back(value);
  }
  return items;
}

std::optional<std::vector<core::EnvVar>> decode_variables(std::string_view text) {
  std::vector<core::EnvVar> items;
  while (!text.empty()) {
    auto key = take_item(text, '=');
    if (!key) return std::nullopt;
    auto value = take_item(text, '\n');
    if (!value) return std::nullopt;
    items.push_back({std::move(*key), std::move(*value)});
  }
  return items;
}

}  // namespace penstock::store
