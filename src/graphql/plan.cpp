#include "graphql/plan.h"

#include <algorithm>
#include <set>

#include "graphql/lexer.h"
#include "graphql/parser.h"
#include "graphql/validate.h"

namespace penstock::graphql {
namespace {

using Kind = ValueNode::Kind;

/// What stands for a token in the key: bytes that no token has.
constexpr char kNameMark = '\1';  // the name follows
constexpr char kIntMark = '\2';
constexpr char kFloatMark = '\3';
constexpr char kStringMark = '\4';
constexpr char kBlockMark = '\5';

/// Fields that one plan remembers in its selections; those of a larger document are worked out again for each request.
constexpr std::size_t kKeptMax = 2'000;

/// Of the objects that one plan remembers.
constexpr std::size_t kWrittenBytesMax = 512 * 1024;

bool has_literal(const ValueNode& node) {
  if (node.literal >= 0) return true;
  return std::ranges::any_of(node.items, has_literal) ||
         std::ranges::any_of(node.fields, [](const ObjectFieldNode& field) { return has_literal(*field.value); });
}

/// Of a text that the lexer accepts.
std::vector<Location> token_places(std::string_view text, const Limits& limits) {
  std::vector<Location> out;
  Lexer lexer(text, limits);
  for (Token token = lexer.next(); token.kind != TokenKind::end; token = lexer.next()) out.push_back(token.at);
  return out;
}

}  // namespace

Location Places::moved(Location at) {
  if (from_places_.empty()) {
    from_places_ = token_places(from_, limits_);
    to_places_ = token_places(to_, limits_);
    ENSURE(from_places_.size() == to_places_.size());
  }
  const auto place = [](const Location& one) { return std::pair(one.line, one.column); };
  const auto found = std::ranges::lower_bound(from_places_, place(at), {}, place);
  ENSURE(found != from_places_.end() && *found == at);
  return to_places_[static_cast<std::size_t>(found - from_places_.begin())];
}

std::optional<Shape> shape_of(std::string_view text, const Limits& limits) {
  Shape out;
  out.key.reserve(text.size());
  try {
    Lexer lexer(text, limits);
    for (Token token = lexer.next(); token.kind != TokenKind::end; token = lexer.next()) {
      switch (token.kind) {
        case TokenKind::name:
          out.key += kNameMark;
          out.key += token.text;
          continue;
        case TokenKind::int_value:
          out.key += kIntMark;
          break;
        case TokenKind::float_value:
          out.key += kFloatMark;
          break;
        case TokenKind::string:
          out.key += kStringMark;
          break;
        case TokenKind::block_string:
          out.key += kBlockMark;
          break;
        default:
          out.key += token.text;
          continue;
      }
      out.literals.push_back({token.text, std::move(token.value), token.kind == TokenKind::int_value});
    }
  } catch (const SyntaxError&) {
    return std::nullopt;
  }
  return out;
}

std::variant<std::shared_ptr<const Plan>, std::vector<GraphqlError>> Plan::make(const Schema& schema,
                                                                                const Limits& limits,
                                                                                const Leniency& leniency,
                                                                                std::string text) {
  std::shared_ptr<Plan> plan(new Plan(schema, std::move(text)));
  auto document = parse_document(plan->text_, limits);
  if (!document) return std::vector<GraphqlError>{std::move(document.error())};
  plan->document_ = std::move(*document);
  if (auto errors = validate(schema, plan->document_, limits, leniency); !errors.empty()) return errors;
  plan->finish();
  return std::shared_ptr<const Plan>(std::move(plan));
}

void Plan::finish() {
  for (const FragmentNode& node : document_.fragments) fragments_.emplace(node.name, &node);
  std::unordered_map<std::string_view, int> fragment_keys;
  serves_shape_ = true;
  for (const FragmentNode& node : document_.fragments) {
    const TypeDef& type = *schema_.type(node.type_condition);
    if (looks_at(node.directives) || looks_at(type, node.selections, fragment_keys)) serves_shape_ = false;
  }
  for (const OperationNode& node : document_.operations) {
    std::vector<const Type*>& types = variable_types_[&node];
    for (const VariableNode& variable : node.variables) {
      types.push_back(types_.type_of(schema_, variable.type));
      const bool looked = variable.default_value && looks_at(*types.back(), *variable.default_value);
      if (looked || looks_at(variable.directives)) serves_shape_ = false;
    }
    auto keys = fragment_keys;
    if (looks_at(node.directives) || looks_at(*schema_.root(node.type), node.selections, keys)) serves_shape_ = false;
  }
}

/// Whether a custom scalar checks a literal in this value.
bool Plan::looks_at(const Type& type, const ValueNode& node) const {
  const TypeDef& def = type.named();
  if (def.kind == TypeKind::scalar) return def.read_scalar && has_literal(node);
  if (def.kind != TypeKind::input_object) return false;
  const auto item = [&](const ValueNode& one) { return looks_at(type, one); };
  const auto field = [&](const ObjectFieldNode& one) { return looks_at(*def.input(one.name)->type, *one.value); };
  return std::ranges::any_of(node.items, item) || std::ranges::any_of(node.fields, field);
}

bool Plan::looks_at(const std::vector<InputValueDef>& defs, const std::vector<ArgumentNode>& nodes) const {
  return std::ranges::any_of(nodes, [&](const ArgumentNode& node) {
    return looks_at(*std::ranges::find(defs, node.name, &InputValueDef::name)->type, node.value);
  });
}

bool Plan::looks_at(const std::vector<DirectiveNode>& nodes) const {
  return std::ranges::any_of(
      nodes, [&](const DirectiveNode& node) { return looks_at(schema_.directive(node.name)->args, node.arguments); });
}

/// Also true when two fields of one response key have arguments with literals: whether they can be merged may depend
/// on these.
bool Plan::looks_at(const TypeDef& parent, const std::vector<SelectionNode>& nodes,
                    std::unordered_map<std::string_view, int>& keys) const {
  return std::ranges::any_of(nodes, [&](const SelectionNode& node) {
    if (looks_at(node.directives)) return true;
    const TypeDef* inner = &parent;
    if (node.kind == SelectionNode::Kind::field) {
      const FieldDef& def = *schema_.field(parent, node.name);
      const bool has = std::ranges::any_of(node.arguments, [](const auto& arg) { return has_literal(arg.value); });
      if ((has && ++keys[node.response_key()] > 1) || looks_at(def.args, node.arguments)) return true;
      inner = &def.type->named();
    } else if (!node.type_condition.empty()) {
      inner = schema_.type(node.type_condition);
    }
    return looks_at(*inner, node.selections, keys);
  });
}

tl::expected<const OperationNode*, GraphqlError> Plan::operation(const std::string* name) const {
  const auto refuse = [](std::string message) {
    return tl::unexpected<GraphqlError>({std::move(message), {}, {}, std::string(kOperationResolution)});
  };
  const OperationNode* found = nullptr;
  for (const OperationNode& node : document_.operations) {
    if (!name || node.name == *name) found = &node;
  }
  if (!found && name) return refuse("Unknown operation named \"" + *name + "\".");
  if (!found) return refuse("Must provide an operation.");
  if (!name && document_.operations.size() > 1) {
    return refuse("Must provide operation name if query contains multiple operations.");
  }
  return found;
}

const std::vector<const Type*>& Plan::variable_types(const OperationNode& operation) const {
  return variable_types_.at(&operation);
}

// ---------------------------------------------------------------- selections

struct Plan::Collecting {
  const Included& included;
  Selection& out;
  std::unordered_map<std::string_view, std::size_t> index = {};
  std::set<std::string_view> visited = {};  // fragments
};

/// False: it cannot be told what is selected.
bool Plan::collect(const TypeDef& type, const std::vector<SelectionNode>& nodes, Collecting& state) const {
  Selection& out = state.out;
  out.looked_at += nodes.size();
  const auto follow = [&](std::string_view condition, const std::vector<SelectionNode>& below) {
    const bool applies = condition.empty() || schema_.type(condition)->can_be(type);
    return !applies || collect(type, below, state);
  };
  for (const SelectionNode& node : nodes) {
    if (!node.directives.empty()) {
      out.fixed = out.stable = false;
      const std::optional<bool> wanted = state.included(node);
      if (!wanted) return false;
      if (!*wanted) continue;
    }
    bool fine = true;
    if (node.kind == SelectionNode::Kind::field) {
      const auto [at, fresh] = state.index.try_emplace(node.response_key(), out.fields.size());
      if (fresh) {
        const std::string_view key = node.response_key();
        const FieldDef* def = schema_.field(type, node.name);
        out.fields.push_back({&type, def, key, "\"" + std::string(key) + "\":", {}, {}});
        out.stable = out.stable && (def->stable || def->name == "__typename");
      }
      out.fields[at->second].nodes.push_back(&node);
    } else if (node.kind == SelectionNode::Kind::inline_fragment) {
      fine = follow(node.type_condition, node.selections);
    } else if (state.visited.insert(node.name).second) {
      const FragmentNode& fragment = *fragments_.at(node.name);
      fine = follow(fragment.type_condition, fragment.selections);
    }
    if (!fine) return false;
  }
  return true;
}

bool Plan::keeps(const Selection& selection) const {
  if (!selection.fixed || kept_ + selection.looked_at > kKeptMax) return false;
  kept_ += selection.looked_at;
  return true;
}

const Selection* Plan::root(const OperationNode& operation, const Included& included, Selection& own) const {
  if (const auto known = roots_.find(&operation); known != roots_.end()) return known->second.get();
  Collecting state{included, own};
  if (!collect(*schema_.root(operation.type), operation.selections, state)) return nullptr;
  if (!keeps(own)) return &own;
  return roots_.emplace(&operation, std::make_unique<const Selection>(std::move(own))).first->second.get();
}

const Selection* Plan::below(const PlannedField& field, const TypeDef& type, const Included& included,
                             Selection& own) const {
  for (const auto& [known, selection] : field.below) {
    if (known == &type) return selection.get();
  }
  Collecting state{included, own};
  for (const SelectionNode* node : field.nodes) {
    if (!collect(type, node->selections, state)) return nullptr;
  }
  if (!keeps(own)) return &own;
  return field.below.emplace_back(&type, std::make_unique<const Selection>(std::move(own))).second.get();
}

// ---------------------------------------------------------------- what was written before

const std::string* Plan::written(const Selection& selection, std::uint64_t revision) const {
  const auto found = written_.find({&selection, revision});
  return found == written_.end() ? nullptr : &found->second;
}

void Plan::remember(const Selection& selection, std::uint64_t revision, std::string_view written) const {
  constexpr std::size_t kEntryBytes = 80;
  const std::size_t bytes = written.size() + kEntryBytes;
  if (bytes > kWrittenBytesMax) return;
  if (written_bytes_ + bytes > kWrittenBytesMax) {
    written_.clear();
    written_bytes_ = 0;
  }
  written_bytes_ += bytes;
  written_.insert_or_assign({&selection, revision}, std::string(written));
}

}  // namespace penstock::graphql
