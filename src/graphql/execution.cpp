#include "graphql/execution.h"

#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace penstock::graphql {

Execution::Execution(const Plan& plan, const OperationNode& operation, const Variables& variables, const Limits& limits,
                     Places* places)
    : plan_(plan),
      variables_(variables),
      limits_(limits),
      places_(places),
      included_([this](const SelectionNode& node) { return included(node); }) {
  root_ = plan.root(operation, included_, own_root_);
  data_is_null_ = !root_;
  if (!root_) {
    own_root_.fields.clear();
    root_ = &own_root_;
  }
  resolved_ += root_->looked_at;
}

/// Nothing when a directive has no value to go by; there is an error for it then.
std::optional<bool> Execution::included(const SelectionNode& node) {
  for (const DirectiveNode& directive : node.directives) {
    if (directive.name != "skip" && directive.name != "include") continue;
    const auto args =
        read_arguments(plan_.schema().directive(directive.name)->args, directive.arguments, directive.at, variables_);
    if (!args) {
      refuse(args.error().message, args.error().code, args.error().locations);
      return std::nullopt;
    }
    const bool condition = *args->find("if")->as_bool();
    if (condition == (directive.name == "skip")) return false;
  }
  return true;
}

const Args* Execution::root_arguments(const PlannedField& field) {
  path_.assign(1, {field.key, 0});
  return arguments(field);
}

/// The arguments of a field, read once however many objects it is selected on. Null: refused, with an error.
const Args* Execution::arguments(const PlannedField& field) {
  static const Args kNone;
  const FieldDef& def = *field.def;
  if (def.args.empty()) return &kNone;
  const SelectionNode& node = *field.nodes.front();
  auto known = known_args_.find({&node, &def});
  if (known == known_args_.end()) {
    auto read = read_arguments(def.args, node.arguments, node.at, variables_);
    known = known_args_.emplace(std::pair(&node, &def), std::move(read)).first;
  }
  const auto& args = known->second;
  if (args) return &*args;
  refuse(args.error().message, args.error().code, args.error().locations);
  return nullptr;
}

void Execution::refuse(std::string message, std::string code, std::vector<Location> at) {
  if (errors_.size() >= limits_.errors_max) return;
  if (places_) {
    for (Location& place : at) place = places_->moved(place);
  }
  std::vector<PathStep> path;
  for (const Step& step : path_) {
    path.push_back(step.key.empty() ? PathStep(step.index) : PathStep(std::string(step.key)));
  }
  errors_.push_back({std::move(message), std::move(at), std::move(path), std::move(code)});
}

void Execution::refuse(std::string message, std::string_view code, const PlannedField& field) {
  constexpr std::size_t kPlacesMax = 10;
  std::vector<Location> at;
  for (std::size_t i = 0; i < field.nodes.size() && i < kPlacesMax; ++i) at.push_back(field.nodes[i]->at);
  refuse(std::move(message), std::string(code), std::move(at));
}

// ---------------------------------------------------------------- objects and roots

void Execution::put_key(const PlannedField& field) {
  if (data_.back() != '{') data_ += ',';
  data_ += field.prefix;
}

/// False: the object cannot be had, and there is an error for it, or the answer is too large.
bool Execution::write_object(const TypeDef& type, const void* object, std::uint64_t revision,
                             const PlannedField& field) {
  Selection own;
  const Selection* selected = plan_.below(field, type, included_, own);
  if (!selected) return false;
  resolved_ += selected->looked_at;
  if (too_large()) return false;
  const bool remembers = revision != 0 && selected->stable && selected != &own;
  if (const std::string* known = remembers ? plan_.written(*selected, revision) : nullptr) {
    data_ += *known;
    return true;
  }
  const std::size_t start = data_.size();
  const std::size_t errors_before = errors_.size();
  if (!write_members(type, object, *selected)) return false;
  if (remembers && errors_.size() == errors_before && !large_) {
    plan_.remember(*selected, revision, std::string_view(data_).substr(start));
  }
  return true;
}

bool Execution::write_members(const TypeDef& type, const void* object, const Selection& selected) {
  data_ += '{';
  for (const PlannedField& member : selected.fields) {
    path_.push_back({member.key, 0});
    const bool fine = resolve(type, object, member);
    path_.pop_back();
    if (!fine) return false;
  }
  data_ += '}';
  return true;
}

/// Writes one member of an object. False: it is null where it must not be, and the object becomes null.
bool Execution::resolve(const TypeDef& type, const void* object, const PlannedField& field) {
  if (too_large()) return false;
  const Args* args = arguments(field);
  if (!args) return write_refused(field);
  put_key(field);
  Sink sink(*this, *field.def->type, field);
  if (field.def->resolve) {
    field.def->resolve(object, *args, sink);
  } else if (field.def->name == "__typename") {
    sink.text(type.name);
  }
  return settle(sink);
}

/// A field whose arguments were refused: the error is there already.
bool Execution::write_refused(const PlannedField& field) {
  put_key(field);
  data_ += "null";
  return !field.def->type->is_non_null();
}

/// Makes a null of a value that is not there. False: it must not be null.
bool Execution::settle(const Sink& sink) {
  if (sink.present_) return true;
  data_.resize(sink.start_);
  if (!sink.type_.is_non_null()) {
    data_ += "null";
    return true;
  }
  if (errors_.size() == sink.errors_before_ && !too_large()) {
    const PlannedField& field = sink.field_;
    refuse("Cannot return null for non-nullable field " + field.parent->name + "." + field.def->name + ".", kInternal,
           field);
  }
  return false;
}

void Execution::write_root(const PlannedField& field, const std::function<void(Sink&)>& write) {
  path_.assign(1, {field.key, 0});
  put_key(field);
  Sink sink(*this, *field.def->type, field);
  write(sink);
  end_root(field, settle(sink));
}

void Execution::refuse_root(const PlannedField& field) {
  end_root(field, write_refused(field));
}

void Execution::end_root(const PlannedField& field, bool fine) {
  if (!fine) data_is_null_ = true;
  if (!too_large()) return;
  data_is_null_ = true;
  const bool many = resolved_ > limits_.resolved_max;
  const std::string most = std::to_string(many ? limits_.resolved_max : limits_.answer_bytes_max);
  refuse("The answer has more than " + most + (many ? " fields." : " bytes."), kBadUserInput, field);
}

std::string Execution::finish() {
  if (data_is_null_) {
    data_ = "{\"data\":null}";
  } else {
    data_ += "}}";
  }
  if (errors_.empty()) return std::move(data_);
  std::string out = "{\"errors\":";
  write_errors(out, errors_);
  out += ',';
  out.append(data_, 1);
  return out;
}

// ---------------------------------------------------------------- values

Sink::Sink(Execution& execution, const Type& type, const PlannedField& field)
    : execution_(execution),
      type_(type),
      field_(field),
      start_(execution.data_.size()),
      errors_before_(execution.errors_.size()) {}

/// An element of a list.
Sink::Sink(Sink& list, int index) : Sink(list.execution_, *list.type_.nullable()->of, list.field_) {
  if (index > 0) execution_.data_ += ',';
  start_ = execution_.data_.size();
  execution_.path_.push_back({{}, index});
  ++execution_.resolved_;
}

/// False: the answer is too large for another value.
bool Sink::open() {
  ENSURE(!present_ && execution_.data_.size() == start_);
  return !execution_.too_large();
}

void Sink::cannot(std::string_view what, std::string_view shown) {
  std::string message(what);
  message += shown;
  execution_.refuse(std::move(message), kInternal, field_);
}

void Sink::boolean(bool value) {
  if (!open()) return;
  ENSURE(type_.nullable()->def && type_.nullable()->def->is_leaf());
  execution_.data_ += value ? "true" : "false";
  present_ = true;
}

void Sink::integer(std::int64_t value) {
  if (!open()) return;
  const TypeDef* type = type_.nullable()->def;
  ENSURE(type && type->is_leaf());
  const bool fits = value <= INT32_MAX && value >= INT32_MIN;
  if (type->builtin == Builtin::int_type && !fits) {
    return cannot("Int cannot represent non 32-bit signed integer value: ", std::to_string(value));
  }
  const bool quoted = type->builtin == Builtin::string_type || type->builtin == Builtin::id_type;
  char shown[24];
  const char* end = std::to_chars(shown, shown + sizeof shown, value).ptr;
  if (quoted) execution_.data_ += '"';
  execution_.data_.append(shown, static_cast<std::size_t>(end - shown));
  if (quoted) execution_.data_ += '"';
  present_ = true;
}

void Sink::real(double value) {
  if (!open()) return;
  const TypeDef* type = type_.nullable()->def;
  ENSURE(type && type->is_leaf());
  const std::string shown = fmt::format("{}", value);
  if (type->builtin == Builtin::int_type) return cannot("Int cannot represent non-integer value: ", shown);
  if (!std::isfinite(value)) return cannot(type->name + " cannot represent non numeric value: ", shown);
  execution_.data_ += shown;
  present_ = true;
}

void Sink::text(std::string_view value) {
  if (!open()) return;
  const TypeDef* type = type_.nullable()->def;
  ENSURE(type && type->is_leaf());
  if (type->kind == TypeKind::enum_type && !type->has_value(value)) {
    return cannot("Enum \"" + type->name + "\" cannot represent value: ", "\"" + std::string(value) + "\"");
  }
  json::write_string(execution_.data_, value);
  present_ = true;
}

void Sink::json(const json::Value& value) {
  if (value.is_null() || !open()) return;
  ENSURE(type_.nullable()->def && type_.nullable()->def->is_leaf());
  execution_.data_ += json::write(value);
  present_ = true;
}

void Sink::error(const FieldError& error) {
  if (open()) execution_.refuse(error.message, error.code, field_);
}

void Sink::object(const TypeDef& type, const void* object, std::uint64_t revision) {
  if (!open()) return;
  const TypeDef* wanted = type_.nullable()->def;
  ENSURE(wanted && wanted->is_composite() && wanted->can_be(type));
  present_ = execution_.write_object(type, object, revision, field_);
}

void Sink::begin_list() {
  ENSURE(type_.nullable()->is_list());
  list_ok_ = open();
  if (list_ok_) execution_.data_ += '[';
}

bool Sink::end_item() {
  const bool fine = execution_.settle(*this);
  execution_.path_.pop_back();
  return fine;
}

void Sink::end_list() {
  if (!list_ok_) return;
  execution_.data_ += ']';
  present_ = true;
}

void Sink::put(const Value& value) {
  if (const auto* failed = value.as_error()) return error(*failed);
  if (const auto* word = value.as_string()) return text(*word);
  if (const auto* number = value.as_int()) return integer(*number);
  if (const auto* yes = value.as_bool()) return boolean(*yes);
  if (const auto* number = value.as_double()) return real(*number);
  if (const auto* items = value.as_list()) {
    return list(*items, [](const Value& item, Sink& sink) { sink.put(item); });
  }
  if (const auto* raw = value.as_json()) return json(*raw);
  if (const auto* held = value.as_object()) {
    ENSURE(held->type);
    return object(*held->type, held->object.get());
  }
}

}  // namespace penstock::graphql
