#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "graphql/ast.h"
#include "graphql/schema.h"

namespace penstock::graphql {

/// Why two fields of one response key cannot be one, worded as graphql-js does, with the fields of both sides.
struct FieldConflict {
  std::string_view key;
  std::string reason;
  std::vector<const SelectionNode*> first;
  std::vector<const SelectionNode*> second;
};

/// The rule "Field Selection Merging": fields of one response key must be one field, or must never meet. Works pair by
/// pair, as the specification's own words do, and remembers what was compared, so that the same conflicts are found as
/// by graphql-js. One for each validation.
class OverlapRule {
 public:
  /// Null for a fragment that the document does not define.
  using FindFragment = std::function<const FragmentNode*(std::string_view)>;

  /// `budget`: how many comparisons the whole document may cost.
  OverlapRule(const Schema& schema, FindFragment find_fragment, std::size_t budget)
      : schema_(schema), find_fragment_(std::move(find_fragment)), budget_(budget) {}

  /// The conflicts within one selection set, inline fragments and spreads followed. `parent` is null when its type is
  /// unknown.
  std::vector<FieldConflict> within(const TypeDef* parent, const std::vector<SelectionNode>& selections);

  /// The budget is used up: nothing more is found.
  bool exhausted() const { return spent_ > budget_; }

 private:
  struct Field {
    const TypeDef* parent = nullptr;
    const SelectionNode* node = nullptr;
    const FieldDef* def = nullptr;  // null: unknown, or __typename
  };
  using Group = std::vector<Field>;
  struct Fields {
    std::vector<std::pair<std::string_view, Group>> groups;  // by response key, in the order of the document
    std::unordered_map<std::string_view, std::size_t> index;
    std::vector<std::string_view> spreads;         // each once
    std::map<std::string_view, bool> compared_to;  // fragments; true: only where the two never meet
  };
  using Conflicts = std::vector<FieldConflict>;
  using Arguments = std::vector<std::pair<std::string_view, std::size_t>>;  // name and number of the value

  bool spend(std::size_t cost) {
    spent_ += cost;
    return !exhausted();
  }
  Fields& fields_of(const TypeDef* parent, const std::vector<SelectionNode>& selections);
  Fields* fields_of(std::string_view fragment);
  void collect(const TypeDef* parent, const std::vector<SelectionNode>& selections, Fields& out);
  void among(const Fields& fields, Conflicts& out);
  void between(bool exclusive, const Fields& a, const Fields& b, Conflicts& out);
  void with_fragment(bool exclusive, Fields& fields, std::string_view fragment, Conflicts& out);
  void fragments(bool exclusive, std::string_view a, std::string_view b, Conflicts& out);
  void compare(bool exclusive, std::string_view key, const Field& a, const Field& b, Conflicts& out);
  Conflicts below(bool exclusive, const Field& a, const Field& b);
  bool same_arguments(const SelectionNode& a, const SelectionNode& b);
  const Arguments& arguments(const SelectionNode& node);

  const Schema& schema_;
  FindFragment find_fragment_;
  std::size_t budget_;
  std::size_t spent_ = 0;
  std::size_t depth_ = 0;
  std::map<std::pair<const TypeDef*, const std::vector<SelectionNode>*>, Fields> known_;
  std::map<std::pair<std::string_view, std::string_view>, bool> compared_;  // pairs of fragments, as in compared_to
  std::unordered_map<const SelectionNode*, Arguments> arguments_;
  std::unordered_map<std::string, std::size_t> values_;
};

}  // namespace penstock::graphql
