#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/model/template.h"

namespace penstock::store {

// How a list lies in a text column: one item a line, each line ended by a newline, so that an empty list is an empty
// text. In an item `\\` stands for a backslash and `\n` for a newline; a variable is KEY=VALUE with `\=` for an equals
// sign in the key. Lossless for any bytes.

std::string encode_list(const std::vector<std::string>& items);
std::string encode_list(const std::vector<int>& items);
std::string encode_list(const std::vector<core::EnvVar>& items);

/// Nothing when the text is not such a list.
std::optional<std::vector<std::string>> decode_texts(std::string_view text);
std::optional<std::vector<int>> decode_integers(std::string_view text);
std::optional<std::vector<core::EnvVar>> decode_variables(std::string_view text);

}  // namespace penstock::store
