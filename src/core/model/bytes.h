#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace penstock::core {

/// A payload that several owners share and nobody changes: job input, output, a stream chunk. JSON text exactly as its
/// sender wrote it. Null means "none".
using Bytes = std::shared_ptr<const std::string>;

inline Bytes bytes(std::string text) {
  return std::make_shared<const std::string>(std::move(text));
}

/// A part of `text`, which is given up for it: in the same memory when the part is most of it.
inline Bytes bytes_of(std::string text, std::string_view part) {
  if (part.size() < text.capacity() / 2) return bytes(std::string(part));
  const auto begin = static_cast<std::size_t>(part.data() - text.data());
  text.erase(begin + part.size());
  text.erase(0, begin);
  return bytes(std::move(text));
}

}  // namespace penstock::core
