#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "graphql/coerce.h"

namespace penstock::graphql {

struct Selection;

/// The fields of one response key, merged.
struct PlannedField {
  const TypeDef* parent = nullptr;
  const FieldDef* def = nullptr;
  std::string_view key;
  std::string prefix;                       // of the member in an answer: the key with quotes and colon
  std::vector<const SelectionNode*> nodes;  // in the order of the document; never empty

  /// What is selected below, for each object type that was met. Filled while requests run.
  mutable std::vector<std::pair<const TypeDef*, std::unique_ptr<const Selection>>> below;
};

/// What is selected on objects of one type.
struct Selection {
  std::vector<PlannedField> fields;
  std::size_t looked_at = 0;  // selections, for the bound on what a request may cost
  bool fixed = true;          // no directive decided about it, so it is the same for every request
  bool stable = true;         // fixed, and so is every field's value for one revision of an object
};

/// Whether a selection that has directives is wanted. Nothing: it cannot be told, and there is an error for it.
using Included = std::function<std::optional<bool>(const SelectionNode&)>;

/// The tokens of a text with the values of numbers and strings left out. Texts of one shape differ in these values, in
/// white space and in comments only.
struct Shape {
  std::string key;
  std::vector<Literal> literals;
};

/// A text's shape; nothing when the lexer refuses it. The text must outlive the literals.
std::optional<Shape> shape_of(std::string_view text, const Limits& limits);

/// Finds the tokens of one text in another of the same shape: a plan's errors, where the request's own text has them.
class Places {
 public:
  /// Both texts must outlive this.
  Places(std::string_view from, std::string_view to, const Limits& limits) : from_(from), to_(to), limits_(limits) {}

  Location moved(Location at);

 private:
  std::string_view from_;
  std::string_view to_;
  const Limits& limits_;
  std::vector<Location> from_places_;  // of all tokens; both are empty until the first question
  std::vector<Location> to_places_;
};

/// A document that is parsed and valid, with what can be worked out before its values are known. Many requests share
/// it, all on one thread.
class Plan {
 public:
  /// Parses and validates. Errors carry kParseFailed or kValidationFailed.
  static std::variant<std::shared_ptr<const Plan>, std::vector<GraphqlError>> make(const Schema& schema,
                                                                                   const Limits& limits,
                                                                                   const Leniency& leniency,
                                                                                   std::string text);

  const Schema& schema() const { return schema_; }
  const std::string& text() const { return text_; }

  /// Whether texts of the same shape are valid too, whatever their literals are (Int literals beyond nine digits
  /// excepted). False when the schema or the rules look at the literals themselves.
  bool serves_shape() const { return serves_shape_; }

  /// The operation to run. Errors: kOperationResolution.
  tl::expected<const OperationNode*, GraphqlError> operation(const std::string* name) const;
  const std::vector<const Type*>& variable_types(const OperationNode& operation) const;

  /// What an operation selects. The plan keeps it when it is fixed; otherwise it is made in `own`. Null: it cannot be
  /// told.
  const Selection* root(const OperationNode& operation, const Included& included, Selection& own) const;
  /// What a field selects on objects of `type`, in the same way.
  const Selection* below(const PlannedField& field, const TypeDef& type, const Included& included,
                         Selection& own) const;

  /// What was written for a revision of an object before, for a stable selection of this plan; null: nothing is known.
  const std::string* written(const Selection& selection, std::uint64_t revision) const;
  void remember(const Selection& selection, std::uint64_t revision, std::string_view written) const;

 private:
  struct Collecting;
  Plan(const Schema& schema, std::string text) : schema_(schema), text_(std::move(text)) {}
  void finish();
  bool looks_at(const Type& type, const ValueNode& node) const;
  bool looks_at(const std::vector<InputValueDef>& defs, const std::vector<ArgumentNode>& nodes) const;
  bool looks_at(const std::vector<DirectiveNode>& nodes) const;
  bool looks_at(const TypeDef& parent, const std::vector<SelectionNode>& nodes,
                std::unordered_map<std::string_view, int>& keys) const;
  bool collect(const TypeDef& type, const std::vector<SelectionNode>& nodes, Collecting& state) const;
  bool keeps(const Selection& selection) const;

  const Schema& schema_;
  std::string text_;  // the tree points into it
  Document document_;
  std::unordered_map<std::string_view, const FragmentNode*> fragments_;
  TypePool types_;
  std::unordered_map<const OperationNode*, std::vector<const Type*>> variable_types_;
  bool serves_shape_ = false;
  mutable std::unordered_map<const OperationNode*, std::unique_ptr<const Selection>> roots_;
  struct WrittenKey {
    const Selection* selection;
    std::uint64_t revision;

    friend bool operator==(const WrittenKey&, const WrittenKey&) = default;
  };
  struct WrittenHash {
    std::size_t operator()(const WrittenKey& key) const noexcept {
      return std::hash<std::uint64_t>{}(key.revision) ^ std::hash<const void*>{}(key.selection);
    }
  };
  mutable std::unordered_map<WrittenKey, std::string, WrittenHash> written_;  // starts afresh when it is full
  mutable std::size_t written_bytes_ = 0;
  mutable std::size_t kept_ = 0;  // fields and spreads in the selections kept
};

}  // namespace penstock::graphql
