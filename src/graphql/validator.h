#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "graphql/validate.h"

namespace penstock::graphql {

/// A selection set and the type it applies to.
struct SelectionSet {
  const TypeDef* parent = nullptr;
  const std::vector<SelectionNode>* selections = nullptr;
};

/// One field of some selection sets that are merged, with the type it is selected on.
struct FieldEntry {
  const TypeDef* parent = nullptr;
  const SelectionNode* node = nullptr;
  const FieldDef* def = nullptr;
  std::size_t set = 0;  // which of the sets it is from
};

/// Why two fields of one response key cannot be one.
struct FieldConflict {
  std::string_view key;
  std::string reason;
  std::vector<Location> first;
  std::vector<Location> second;
  std::size_t first_set = 0;
  std::size_t second_set = 0;
};

/// The state of one validation. Rules are spread over validate.cpp (operations, fragments, variables),
/// validate_fields.cpp (fields, arguments, directives), validate_values.cpp and validate_overlap.cpp.
class Validator {
 public:
  Validator(const Schema& schema, const Document& document, const Limits& limits, const Leniency& leniency)
      : schema_(schema), document_(document), limits_(limits), leniency_(leniency) {}

  std::vector<GraphqlError> run();

 private:
  struct VariableUse {
    std::string_view name;
    Location at;
    const Type* wanted = nullptr;  // null: the place has no known type
    bool place_has_default = false;
    const TypeDef* one_of = nullptr;  // the oneOf input object that the place is a field of
  };
  /// What a definition uses directly. Equal uses are kept once: a fragment is looked at again for every operation that
  /// reaches it.
  struct Uses {
    void variable(const VariableUse& use);
    void spread(const SelectionNode& node);

    std::vector<VariableUse> variables;
    std::vector<const SelectionNode*> spreads;
    std::set<std::tuple<std::string_view, const Type*, bool, const TypeDef*>> known_variables;
    std::set<std::string_view> known_spreads;
  };
  /// How much a selection set is once its fragments are followed.
  struct Extent {
    std::size_t selections = 0;
    std::size_t depth = 0;
  };

  void refuse(std::string message, std::vector<Location> at);
  void refuse(std::string message, Location at) { refuse(std::move(message), std::vector<Location>{at}); }
  /// Refuses and looks no further.
  [[noreturn]] void stop(std::string message, std::vector<Location> at);
  [[noreturn]] void too_deep(Location at);

  // validate.cpp
  void is_bounded();
  Extent extent(const std::vector<SelectionNode>& nodes, std::size_t depth);
  Extent extent(const FragmentNode& node, std::size_t depth);
  void names_are_unique();
  void operation(const OperationNode& node);
  void subscription(const OperationNode& node);
  struct TopLevel {
    std::vector<std::vector<const SelectionNode*>> fields;  // one entry for each response key
    std::unordered_map<std::string_view, std::size_t> index;
    std::set<std::string_view> visited;  // fragments
  };
  void top_level(const TypeDef& root, const std::vector<SelectionNode>& nodes, TopLevel& out) const;
  void fragment(const FragmentNode& node);
  void variable_definitions(const OperationNode& node);
  void variable_uses(const OperationNode& node);
  void fragments_are_used();
  bool fragments_have_no_cycles();
  void find_cycle(const FragmentNode& node);
  void reachable(const Uses& from, std::vector<const Uses*>& out) const;
  const FragmentNode* fragment_named(std::string_view name) const;
  const TypeDef* condition(std::string_view name, Location at, std::string_view fragment_name, bool is_fragment);

  // validate_fields.cpp
  void selections(const TypeDef* parent, const std::vector<SelectionNode>& nodes);
  void field(const TypeDef* parent, const SelectionNode& node);
  void unknown_field(const TypeDef& parent, const SelectionNode& node);
  void spread(const TypeDef* parent, const SelectionNode& node);
  void inline_fragment(const TypeDef* parent, const SelectionNode& node);
  void spread_fits(const TypeDef* parent, const TypeDef* condition, const SelectionNode& node);
  void arguments(const std::vector<InputValueDef>* defs, const std::vector<ArgumentNode>& nodes,
                 const std::string& owner);
  void required_arguments(const std::vector<InputValueDef>& defs, const std::vector<ArgumentNode>& nodes,
                          const std::string& owner, Location at);
  void directives(const std::vector<DirectiveNode>& nodes, std::string_view place);

  // validate_values.cpp
  void value(const Type* type, const ValueNode& node, bool place_has_default, const TypeDef* one_of = nullptr);
  void leaf_value(const Type& type, const ValueNode& node);
  void object_value(const TypeDef& type, const ValueNode& node);
  void one_of_value(const TypeDef& type, const ValueNode& node);
  void untyped_value(const ValueNode& node);
  void unique_input_fields(const ValueNode& node);

  // validate_overlap.cpp
  void fields_can_merge(const SelectionSet& set);
  using Conflict = std::optional<FieldConflict>;
  using Group = std::vector<FieldEntry>;
  struct Groups {
    std::vector<Group> all;  // one for each response key, in the order of the document
    std::unordered_map<std::string_view, std::size_t> index;
    std::vector<const SelectionNode*> spreads;  // still to be followed
    std::set<std::string_view> visited;         // fragments
  };
  void collect(const SelectionSet& set, std::size_t number, Groups& groups);
  Conflict find_conflict(const std::vector<SelectionSet>& sets, bool shapes_only);
  Conflict field_conflict(const Group& group);
  Conflict shape_conflict(const Group& group);
  Conflict conflict_below(const Group& group, bool shapes_only);

  const Schema& schema_;
  const Document& document_;
  const Limits& limits_;
  const Leniency& leniency_;
  TypePool types_;
  std::vector<GraphqlError> errors_;
  Uses* uses_ = nullptr;
  std::unordered_map<const OperationNode*, Uses> operation_uses_;
  std::unordered_map<std::string_view, Uses> fragment_uses_;
  std::unordered_map<std::string_view, const FragmentNode*> fragments_;
  std::unordered_map<const VariableNode*, const Type*> variable_types_;
  std::set<std::string_view> cycle_checked_;
  std::vector<const SelectionNode*> cycle_path_;
  std::unordered_map<std::string_view, std::size_t> cycle_index_;
  std::size_t compared_ = 0;
  std::unordered_map<const FragmentNode*, Extent> extents_;
  std::size_t error_bytes_ = 0;
};

}  // namespace penstock::graphql
