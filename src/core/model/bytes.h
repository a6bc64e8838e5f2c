#pragma once

#include <memory>
#include <string>

namespace penstock::core {

/// A payload that several owners share and nobody changes: job input, output, a stream chunk. JSON text exactly as its
/// sender wrote it. Null means "none".
using Bytes = std::shared_ptr<const std::string>;

inline Bytes bytes(std::string text) {
  return std::make_shared<const std::string>(std::move(text));
}

}  // namespace penstock::core
