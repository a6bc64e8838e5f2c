#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "graphql/value.h"

namespace penstock::graphql {

class Execution;
struct PlannedField;
struct Type;

/// Takes the value of one field straight into the answer. A resolver calls one of its functions, once; a field that
/// nothing was written to is null. A value that does not fit the field's type is an error of the field (a number out of
/// range) or aborts (text for an object: a mistake in the program). Lives for one call.
class Sink {
 public:
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  void boolean(bool value);
  void integer(std::int64_t value);
  void real(double value);
  /// A string, an ID, the name of an enum value, or what a custom scalar shows.
  void text(std::string_view value);
  void json(const json::Value& value);
  void error(const FieldError& error);

  /// What the resolvers of `type` read; it has to last for this call only. A `revision` other than 0 names a state of
  /// an object: whenever it comes again with this type, the fields declared stable have the values that they had. What
  /// was written for it before may then be written again.
  void object(const TypeDef& type, const void* object, std::uint64_t revision = 0);

  /// One element for each item: each(item, sink).
  template <class Items, class Each>
  void list(const Items& items, Each each) {
    begin_list();
    int index = 0;
    for (const auto& item : items) {
      if (!list_ok_) break;
      Sink inner(*this, index++);
      each(item, inner);
      list_ok_ = inner.end_item();
    }
    end_list();
  }

  void put(const Value& value);

 private:
  friend class Execution;
  Sink(Execution& execution, const Type& type, const PlannedField& field);
  Sink(Sink& list, int index);
  bool open();
  void cannot(std::string_view what, std::string_view shown);
  void put_list(const ListValue& items);
  void begin_list();
  bool end_item();
  void end_list();

  Execution& execution_;
  const Type& type_;  // may be non-null
  const PlannedField& field_;
  std::size_t start_;          // where the value begins in the answer
  std::size_t errors_before_;  // to tell a null without a reason
  bool present_ = false;
  bool list_ok_ = true;
};

}  // namespace penstock::graphql
