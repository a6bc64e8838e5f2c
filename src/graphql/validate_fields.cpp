#include <algorithm>

#include "graphql/validator.h"

namespace penstock::graphql {
namespace {

std::vector<std::string_view> names_of(const std::vector<InputValueDef>& defs) {
  std::vector<std::string_view> names;
  for (const auto& def : defs) names.push_back(def.name);
  return names;
}

/// The types that an object of an abstract type may be and that have the field, the most widely shared ones first, an
/// interface before what implements it.
std::vector<std::string_view> types_with(const TypeDef& parent, std::string_view field) {
  std::map<const TypeDef*, int> uses;
  std::vector<const TypeDef*> found;
  const auto use = [&](const TypeDef* type) {
    if (++uses[type] == 1) found.push_back(type);
  };
  for (const TypeDef* type : parent.possible) {
    if (!type->field(field)) continue;
    use(type);
    for (const TypeDef* interface : type->interfaces) {
      if (interface->field(field)) use(interface);
    }
  }
  const auto is_of = [](const TypeDef* type, const TypeDef* interface) {
    return std::ranges::find(type->interfaces, interface) != type->interfaces.end();
  };
  const auto before = [&](const TypeDef* a, const TypeDef* b) {
    if (uses[a] != uses[b]) return uses[a] > uses[b];
    if (is_of(b, a) || is_of(a, b)) return is_of(b, a);
    return natural_less(a->name, b->name);
  };
  // Not std::sort: with an odd schema this is no strict order.
  for (std::size_t i = 1; i < found.size(); ++i) {
    for (std::size_t j = i; j > 0 && before(found[j], found[j - 1]); --j) std::swap(found[j], found[j - 1]);
  }
  std::vector<std::string_view> names;
  for (const TypeDef* type : found) names.push_back(type->name);
  return names;
}

bool overlap(const TypeDef& a, const TypeDef& b) {
  if (&a == &b || a.can_be(b) || b.can_be(a)) return true;
  return std::ranges::any_of(a.possible, [&](const TypeDef* type) { return b.can_be(*type); });
}

}  // namespace

/// What is in braces after an operation, a fragment or a field.
void Validator::selection_set(const TypeDef* parent, const std::vector<SelectionNode>& nodes) {
  for (FieldConflict& conflict : overlaps_.within(parent, nodes)) {
    std::vector<Location> at;
    for (const auto* side : {&conflict.first, &conflict.second}) {
      for (const SelectionNode* node : *side) at.push_back(node->at);
    }
    refuse("Fields \"" + std::string(conflict.key) + "\" conflict because " + conflict.reason +
               ". Use different aliases on the fields to fetch both if this was intentional.",
           std::move(at));
  }
  if (overlaps_.exhausted()) {
    stop("The document has more than " + std::to_string(limits_.comparisons_max) + " fields to compare.",
         {nodes.front().at});
  }
  selections(parent, nodes);
}

/// `parent` is null below something unknown: names are still looked at, types no more.
void Validator::selections(const TypeDef* parent, const std::vector<SelectionNode>& nodes) {
  for (const SelectionNode& node : nodes) {
    switch (node.kind) {
      case SelectionNode::Kind::field:
        field(parent, node);
        break;
      case SelectionNode::Kind::fragment_spread:
        spread(parent, node);
        break;
      case SelectionNode::Kind::inline_fragment:
        inline_fragment(parent, node);
        break;
    }
  }
}

void Validator::field(const TypeDef* parent, const SelectionNode& node) {
  const FieldDef* def = parent ? schema_.field(*parent, node.name) : nullptr;
  if (parent && !def) unknown_field(*parent, node);
  const std::string owner = parent && def ? "field \"" + parent->name + "." + def->name + "\"" : "";
  arguments(def ? &def->args : nullptr, node.arguments, owner);
  if (def) required_arguments(def->args, node.arguments, "Field \"" + def->name + "\"", node.at);
  directives(node.directives, "FIELD");
  const TypeDef* type = def ? &def->type->named() : nullptr;
  if (type && type->is_leaf() && node.has_selections) {
    refuse("Field \"" + std::string(node.name) + "\" must not have a selection since type \"" + def->type->text() +
               "\" has no subfields.",
           node.selections_at);
    type = nullptr;
  }
  if (type && !type->is_leaf() && !node.has_selections) {
    refuse("Field \"" + std::string(node.name) + "\" of type \"" + def->type->text() +
               "\" must have a selection of subfields. Did you mean \"" + std::string(node.name) + " { ... }\"?",
           node.at);
  }
  if (node.has_selections) selection_set(type, node.selections);
}

void Validator::unknown_field(const TypeDef& parent, const SelectionNode& node) {
  std::string hint;
  if (parent.is_abstract()) {
    const auto types = types_with(parent, node.name);
    if (!types.empty()) hint = " Did you mean to use an inline fragment on " + or_list(types) + "?";
  }
  if (hint.empty()) {
    std::vector<std::string_view> names;
    for (const FieldDef& field : parent.fields) names.push_back(field.name);
    hint = did_you_mean(node.name, names);
  }
  refuse("Cannot query field \"" + std::string(node.name) + "\" on type \"" + parent.name + "\"." + hint, node.at);
}

void Validator::spread(const TypeDef* parent, const SelectionNode& node) {
  uses_->spread(node);
  directives(node.directives, "FRAGMENT_SPREAD");
  const FragmentNode* target = fragment_named(node.name);
  if (!target) {
    refuse("Unknown fragment \"" + std::string(node.name) + "\".", node.name_at);
    return;
  }
  spread_fits(parent, schema_.type(target->type_condition), node);
}

void Validator::inline_fragment(const TypeDef* parent, const SelectionNode& node) {
  const TypeDef* type = parent;
  if (!node.type_condition.empty()) {
    type = condition(node.type_condition, node.condition_at, {}, false);
    spread_fits(parent, type, node);
  }
  directives(node.directives, "INLINE_FRAGMENT");
  selections(type, node.selections);
}

void Validator::spread_fits(const TypeDef* parent, const TypeDef* condition, const SelectionNode& node) {
  if (!parent || !condition || !condition->is_composite() || overlap(*parent, *condition)) return;
  const std::string which = node.name.empty() ? "Fragment" : "Fragment \"" + std::string(node.name) + "\"";
  refuse(which + " cannot be spread here as objects of type \"" + parent->name + "\" can never be of type \"" +
             condition->name + "\".",
         node.at);
}

/// `defs` is null when the owner is unknown: values are then walked for their variables only.
void Validator::arguments(const std::vector<InputValueDef>* defs, const std::vector<ArgumentNode>& nodes,
                          const std::string& owner) {
  std::map<std::string_view, Location> seen;
  for (const ArgumentNode& node : nodes) {
    const auto [known, fresh] = seen.try_emplace(node.name, node.at);
    if (!fresh)
      refuse("There can be only one argument named \"" + std::string(node.name) + "\".", {known->second, node.at});
    const InputValueDef* def = nullptr;
    for (std::size_t i = 0; defs && i < defs->size(); ++i) {
      if ((*defs)[i].name == node.name) def = &(*defs)[i];
    }
    if (def) {
      value(def->type, node.value, def->default_value.has_value());
      continue;
    }
    if (defs) {
      refuse("Unknown argument \"" + std::string(node.name) + "\" on " + owner + "." +
                 did_you_mean(node.name, names_of(*defs)),
             node.at);
    }
    untyped_value(node.value);
  }
}

void Validator::required_arguments(const std::vector<InputValueDef>& defs, const std::vector<ArgumentNode>& nodes,
                                   const std::string& owner, Location at) {
  for (const InputValueDef& def : defs) {
    if (!def.required() || std::ranges::find(nodes, def.name, &ArgumentNode::name) != nodes.end()) continue;
    refuse(owner + " argument \"" + def.name + "\" of type \"" + def.type->text() +
               "\" is required, but it was not provided.",
           at);
  }
}

void Validator::directives(const std::vector<DirectiveNode>& nodes, std::string_view place) {
  std::map<std::string_view, Location> seen;
  for (const DirectiveNode& node : nodes) {
    const std::string shown = "\"@" + std::string(node.name) + "\"";
    const DirectiveDef* def = schema_.directive(node.name);
    if (!def) {
      refuse("Unknown directive " + shown + ".", node.at);
      arguments(nullptr, node.arguments, "");
      continue;
    }
    if (!def->allowed_at(place))
      refuse("Directive " + shown + " may not be used on " + std::string(place) + ".", node.at);
    const auto [known, fresh] = seen.try_emplace(node.name, node.at);
    if (!fresh && !def->repeatable) {
      refuse("The directive " + shown + " can only be used once at this location.", {known->second, node.at});
    }
    arguments(&def->args, node.arguments, "directive " + shown);
    required_arguments(def->args, node.arguments, "Directive " + shown, node.at);
  }
}

}  // namespace penstock::graphql
