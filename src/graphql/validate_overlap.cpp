#include <algorithm>

#include "graphql/validator.h"

namespace penstock::graphql {
namespace {

bool same_arguments(const SelectionNode& a, const SelectionNode& b) {
  if (a.arguments.size() != b.arguments.size()) return false;
  return std::ranges::all_of(a.arguments, [&](const ArgumentNode& argument) {
    const auto other = std::ranges::find(b.arguments, argument.name, &ArgumentNode::name);
    return other != b.arguments.end() && print(argument.value) == print(other->value);
  });
}

/// Whether two results would have different shapes, whatever their objects turn out to be.
bool shapes_differ(const Type& a, const Type& b) {
  if (a.is_non_null() || b.is_non_null()) {
    return a.is_non_null() != b.is_non_null() || shapes_differ(*a.of, *b.of);
  }
  if (a.is_list() || b.is_list()) return a.is_list() != b.is_list() || shapes_differ(*a.of, *b.of);
  return (a.def->is_leaf() || b.def->is_leaf()) && a.def != b.def;
}

FieldConflict conflict_of(const std::string& key, const FieldEntry& a, const FieldEntry& b, std::string reason) {
  return {key, std::move(reason), {a.node->at}, {b.node->at}};
}

std::vector<SelectionSet> below(const std::vector<FieldEntry>& entries) {
  std::vector<SelectionSet> sets;
  for (const FieldEntry& entry : entries) {
    if (entry.node->has_selections && entry.def) sets.push_back({&entry.def->type->named(), &entry.node->selections});
  }
  return sets;
}

}  // namespace

/// Fields of one response key must be one field. Instead of every pair, each group is held against its first field, and
/// the selections below a group are merged and looked at once, so the work grows with the document and not with its
/// square.
void Validator::fields_can_merge(const SelectionSet& set) {
  FieldConflict conflict;
  if (find_conflict({set}, false, conflict)) {
    std::vector<Location> at = conflict.first;
    at.insert(at.end(), conflict.second.begin(), conflict.second.end());
    refuse("Fields \"" + conflict.key + "\" conflict because " + conflict.reason +
               ". Use different aliases on the fields to fetch both if this was intentional.",
           std::move(at));
  }
}

void Validator::collect(const SelectionSet& set, Groups& groups,
                        std::unordered_map<std::string_view, std::size_t>& index,
                        std::set<std::string_view>& visited) {
  for (const SelectionNode& node : *set.selections) {
    if (++visited_selections_ > limits_.selections_max) {
      if (visited_selections_ == limits_.selections_max + 1) {
        refuse("The document selects more than " + std::to_string(limits_.selections_max) + " fields.", node.at);
      }
      return;
    }
    if (node.kind == SelectionNode::Kind::field) {
      const auto [at, fresh] = index.try_emplace(node.response_key(), groups.size());
      if (fresh) groups.emplace_back(std::string(node.response_key()), std::vector<FieldEntry>{});
      groups[at->second].second.push_back({set.parent, &node, schema_.field(*set.parent, node.name)});
    } else if (node.kind == SelectionNode::Kind::inline_fragment) {
      const TypeDef* type = node.type_condition.empty() ? set.parent : schema_.type(node.type_condition);
      collect({type, &node.selections}, groups, index, visited);
    } else if (visited.insert(node.name).second) {
      const FragmentNode& fragment = *fragment_named(node.name);
      collect({schema_.type(fragment.type_condition), &fragment.selections}, groups, index, visited);
    }
  }
}

bool Validator::find_conflict(const std::vector<SelectionSet>& sets, bool shapes_only, FieldConflict& conflict) {
  Groups groups;
  std::unordered_map<std::string_view, std::size_t> index;
  std::set<std::string_view> visited;
  for (const SelectionSet& set : sets) collect(set, groups, index, visited);
  return std::ranges::any_of(groups, [&](const auto& group) {
    return group_conflict(group.first, group.second, shapes_only, conflict);
  });
}

bool Validator::group_conflict(const std::string& key, const std::vector<FieldEntry>& group, bool shapes_only,
                               FieldConflict& conflict) {
  const auto look_below = [&](const std::vector<FieldEntry>& entries, bool only_shapes) {
    const auto sets = below(entries);
    FieldConflict inner;
    if (sets.empty() || !find_conflict(sets, only_shapes, inner)) return false;
    if (entries.size() == 1) {
      conflict = std::move(inner);
      return true;
    }
    conflict = conflict_of(key, entries.front(), entries.back(), "subfields \"" + inner.key + "\" conflict because " + inner.reason);
    conflict.first.insert(conflict.first.end(), inner.first.begin(), inner.first.end());
    conflict.second.insert(conflict.second.end(), inner.second.begin(), inner.second.end());
    return true;
  };
  const FieldEntry& first = group.front();
  if (!shapes_only) {
    // Fields of two different object types never meet in one answer; all others may.
    std::vector<const TypeDef*> objects;
    for (const FieldEntry& entry : group) {
      const bool object = entry.parent->kind == TypeKind::object;
      if (object && std::ranges::find(objects, entry.parent) == objects.end()) objects.push_back(entry.parent);
    }
    if (objects.empty()) objects.push_back(first.parent);
    for (const TypeDef* object : objects) {
      std::vector<FieldEntry> meet;
      for (const FieldEntry& entry : group) {
        if (entry.parent == object || entry.parent->kind != TypeKind::object) meet.push_back(entry);
      }
      for (const FieldEntry& entry : meet) {
        if (entry.node->name != meet.front().node->name) {
          conflict = conflict_of(key, meet.front(), entry,
                                 "\"" + std::string(meet.front().node->name) + "\" and \"" + std::string(entry.node->name) + "\" are different fields");
          return true;
        }
        if (!same_arguments(*meet.front().node, *entry.node)) {
          conflict = conflict_of(key, meet.front(), entry, "they have differing arguments");
          return true;
        }
      }
      if (look_below(meet, false)) return true;
    }
    const bool one_parent = std::ranges::all_of(group, [&](const FieldEntry& e) { return e.parent == first.parent; });
    if (one_parent) return false;  // equal names and arguments on one type: equal shapes
  }
  for (const FieldEntry& entry : group) {
    if (entry.def && first.def && shapes_differ(*first.def->type, *entry.def->type)) {
      conflict = conflict_of(key, first, entry, "they return conflicting types \"" + first.def->type->text() + "\" and \"" + entry.def->type->text() + "\"");
      return true;
    }
  }
  return look_below(group, true);
}

}  // namespace penstock::graphql
