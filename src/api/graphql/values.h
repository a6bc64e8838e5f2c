#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/model/template.h"
#include "graphql/schema.h"

namespace penstock::api {

// Small turns that resolvers share, from what the core holds to what GraphQL shows.

inline graphql::Value text_or_null(std::string_view text) {
  return text.empty() ? graphql::Value() : graphql::Value(text);
}

inline graphql::Value texts(const std::vector<std::string>& items) {
  return graphql::Value(graphql::ListValue(items.begin(), items.end()));
}

inline graphql::Value texts_or_null(const std::vector<std::string>& items) {
  return items.empty() ? graphql::Value() : texts(items);
}

/// Objects of one type from the things that they stand for.
template <class Items>
graphql::Value objects(const graphql::Schema& schema, std::string_view type, const Items& items) {
  graphql::ListValue out;
  out.reserve(items.size());
  for (const auto& item : items) out.push_back(graphql::make_object(schema, type, item));
  return graphql::Value(std::move(out));
}

}  // namespace penstock::api
