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
#include "graphql/validate_overlap.h"

namespace penstock::graphql {

/// The state of one validation. Rules are spread over validate.cpp (operations, fragments, variables),
/// validate_fields.cpp (fields, arguments, directives), validate_values.cpp and validate_overlap.cpp.
class Validator {
 public:
  Validator(const Schema& schema, const Document& document, const Limits& limits, const Leniency& leniency)
      : schema_(schema),
        document_(document),
        limits_(limits),
        leniency_(leniency),
        overlaps_(schema, [this](std::string_view name) { return fragment_named(name); }, limits.comparisons_max) {}

  std::vector<GraphqlError> run();

 private:
  /// One variable in places of one kind.
  struct VariableUse {
    std::string_view name;
    std::vector<Location> at;
    const Type* wanted = nullptr;  // null: the place has no known type
    bool place_has_default = false;
    const TypeDef* one_of = nullptr;  // the oneOf input object that the place is a field of
  };
  /// What a definition uses directly. Equal uses are one, with many places: a fragment is looked at again for every
  /// operation that reaches it.
  struct Uses {
    void variable(VariableUse use);
    void spread(const SelectionNode& node);

    std::vector<VariableUse> variables;
    std::vector<const SelectionNode*> spreads;
    std::map<std::tuple<std::string_view, const Type*, bool, const TypeDef*>, std::size_t> known_variables;
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
  void definitions();
  void known_type(std::string_view name, Location at);
  void known_type(const TypeNode& node);
  void type_definition(const TypeDefinitionNode& node);
  void input_values(const std::vector<InputValueNode>& nodes, std::string_view place);
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
  void variable_use(const VariableNode& found, const VariableUse& use);
  void variable_uses(const OperationNode& node);
  void fragments_are_used();
  void fragments_have_no_cycles();
  void find_cycle(const FragmentNode& node);
  void reachable(const Uses& from, std::vector<const Uses*>& out) const;
  const FragmentNode* fragment_named(std::string_view name) const;
  const TypeDef* condition(std::string_view name, Location at, std::string_view fragment_name, bool is_fragment);

  // validate_fields.cpp
  void selection_set(const TypeDef* parent, const std::vector<SelectionNode>& nodes);
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
  std::set<std::string_view> defined_types_;  // by the document itself, where they do not belong
  std::set<std::string_view> cycle_checked_;
  std::vector<const SelectionNode*> cycle_path_;
  std::unordered_map<std::string_view, std::size_t> cycle_index_;
  OverlapRule overlaps_;
  std::unordered_map<const FragmentNode*, Extent> extents_;
  std::size_t error_bytes_ = 0;
};

}  // namespace penstock::graphql
