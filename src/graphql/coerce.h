#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <tl/expected.hpp>

#include "graphql/ast.h"
#include "graphql/input.h"
#include "graphql/limits.h"
#include "graphql/schema.h"
#include "json/json.h"

namespace penstock::graphql {

/// Where the engine is more forgiving than the specification. All off by default.
struct Leniency {
  /// An empty string for an enum, through variables, is an absent key.
  bool empty_enum_is_absent = false;
  /// A nullable variable may stand where a non-null value is wanted; its value is checked when the field runs.
  bool nullable_variable_anywhere = false;
};

/// A number or a string of a document.
struct Literal {
  std::string_view text;  // as written
  std::string value;      // of a string, unescaped
  bool is_int = false;
};

/// What a request puts into a document: the values of the variables that it gave or that have defaults, and, when the
/// tree was made from another text of the same shape, its own numbers and strings.
class Variables {
 public:
  Variables() = default;
  /// `literals` are in the order of the document and must outlive this.
  explicit Variables(const std::vector<Literal>* literals) : literals_(literals) {}

  void set(std::string_view name, Input value) { values_.insert_or_assign(name, std::move(value)); }
  /// Null when the variable has no value.
  const Input* find(std::string_view name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? nullptr : &found->second;
  }
  bool contains(std::string_view name) const { return values_.contains(name); }

  /// A number as the request writes it.
  std::string_view text(const ValueNode& node) const { return literals_ ? literal(node).text : node.text; }
  /// A string of the request.
  const std::string& string(const ValueNode& node) const { return literals_ ? literal(node).value : node.string; }
  /// The value with the request's own literals in it.
  ValueNode own(const ValueNode& node) const;

 private:
  const Literal& literal(const ValueNode& node) const { return (*literals_)[static_cast<std::size_t>(node.literal)]; }

  std::unordered_map<std::string_view, Input> values_;
  const std::vector<Literal>* literals_ = nullptr;
};

/// A leaf from a literal, or what is wrong with it, worded as graphql-js does. Variables can stand only inside the
/// literals of custom scalars.
tl::expected<Input, std::string> leaf_from_literal(const TypeDef& type, const ValueNode& node,
                                                   const Variables& variables);
/// A leaf from a variable's JSON. An integral float such as 5.0 is an Int, as in graphql-js.
tl::expected<Input, std::string> leaf_from_json(const TypeDef& type, const json::Value& value);

/// A literal of a validated document as a value of `type`. Nothing when a variable in it has no value where one is
/// needed.
std::optional<Input> from_literal(const Type& type, const ValueNode& node, const Variables& variables);

/// A value of `type` as a literal: what introspection shows of a default, worded as graphql-js does.
std::string to_literal(const Type& type, const Input& value);

/// Reads the variables of an operation into `out`; `types` are those of `nodes`. Messages name the variable, the path
/// in it and the value. No errors: all could be read.
std::vector<GraphqlError> read_variables(const std::vector<VariableNode>& nodes, const std::vector<const Type*>& types,
                                         const json::Value* given, const Leniency& leniency, const Limits& limits,
                                         Variables& out);

/// The arguments of a field or directive, with defaults. Errors: a required one has no value at run time.
tl::expected<Args, GraphqlError> read_arguments(const std::vector<InputValueDef>& defs,
                                                const std::vector<ArgumentNode>& nodes, Location at,
                                                const Variables& variables);

/// ` Did you mean "a", "b", or "c"?` for the options that are near enough; empty when none is.
std::string did_you_mean(std::string_view wrong, const std::vector<std::string_view>& options,
                         std::string_view what = {});
std::vector<std::string_view> near_options(std::string_view wrong, const std::vector<std::string_view>& options);
/// By text, with numbers in it by their value: a2 before a10.
bool natural_less(std::string_view a, std::string_view b);
/// `"a", "b", or "c"` of at most five.
std::string or_list(const std::vector<std::string_view>& options, std::size_t most = 5);

}  // namespace penstock::graphql
