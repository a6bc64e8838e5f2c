#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace penstock::api {

/// Why a root field of the schema has no value: it belongs to a product that this server does not have. Nothing for the
/// fields that it answers.
std::optional<std::string> absent_message(std::string_view root_field);

}  // namespace penstock::api
