#include "graphql/validate.h"

#include <algorithm>

#include "graphql/validator.h"

namespace penstock::graphql {
namespace {

/// Thrown when one document has earned more errors than anybody reads, or costs more than it may.
struct Stopped {};

bool is_subtype(const Type& sub, const Type& super) {
  if (same_type(sub, super)) return true;
  if (super.is_non_null()) return sub.is_non_null() && is_subtype(*sub.of, *super.of);
  if (sub.is_non_null()) return is_subtype(*sub.of, super);
  if (super.is_list()) return sub.is_list() && is_subtype(*sub.of, *super.of);
  return false;
}

}  // namespace

std::vector<GraphqlError> validate(const Schema& schema, const Document& document, const Limits& limits,
                                   const Leniency& leniency) {
  return Validator(schema, document, limits, leniency).run();
}

void Validator::refuse(std::string message, std::vector<Location> at) {
  if (errors_.size() >= limits_.errors_max || error_bytes_ > limits_.error_bytes_max) {
    stop("Too many validation errors, error limit reached. Validation aborted.", {});
  }
  constexpr std::size_t kLocationBytes = 25;  // {"line":1,"column":1}
  error_bytes_ += message.size() + at.size() * kLocationBytes;
  errors_.push_back({std::move(message), std::move(at), {}, std::string(kValidationFailed)});
}

void Validator::stop(std::string message, std::vector<Location> at) {
  errors_.push_back({std::move(message), std::move(at), {}, std::string(kValidationFailed)});
  throw Stopped{};
}

void Validator::too_deep(Location at) {
  stop("The document is nested deeper than " + std::to_string(limits_.depth_max) + " levels.", {at});
}

void Validator::Uses::variable(VariableUse use) {
  const auto [known, fresh] =
      known_variables.try_emplace({use.name, use.wanted, use.place_has_default, use.one_of}, variables.size());
  if (fresh) {
    variables.push_back(std::move(use));
  } else {
    variables[known->second].at.push_back(use.at.front());
  }
}

void Validator::Uses::spread(const SelectionNode& node) {
  if (known_spreads.insert(node.name).second) spreads.push_back(&node);
}

std::vector<GraphqlError> Validator::run() {
  try {
    // Of two with one name, which is an error of its own, the last counts.
    for (const auto& node : document_.fragments) fragments_.insert_or_assign(node.name, &node);
    is_bounded();
    definitions();
    names_are_unique();
    for (const auto& node : document_.operations) operation(node);
    for (const auto& node : document_.fragments) fragment(node);
    fragments_have_no_cycles();
    for (const auto& node : document_.operations) variable_uses(node);
    fragments_are_used();
  } catch (const Stopped&) {
  }
  return std::move(errors_);
}

// ---------------------------------------------------------------- operations and fragments

/// The other rules, and the execution, follow fragments by recursion and again and again: they count on these bounds.
void Validator::is_bounded() {
  std::size_t selections = 0;
  for (const auto& node : document_.operations) {
    selections += extent(node.selections, 1).selections;
    if (selections > limits_.selections_max) {
      stop("The document selects more than " + std::to_string(limits_.selections_max) + " fields.", {node.at});
    }
  }
}

/// `depth` is that of these nodes in their operation.
Validator::Extent Validator::extent(const std::vector<SelectionNode>& nodes, std::size_t depth) {
  if (depth > limits_.depth_max) too_deep(nodes.front().at);
  Extent out;
  for (const SelectionNode& node : nodes) {
    Extent below;
    if (node.has_selections) below = extent(node.selections, depth + 1);
    const bool spreads = node.kind == SelectionNode::Kind::fragment_spread;
    if (const FragmentNode* target = spreads ? fragment_named(node.name) : nullptr) below = extent(*target, depth + 1);
    if (depth + below.depth > limits_.depth_max) too_deep(node.at);
    out.selections = std::min(out.selections + 1 + below.selections, limits_.selections_max + 1);
    out.depth = std::max(out.depth, below.depth + 1);
  }
  return out;
}

Validator::Extent Validator::extent(const FragmentNode& node, std::size_t depth) {
  const auto [known, fresh] = extents_.try_emplace(&node);  // nothing yet, for a fragment that spreads itself
  if (fresh) extents_[&node] = extent(node.selections, depth);
  return extents_[&node];
}

/// A request holds nothing but operations and fragments. What else is there is refused, but its names count.
void Validator::definitions() {
  const SchemaDocument& found = document_.schema;
  for (const NameNode& node : found.all) {
    const std::string name = node.name.empty() ? "schema" : "\"" + std::string(node.name) + "\"";
    refuse("The " + name + " definition is not executable.", node.at);
  }
  for (const TypeDefinitionNode& node : found.types) {
    if (!node.extends) defined_types_.insert(node.name);
  }
  Uses none;  // constants use no variables
  uses_ = &none;
  for (const SchemaDefinitionNode& node : found.schemas) {
    for (const auto& [type, name] : node.operations) known_type(name.name, name.at);
    directives(node.directives, "SCHEMA");
  }
  for (const TypeDefinitionNode& node : found.types) type_definition(node);
  for (const DirectiveDefinitionNode& node : found.directives) input_values(node.arguments, "ARGUMENT_DEFINITION");
}

void Validator::type_definition(const TypeDefinitionNode& node) {
  static constexpr std::string_view kPlaces[] = {"SCALAR", "OBJECT", "INTERFACE", "UNION", "ENUM", "INPUT_OBJECT"};
  for (const NameNode& one : node.interfaces) known_type(one.name, one.at);
  for (const NameNode& one : node.members) known_type(one.name, one.at);
  directives(node.directives, kPlaces[static_cast<int>(node.kind)]);
  for (const FieldDefinitionNode& field : node.fields) {
    known_type(field.type);
    directives(field.directives, "FIELD_DEFINITION");
    input_values(field.arguments, "ARGUMENT_DEFINITION");
  }
  input_values(node.input_fields, "INPUT_FIELD_DEFINITION");
  for (const EnumValueNode& value : node.values) directives(value.directives, "ENUM_VALUE");
}

void Validator::input_values(const std::vector<InputValueNode>& nodes, std::string_view place) {
  for (const InputValueNode& node : nodes) {
    known_type(node.type);
    directives(node.directives, place);
  }
}

void Validator::known_type(const TypeNode& node) {
  const TypeNode* named = &node;
  while (named->of) named = named->of.get();
  known_type(named->name, named->at);
}

void Validator::known_type(std::string_view name, Location at) {
  if (schema_.type(name) || defined_types_.contains(name)) return;
  std::vector<std::string_view> names(defined_types_.begin(), defined_types_.end());
  for (const TypeDef* known : schema_.types()) names.push_back(known->name);
  refuse("Unknown type \"" + std::string(name) + "\"." + did_you_mean(name, names), at);
}

void Validator::names_are_unique() {
  std::map<std::string_view, Location> operations;
  for (const auto& node : document_.operations) {
    if (node.name.empty()) {
      if (document_.operations.size() > 1)
        refuse("This anonymous operation must be the only defined operation.", node.at);
      continue;
    }
    const auto [known, fresh] = operations.try_emplace(node.name, node.name_at);
    if (!fresh)
      refuse("There can be only one operation named \"" + std::string(node.name) + "\".",
             {known->second, node.name_at});
  }
  std::map<std::string_view, Location> seen;
  for (const auto& node : document_.fragments) {
    const auto [known, fresh] = seen.try_emplace(node.name, node.name_at);
    if (!fresh)
      refuse("There can be only one fragment named \"" + std::string(node.name) + "\".", {known->second, node.name_at});
  }
}

void Validator::operation(const OperationNode& node) {
  uses_ = &operation_uses_[&node];
  const TypeDef* root = schema_.root(node.type);
  if (root && node.type == OperationType::subscription) subscription(node);
  if (!root) refuse("Schema is not configured to execute " + std::string(to_text(node.type)) + " operation.", node.at);
  variable_definitions(node);
  static constexpr std::string_view kPlaces[] = {"QUERY", "MUTATION", "SUBSCRIPTION"};
  directives(node.directives, kPlaces[static_cast<int>(node.type)]);
  selection_set(root, node.selections);
}

/// Whether a literal @skip or @include takes a selection away.
bool is_left_out(const SelectionNode& node) {
  return std::ranges::any_of(node.directives, [](const DirectiveNode& directive) {
    const bool skips = directive.name == "skip";
    if (!skips && directive.name != "include") return false;
    return std::ranges::any_of(directive.arguments, [&](const ArgumentNode& argument) {
      return argument.name == "if" && argument.value.text == (skips ? "true" : "false");
    });
  });
}

void Validator::top_level(const TypeDef& root, const std::vector<SelectionNode>& nodes, TopLevel& out) const {
  for (const SelectionNode& node : nodes) {
    if (is_left_out(node)) continue;
    const auto applies = [&](std::string_view condition) {
      const TypeDef* type = condition.empty() ? &root : schema_.type(condition);
      return type && type->can_be(root);
    };
    if (node.kind == SelectionNode::Kind::field) {
      const auto [at, fresh] = out.index.try_emplace(node.response_key(), out.fields.size());
      if (fresh) out.fields.emplace_back();
      out.fields[at->second].push_back(&node);
    } else if (node.kind == SelectionNode::Kind::inline_fragment) {
      if (applies(node.type_condition)) top_level(root, node.selections, out);
    } else if (out.visited.insert(node.name).second) {
      const FragmentNode* target = fragment_named(node.name);
      if (target && applies(target->type_condition)) top_level(root, target->selections, out);
    }
  }
}

/// A subscription has one source: one field.
void Validator::subscription(const OperationNode& node) {
  TopLevel found;
  top_level(*schema_.root(node.type), node.selections, found);
  const std::string who =
      node.name.empty() ? "Anonymous Subscription" : "Subscription \"" + std::string(node.name) + "\"";
  std::vector<Location> extra;
  for (std::size_t i = 1; i < found.fields.size(); ++i) {
    for (const SelectionNode* field : found.fields[i]) extra.push_back(field->at);
  }
  if (!extra.empty()) refuse(who + " must select only one top level field.", std::move(extra));
  for (const auto& fields : found.fields) {
    if (!fields.front()->name.starts_with("__")) continue;
    std::vector<Location> at;
    for (const SelectionNode* field : fields) at.push_back(field->at);
    refuse(who + " must not select an introspection top level field.", std::move(at));
  }
}

void Validator::fragment(const FragmentNode& node) {
  uses_ = &fragment_uses_[node.name];
  *uses_ = {};
  const TypeDef* type = condition(node.type_condition, node.condition_at, node.name, true);
  directives(node.directives, "FRAGMENT_DEFINITION");
  selection_set(type, node.selections);
}

/// The type of a condition, or null with an error when it is none that fields can be selected on.
const TypeDef* Validator::condition(std::string_view name, Location at, std::string_view fragment_name,
                                    bool is_fragment) {
  const TypeDef* type = schema_.type(name);
  if (!type) {
    known_type(name, at);
    return nullptr;
  }
  if (type->is_composite()) return type;
  const std::string which = is_fragment ? "Fragment \"" + std::string(fragment_name) + "\"" : "Fragment";
  refuse(which + " cannot condition on non composite type \"" + type->name + "\".", at);
  return nullptr;
}

const FragmentNode* Validator::fragment_named(std::string_view name) const {
  const auto found = fragments_.find(name);
  return found == fragments_.end() ? nullptr : found->second;
}

void Validator::reachable(const Uses& from, std::vector<const Uses*>& out) const {
  std::set<std::string_view> seen;
  out.push_back(&from);
  for (std::size_t i = 0; i < out.size(); ++i) {
    for (const SelectionNode* spread : out[i]->spreads) {
      const auto found = fragment_uses_.find(spread->name);
      if (found != fragment_uses_.end() && seen.insert(spread->name).second) out.push_back(&found->second);
    }
  }
}

void Validator::fragments_are_used() {
  std::set<std::string_view> used;
  for (const auto& node : document_.operations) {
    std::vector<const Uses*> all;
    reachable(operation_uses_[&node], all);
    for (const Uses* uses : all) {
      for (const SelectionNode* spread : uses->spreads) used.insert(spread->name);
    }
  }
  for (const auto& node : document_.fragments) {
    if (!used.contains(node.name)) refuse("Fragment \"" + std::string(node.name) + "\" is never used.", node.at);
  }
}

void Validator::fragments_have_no_cycles() {
  for (const auto& node : document_.fragments) {
    if (!cycle_checked_.contains(node.name)) find_cycle(node);
  }
}

void Validator::find_cycle(const FragmentNode& node) {
  cycle_checked_.insert(node.name);
  const Uses& uses = fragment_uses_[node.name];
  if (uses.spreads.empty()) return;
  cycle_index_[node.name] = cycle_path_.size();
  for (const SelectionNode* spread : uses.spreads) {
    const auto known = cycle_index_.find(spread->name);
    cycle_path_.push_back(spread);
    if (known == cycle_index_.end()) {
      const FragmentNode* next = fragment_named(spread->name);
      if (next && !cycle_checked_.contains(next->name)) find_cycle(*next);
    } else {
      std::string via;
      std::vector<Location> at;
      for (std::size_t i = known->second; i < cycle_path_.size(); ++i) {
        at.push_back(cycle_path_[i]->at);
        if (i + 1 < cycle_path_.size()) via += (via.empty() ? "\"" : ", \"") + std::string(cycle_path_[i]->name) + "\"";
      }
      refuse("Cannot spread fragment \"" + std::string(spread->name) + "\" within itself" +
                 (via.empty() ? "." : " via " + via + "."),
             at);
    }
    cycle_path_.pop_back();
  }
  cycle_index_.erase(node.name);
}

// ---------------------------------------------------------------- variables

void Validator::variable_definitions(const OperationNode& node) {
  std::map<std::string_view, Location> seen;
  for (const auto& variable : node.variables) {
    const std::string shown = "\"$" + std::string(variable.name) + "\"";
    const auto [known, fresh] = seen.try_emplace(variable.name, variable.name_at);
    if (!fresh) refuse("There can be only one variable named " + shown + ".", {known->second, variable.name_at});
    const Type* type = types_.type_of(schema_, variable.type);
    if (!type) {
      known_type(variable.type);
    } else if (!type->named().is_input()) {
      refuse("Variable " + shown + " cannot be non-input type \"" + type->text() + "\".", variable.type.at);
    }
    variable_types_[&variable] = type;
    if (variable.default_value && type && type->named().is_input()) value(type, *variable.default_value, false);
    directives(variable.directives, "VARIABLE_DEFINITION");
  }
}

/// Whether a variable's type fits where it stands.
void Validator::variable_use(const VariableNode& found, const VariableUse& use) {
  const Type* given = variable_types_[&found];
  if (!given || !use.wanted) return;
  const Type* wanted = use.wanted;
  const bool has_default = found.default_value && found.default_value->kind != ValueNode::Kind::null;
  const bool may_be_null = has_default || use.place_has_default || leniency_.nullable_variable_anywhere;
  if (wanted->is_non_null() && !given->is_non_null() && may_be_null) wanted = wanted->of;
  const std::string shown = "Variable \"$" + std::string(use.name) + "\" ";
  for (const Location at : use.at) {
    if (use.one_of && !given->is_non_null()) {
      refuse(shown + "is of type \"" + given->text() +
                 "\" but must be non-nullable to be used for OneOf Input Object \"" + use.one_of->name + "\".",
             {found.at, at});
    }
    if (is_subtype(*given, *wanted)) continue;
    refuse(shown + "of type \"" + given->text() + "\" used in position expecting type \"" + use.wanted->text() + "\".",
           {found.at, at});
  }
}

void Validator::variable_uses(const OperationNode& node) {
  std::vector<const Uses*> all;
  reachable(operation_uses_[&node], all);
  std::unordered_map<std::string_view, const VariableNode*> definitions;  // of two with one name, the last
  for (const auto& variable : node.variables) definitions.insert_or_assign(variable.name, &variable);
  std::set<std::string_view> used;
  const std::string by = node.name.empty() ? "" : " by operation \"" + std::string(node.name) + "\"";
  for (const Uses* uses : all) {
    for (const VariableUse& use : uses->variables) {
      used.insert(use.name);
      const auto known = definitions.find(use.name);
      if (known != definitions.end()) {
        variable_use(*known->second, use);
        continue;
      }
      for (const Location at : use.at) {
        refuse("Variable \"$" + std::string(use.name) + "\" is not defined" + by + ".", {at, node.at});
      }
    }
  }
  const std::string in = node.name.empty() ? "" : " in operation \"" + std::string(node.name) + "\"";
  for (const auto& variable : node.variables) {
    if (!used.contains(variable.name))
      refuse("Variable \"$" + std::string(variable.name) + "\" is never used" + in + ".", variable.at);
  }
}

}  // namespace penstock::graphql
