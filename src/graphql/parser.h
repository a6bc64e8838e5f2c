#pragma once

#include <string_view>

#include <tl/expected.hpp>

#include "graphql/ast.h"
#include "graphql/limits.h"

namespace penstock::graphql {

/// Reads an executable document (operations and fragments). The text must outlive the tree. Errors are one syntax error
/// with its place, worded as graphql-js does.
tl::expected<Document, GraphqlError> parse_document(std::string_view text, const Limits& limits);

/// Reads a schema: definitions and extensions of types, directives and the schema.
tl::expected<SchemaDocument, GraphqlError> parse_schema(std::string_view text, const Limits& limits);

}  // namespace penstock::graphql
