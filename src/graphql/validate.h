#pragma once

#include <vector>

#include "graphql/ast.h"
#include "graphql/coerce.h"
#include "graphql/limits.h"
#include "graphql/schema.h"

namespace penstock::graphql {

/// Holds a document against the schema by the rules of the specification ("Validation"). Messages are graphql-js 16's.
/// Empty: the document is valid.
std::vector<GraphqlError> validate(const Schema& schema, const Document& document, const Limits& limits,
                                   const Leniency& leniency);

}  // namespace penstock::graphql
