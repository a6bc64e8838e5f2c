#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "graphql/limits.h"
#include "graphql/plan.h"
#include "graphql/sink.h"

namespace penstock::graphql {

/// Writes the answer of one request: takes the values of the root fields, resolves what is below them, and lets nulls
/// rise by the rules of the specification ("Handling Execution Errors").
class Execution {
 public:
  /// `places`: where the request's own text has what the plan's text has; null when they are one text. All must outlive
  /// this.
  Execution(const Plan& plan, const OperationNode& operation, const Variables& variables, const Limits& limits,
            Places* places);
  Execution(const Execution&) = delete;
  Execution& operator=(const Execution&) = delete;

  /// The root fields; empty also when it could not be told what is selected.
  const std::vector<PlannedField>& roots() const { return root_->fields; }
  /// The arguments of a root field. Null: refused, with an error.
  const Args* root_arguments(const PlannedField& field);

  /// One root field after the other, each once. After refuse_root() it is null: its arguments were refused.
  void write_root(const PlannedField& field, const std::function<void(Sink&)>& write);
  void refuse_root(const PlannedField& field);
  bool data_is_null() const { return data_is_null_; }

  /// `{"data":...}`, with `errors` in front when there are any. Once.
  std::string finish();

 private:
  friend class Sink;

  struct Step {
    std::string_view key;  // empty: an index
    int index = 0;
  };

  const Args* arguments(const PlannedField& field);
  std::optional<bool> included(const SelectionNode& node);
  void refuse(std::string message, std::string code, std::vector<Location> at);
  void refuse(std::string message, std::string_view code, const PlannedField& field);
  void put_key(const PlannedField& field);
  bool write_object(const TypeDef& type, const void* object, std::uint64_t revision, const PlannedField& field);
  bool write_members(const TypeDef& type, const void* object, const Selection& selected);
  bool resolve(const TypeDef& type, const void* object, const PlannedField& field);
  bool write_refused(const PlannedField& field);
  bool settle(const Sink& sink);
  void end_root(const PlannedField& field, bool fine);
  bool too_large() {
    large_ = large_ || resolved_ > limits_.resolved_max || data_.size() > limits_.answer_bytes_max;
    return large_;
  }

  const Plan& plan_;
  const Variables& variables_;
  const Limits& limits_;
  Places* places_;
  Included included_;
  Selection own_root_;
  const Selection* root_ = nullptr;
  std::map<std::pair<const SelectionNode*, const FieldDef*>, tl::expected<Args, GraphqlError>> known_args_;
  std::string data_ = "{\"data\":{";
  bool data_is_null_ = false;
  bool large_ = false;  // once reached, a bound stays reached while the text shrinks to nulls
  std::size_t resolved_ = 0;
  std::vector<GraphqlError> errors_;
  std::vector<Step> path_;
};

}  // namespace penstock::graphql
