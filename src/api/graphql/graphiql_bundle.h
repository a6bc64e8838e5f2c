#pragma once

#include <span>
#include <string_view>

namespace penstock::api {

/// A file of the GraphQL page, as console/graphiql builds it. The bytes are part of the program.
struct BundledFile {
  std::string_view name;
  std::string_view content_type;
  std::string_view bytes;
};

/// index.html is the first.
std::span<const BundledFile> graphiql_bundle();

}  // namespace penstock::api
