#include "graphql/validate_overlap.h"

#include <algorithm>

namespace penstock::graphql {
namespace {

using Kind = ValueNode::Kind;

constexpr std::size_t kDetailMax = 1000;  // characters of a reason
constexpr std::size_t kDepthMax = 300;    // of comparisons inside each other: the stack is small
constexpr std::size_t kNodesMax = 20;     // fields that one side of a conflict names

std::string abbreviated(std::string text) {
  if (text.size() <= kDetailMax) return text;
  text.resize(kDetailMax);
  return text + "...";
}

/// A text that is the same for equal values only. Fields of objects count by name, not by place.
void write_key(std::string& out, const ValueNode& value) {
  out += static_cast<char>('a' + static_cast<int>(value.kind));
  if (value.kind == Kind::list) {
    for (const ValueNode& item : value.items) write_key(out, item);
  } else if (value.kind == Kind::object) {
    std::vector<const ObjectFieldNode*> fields;
    for (const ObjectFieldNode& field : value.fields) fields.push_back(&field);
    std::ranges::sort(fields, {}, [](const ObjectFieldNode* field) { return std::pair(field->name, field); });
    for (const ObjectFieldNode* field : fields) {
      out += field->name;
      out += ':';
      write_key(out, *field->value);
    }
  } else {
    const std::string_view text = value.kind == Kind::string ? std::string_view(value.string) : value.text;
    out += value.block ? "b" : "";
    out += std::to_string(text.size());
    out += ':';
    out += text;
  }
  out += '.';
}

/// Whether two results would have different shapes, whatever their objects turn out to be.
bool shapes_differ(const Type& a, const Type& b) {
  if (a.is_list() || b.is_list()) return !a.is_list() || !b.is_list() || shapes_differ(*a.of, *b.of);
  if (a.is_non_null() || b.is_non_null()) {
    return !a.is_non_null() || !b.is_non_null() || shapes_differ(*a.of, *b.of);
  }
  return (a.def->is_leaf() || b.def->is_leaf()) && a.def != b.def;
}

bool is_plain(const SelectionNode& node) {
  return node.arguments.empty() && !node.has_selections;
}

bool are_objects(const TypeDef* a, const TypeDef* b) {
  return a && b && a->kind == TypeKind::object && b->kind == TypeKind::object;
}

}  // namespace

std::vector<FieldConflict> OverlapRule::within(const TypeDef* parent, const std::vector<SelectionNode>& selections) {
  Conflicts out;
  const bool one = selections.size() < 2;
  if (one && (selections.empty() || selections.front().kind != SelectionNode::Kind::inline_fragment)) return out;
  Fields& fields = fields_of(parent, selections);
  among(fields, out);
  const std::vector<std::string_view>& spreads = fields.spreads;
  if (fields.groups.empty() && spreads.size() < 2) return out;
  for (std::size_t i = 0; i < spreads.size(); ++i) {
    with_fragment(false, fields, spreads[i], out);
    for (std::size_t j = i + 1; j < spreads.size(); ++j) fragments(false, spreads[i], spreads[j], out);
  }
  return out;
}

OverlapRule::Fields& OverlapRule::fields_of(const TypeDef* parent, const std::vector<SelectionNode>& selections) {
  const auto [known, fresh] = known_.try_emplace({parent, &selections});
  if (fresh) collect(parent, selections, known->second);
  return known->second;
}

OverlapRule::Fields* OverlapRule::fields_of(std::string_view fragment) {
  const FragmentNode* node = find_fragment_(fragment);
  return node ? &fields_of(schema_.type(node->type_condition), node->selections) : nullptr;
}

void OverlapRule::collect(const TypeDef* parent, const std::vector<SelectionNode>& selections, Fields& out) {
  for (const SelectionNode& node : selections) {
    if (node.kind == SelectionNode::Kind::field) {
      const auto [at, fresh] = out.index.try_emplace(node.response_key(), out.groups.size());
      if (fresh) out.groups.emplace_back(node.response_key(), Group{});
      out.groups[at->second].second.push_back({parent, &node, parent ? parent->field(node.name) : nullptr});
    } else if (node.kind == SelectionNode::Kind::inline_fragment) {
      collect(node.type_condition.empty() ? parent : schema_.type(node.type_condition), node.selections, out);
    } else if (std::ranges::find(out.spreads, node.name) == out.spreads.end()) {
      out.spreads.push_back(node.name);
    }
  }
}

void OverlapRule::among(const Fields& fields, Conflicts& out) {
  for (const auto& [key, group] : fields.groups) {
    for (std::size_t i = 0; i < group.size(); ++i) {
      for (std::size_t j = i + 1; j < group.size() && !exhausted(); ++j) compare(false, key, group[i], group[j], out);
    }
  }
}

void OverlapRule::between(bool exclusive, const Fields& a, const Fields& b, Conflicts& out) {
  for (const auto& [key, group] : a.groups) {
    if (!spend(1)) return;
    const auto other = b.index.find(key);
    if (other == b.index.end()) continue;
    for (const Field& one : group) {
      for (const Field& two : b.groups[other->second].second) {
        if (exhausted()) return;
        compare(exclusive, key, one, two, out);
      }
    }
  }
}

/// Fields against those of a fragment and of all that it spreads.
void OverlapRule::with_fragment(bool exclusive, Fields& fields, std::string_view fragment, Conflicts& out) {
  if (!spend(1) || fields.groups.empty()) return;
  const auto [known, fresh] = fields.compared_to.try_emplace(fragment, exclusive);
  if (!fresh && (!known->second || exclusive)) return;
  known->second = exclusive;
  Fields* other = fields_of(fragment);
  if (!other || other == &fields) return;
  between(exclusive, fields, *other, out);
  for (const std::string_view spread : other->spreads) with_fragment(exclusive, fields, spread, out);
}

/// Two fragments that are spread side by side, with all that they spread.
void OverlapRule::fragments(bool exclusive, std::string_view a, std::string_view b, Conflicts& out) {
  if (!spend(2) || a == b) return;
  const auto known = compared_.find(std::minmax(a, b));
  if (known != compared_.end() && (exclusive || !known->second)) return;
  compared_[std::minmax(a, b)] = exclusive;
  Fields* one = fields_of(a);
  Fields* two = fields_of(b);
  if (!one || !two) return;
  between(exclusive, *one, *two, out);
  for (const std::string_view spread : two->spreads) fragments(exclusive, a, spread, out);
  for (const std::string_view spread : one->spreads) fragments(exclusive, spread, b, out);
}

/// `exclusive`: the two can never meet in one answer, so they may differ in name and arguments, but not in shape.
void OverlapRule::compare(bool exclusive, std::string_view key, const Field& a, const Field& b, Conflicts& out) {
  if (!spend(2)) return;
  exclusive = exclusive || (a.parent != b.parent && are_objects(a.parent, b.parent));
  const Type* type_a = a.def ? a.def->type : nullptr;
  const Type* type_b = b.def ? b.def->type : nullptr;
  const bool same_name = a.node->name == b.node->name;
  const bool same_type_of_both = type_a && type_b ? same_type(*type_a, *type_b) : type_a == type_b;
  if (same_name && is_plain(*a.node) && is_plain(*b.node) && same_type_of_both) return;
  std::string reason;
  if (!exclusive && !same_name) {
    reason = "\"" + abbreviated(std::string(a.node->name)) + "\" and \"" + abbreviated(std::string(b.node->name)) +
             "\" are different fields";
  } else if (!exclusive && !same_arguments(*a.node, *b.node)) {
    reason = "they have differing arguments";
  } else if (type_a && type_b && shapes_differ(*type_a, *type_b)) {
    reason = "they return conflicting types \"" + type_a->text() + "\" and \"" + type_b->text() + "\"";
  }
  if (!reason.empty()) {
    out.push_back({key, std::move(reason), {a.node}, {b.node}});
    return;
  }
  if (!a.node->has_selections || !b.node->has_selections) return;
  if (++depth_ > kDepthMax) spend(budget_ + 1);
  const Conflicts inner = below(exclusive, a, b);
  --depth_;
  if (inner.empty()) return;
  FieldConflict outer{key, {}, {a.node}, {b.node}};
  for (const FieldConflict& conflict : inner) {
    if (!outer.reason.empty()) outer.reason += " and ";
    outer.reason += "subfields \"" + abbreviated(std::string(conflict.key)) + "\" conflict because " + conflict.reason;
    if (outer.reason.size() > kDetailMax) break;
  }
  outer.reason = abbreviated(std::move(outer.reason));
  const auto add = [&](std::vector<const SelectionNode*>& to, const std::vector<const SelectionNode*>& from) {
    const std::size_t count = std::min(kNodesMax - to.size(), from.size());  // the deepest tell most
    to.insert(to.end(), from.end() - static_cast<std::ptrdiff_t>(count), from.end());
  };
  for (const FieldConflict& conflict : inner) add(outer.first, conflict.first);
  for (const FieldConflict& conflict : inner) add(outer.second, conflict.second);
  out.push_back(std::move(outer));
}

/// What conflicts between the selections of two fields that become one.
OverlapRule::Conflicts OverlapRule::below(bool exclusive, const Field& a, const Field& b) {
  const auto type_below = [](const Field& field) { return field.def ? &field.def->type->named() : nullptr; };
  Fields& one = fields_of(type_below(a), a.node->selections);
  Fields& two = fields_of(type_below(b), b.node->selections);
  Conflicts out;
  between(exclusive, one, two, out);
  for (const std::string_view spread : two.spreads) with_fragment(exclusive, one, spread, out);
  for (const std::string_view spread : one.spreads) with_fragment(exclusive, two, spread, out);
  for (const std::string_view first : one.spreads) {
    for (const std::string_view second : two.spreads) fragments(exclusive, first, second, out);
  }
  return out;
}

bool OverlapRule::same_arguments(const SelectionNode& a, const SelectionNode& b) {
  if (a.arguments.size() != b.arguments.size()) return false;
  if (a.arguments.empty()) return true;
  const Arguments& wanted = arguments(b);
  return std::ranges::all_of(arguments(a), [&](const auto& argument) {
    spend(1);
    // Of two arguments with one name, which is an error of its own, the last counts.
    const auto found =
        std::find_if(wanted.rbegin(), wanted.rend(), [&](const auto& other) { return other.first == argument.first; });
    return found != wanted.rend() && found->second == argument.second;
  });
}

/// Equal values have one number, so that a long one is looked at once however often it is compared.
const OverlapRule::Arguments& OverlapRule::arguments(const SelectionNode& node) {
  const auto [known, fresh] = arguments_.try_emplace(&node);
  if (!fresh) return known->second;
  for (const ArgumentNode& argument : node.arguments) {
    std::string key;
    write_key(key, argument.value);
    known->second.emplace_back(argument.name, values_.try_emplace(std::move(key), values_.size()).first->second);
  }
  return known->second;
}

}  // namespace penstock::graphql
