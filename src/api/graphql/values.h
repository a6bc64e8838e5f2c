#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "api/graphql/codes.h"
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

/// Fields that nothing here has a value for.
template <class T>
void bind_nulls(graphql::Schema& schema, std::string_view type, std::initializer_list<std::string_view> fields) {
  graphql::Binder<T> binder(schema, std::string(type));
  for (const auto field : fields) binder.field(field, [](const T&) { return graphql::Value(); });
}

/// The same for one value that all objects share.
template <class T>
void bind_constant(graphql::Schema& schema, std::string_view type, const graphql::Value& value,
                   std::initializer_list<std::string_view> fields) {
  graphql::Binder<T> binder(schema, std::string(type));
  for (const auto field : fields) binder.field(field, [value](const T&) { return value; });
}

/// Fields of products that are not here.
template <class T>
void bind_absent(graphql::Schema& schema, std::string_view type, std::initializer_list<std::string_view> fields) {
  graphql::Binder<T> binder(schema, std::string(type));
  for (const auto field : fields) {
    std::string message = std::string(type) + "." + std::string(field) + " is not implemented by this server";
    binder.field(field, [message](const T&) { return graphql::Value(graphql::FieldError{message, kRefused}); });
  }
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
