#include <algorithm>

#include "graphql/validator.h"

namespace penstock::graphql {
namespace {

template <class Node>
std::vector<const Node*> by_name(const std::vector<Node>& nodes) {
  std::vector<const Node*> out;
  for (const Node& node : nodes) out.push_back(&node);
  std::ranges::sort(out, {}, [](const Node* node) { return node->name; });
  return out;
}

bool same_value(const ValueNode& a, const ValueNode& b);
bool same_value(const std::unique_ptr<ValueNode>& a, const std::unique_ptr<ValueNode>& b) {
  return same_value(*a, *b);
}

/// Arguments, or fields of an object, in any order. Sizes first: the work is bounded by the smaller of the two.
template <class Node>
bool same_named(const std::vector<Node>& a, const std::vector<Node>& b) {
  return a.size() == b.size() && std::ranges::equal(by_name(a), by_name(b), [](const Node* x, const Node* y) {
           return x->name == y->name && same_value(x->value, y->value);
         });
}

bool same_value(const ValueNode& a, const ValueNode& b) {
  const auto same_item = [](const ValueNode& x, const ValueNode& y) { return same_value(x, y); };
  if (a.kind != b.kind || a.block != b.block) return false;
  if (a.kind == ValueNode::Kind::list) return std::ranges::equal(a.items, b.items, same_item);
  if (a.kind == ValueNode::Kind::object) return same_named(a.fields, b.fields);
  return a.kind == ValueNode::Kind::string ? a.string == b.string : a.text == b.text;
}

/// Whether two results would have different shapes, whatever their objects turn out to be.
bool shapes_differ(const Type& a, const Type& b) {
  if (a.is_non_null() || b.is_non_null()) {
    return a.is_non_null() != b.is_non_null() || shapes_differ(*a.of, *b.of);
  }
  if (a.is_list() || b.is_list()) return a.is_list() != b.is_list() || shapes_differ(*a.of, *b.of);
  return (a.def->is_leaf() || b.def->is_leaf()) && a.def != b.def;
}

FieldConflict conflict_of(const FieldEntry& a, const FieldEntry& b, std::string reason) {
  return {a.node->response_key(), std::move(reason), {a.node->at}, {b.node->at}, a.set, b.set};
}

/// The fields of a group that can meet in one answer, as often as they can: fields of two different object types never
/// meet, all others may.
std::vector<std::vector<FieldEntry>> that_meet(const std::vector<FieldEntry>& group) {
  std::vector<const TypeDef*> objects;
  for (const FieldEntry& entry : group) {
    const bool object = entry.parent->kind == TypeKind::object;
    if (object && std::ranges::find(objects, entry.parent) == objects.end()) objects.push_back(entry.parent);
  }
  if (objects.size() < 2) return {group};
  std::vector<std::vector<FieldEntry>> out;
  for (const TypeDef* object : objects) {
    out.emplace_back();
    for (const FieldEntry& entry : group) {
      if (entry.parent == object || entry.parent->kind != TypeKind::object) out.back().push_back(entry);
    }
  }
  return out;
}

}  // namespace

/// Fields of one response key must be one field. Instead of every pair, each group is held against its first field, and
/// the selections below a group are merged and looked at once, so the work grows with the document and not with its
/// square. One conflict of an operation is reported, not all.
void Validator::fields_can_merge(const SelectionSet& set) {
  Conflict conflict = find_conflict({set}, false);
  if (!conflict) return;
  std::vector<Location> at = std::move(conflict->first);
  at.insert(at.end(), conflict->second.begin(), conflict->second.end());
  refuse("Fields \"" + std::string(conflict->key) + "\" conflict because " + conflict->reason +
             ". Use different aliases on the fields to fetch both if this was intentional.",
         std::move(at));
}

void Validator::collect(const SelectionSet& set, std::size_t number, Groups& groups) {
  for (const SelectionNode& node : *set.selections) {
    if (++compared_ > limits_.comparisons_max) {
      stop("The document has more than " + std::to_string(limits_.comparisons_max) + " fields to compare.", {node.at});
    }
    if (node.kind == SelectionNode::Kind::field) {
      const auto [at, fresh] = groups.index.try_emplace(node.response_key(), groups.all.size());
      if (fresh) groups.all.emplace_back();
      groups.all[at->second].push_back({set.parent, &node, schema_.field(*set.parent, node.name), number});
    } else if (node.kind == SelectionNode::Kind::inline_fragment) {
      const TypeDef* type = node.type_condition.empty() ? set.parent : schema_.type(node.type_condition);
      collect({type, &node.selections}, number, groups);
    } else if (groups.visited.insert(node.name).second) {
      groups.spreads.push_back(&node);
    }
  }
}

Validator::Conflict Validator::find_conflict(const std::vector<SelectionSet>& sets, bool shapes_only) {
  Groups groups;
  for (std::size_t i = 0; i < sets.size(); ++i) {
    collect(sets[i], i, groups);
    for (std::size_t next = 0; next < groups.spreads.size(); ++next) {
      const FragmentNode& fragment = *fragment_named(groups.spreads[next]->name);
      collect({schema_.type(fragment.type_condition), &fragment.selections}, i, groups);
    }
    groups.spreads.clear();
  }
  for (const Group& group : groups.all) {
    if (!shapes_only) {
      if (auto conflict = field_conflict(group)) return conflict;
      const auto other_parent = [&](const FieldEntry& entry) { return entry.parent != group.front().parent; };
      if (std::ranges::none_of(group, other_parent)) continue;  // equal fields of one type: equal shapes
    }
    if (auto conflict = shape_conflict(group)) return conflict;
  }
  return std::nullopt;
}

/// Fields that meet must have one name and the same arguments, and so must what is below them.
Validator::Conflict Validator::field_conflict(const Group& group) {
  for (const Group& meet : that_meet(group)) {
    const FieldEntry& first = meet.front();
    for (const FieldEntry& entry : meet) {
      if (entry.node->name != first.node->name) {
        return conflict_of(first, entry,
                           "\"" + std::string(first.node->name) + "\" and \"" + std::string(entry.node->name) +
                               "\" are different fields");
      }
      if (!same_named(first.node->arguments, entry.node->arguments)) {
        return conflict_of(first, entry, "they have differing arguments");
      }
    }
    if (auto conflict = conflict_below(meet, false)) return conflict;
  }
  return std::nullopt;
}

/// Fields that never meet must still look alike in an answer.
Validator::Conflict Validator::shape_conflict(const Group& group) {
  const FieldEntry& first = group.front();
  for (const FieldEntry& entry : group) {
    const Type& one = *first.def->type;
    const Type& other = *entry.def->type;
    if (!shapes_differ(one, other)) continue;
    return conflict_of(first, entry,
                       "they return conflicting types \"" + one.text() + "\" and \"" + other.text() + "\"");
  }
  return conflict_below(group, true);
}

Validator::Conflict Validator::conflict_below(const Group& group, bool shapes_only) {
  std::vector<SelectionSet> sets;
  std::vector<const FieldEntry*> owners;
  for (const FieldEntry& entry : group) {
    if (!entry.node->has_selections) continue;
    sets.push_back({&entry.def->type->named(), &entry.node->selections});
    owners.push_back(&entry);
  }
  if (sets.empty()) return std::nullopt;
  Conflict inner = find_conflict(sets, shapes_only);
  if (!inner) return std::nullopt;
  const FieldEntry& first = *owners[inner->first_set];
  const FieldEntry& second = *owners[inner->second_set];
  if (&first == &second) {  // a conflict of its own, however many fields are merged here
    inner->first_set = inner->second_set = first.set;
    return inner;
  }
  FieldConflict outer =
      conflict_of(first, second, "subfields \"" + std::string(inner->key) + "\" conflict because " + inner->reason);
  outer.first.insert(outer.first.end(), inner->first.begin(), inner->first.end());
  outer.second.insert(outer.second.end(), inner->second.begin(), inner->second.end());
  return outer;
}

}  // namespace penstock::graphql
