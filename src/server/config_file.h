#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

namespace penstock::server {

using KeyedTexts = std::vector<std::pair<std::string, std::string>>;

/// What stands in penstock.toml. A list is one text with commas between its parts, a table such as [gpus.types] one of
/// key=value.
struct ConfigFile {
  KeyedTexts settings;            // "section.key"
  std::vector<KeyedTexts> nodes;  // each [[node]]
};

/// Errors: invalid (it cannot be read, is no TOML, or has a value of a kind that no setting has).
Result<ConfigFile> read_config_file(const std::string& file);

}  // namespace penstock::server
