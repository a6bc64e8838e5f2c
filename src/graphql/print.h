#pragma once

#include <string>

#include "graphql/ast.h"

namespace penstock::graphql {

/// A request's document as graphql-js lays it out. Read again it gives the same tree; descriptions, which mean nothing
/// in a request, are left out, and so are definitions that do not belong there.
std::string print(const Document& document);

}  // namespace penstock::graphql
