// Our side of the oracle: reads documents as JSON lines `{"query", "variables"?, "operationName"?}` and writes each
// answer as a line `{"printed", "answer"}`. Every document is asked plainly, and again through one plan cache: the two
// must be equal.
//
// oracle_driver SCHEMA DATA

#include <cmath>
#include <fstream>
#include <iostream>
#include <sstream>

#include <fmt/format.h>

#include "graphql/parser.h"
#include "graphql/plan_cache.h"
#include "graphql/print.h"

using namespace penstock;
using graphql::Args;
using graphql::Input;
using graphql::Sink;

namespace {

std::string content(const char* path) {
  std::ifstream file(path);
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

/// As JSON.stringify writes it.
void show(std::string& out, const Input& value) {
  constexpr double kPlainMax = 1e21;
  if (value.is_null()) out += "null";
  if (const auto* yes = value.as_bool()) out += *yes ? "true" : "false";
  if (const auto* number = value.as_int()) out += std::to_string(*number);
  if (const auto* real = value.as_double()) {
    const bool whole = *real == std::floor(*real) && std::abs(*real) < kPlainMax;
    out += whole ? fmt::format("{:.0f}", *real == 0 ? 0.0 : *real) : json::write(json::Value(*real));
  }
  if (const auto* text = value.as_string()) json::write_string(out, *text);
  if (const auto* items = value.as_list()) {
    out += '[';
    for (const Input& item : *items) {
      if (&item != &items->front()) out += ',';
      show(out, item);
    }
    out += ']';
  }
  if (const auto* fields = value.as_object()) {
    out += '{';
    for (const auto& field : *fields) {
      if (&field != &fields->front()) out += ',';
      json::write_string(out, field.name);
      out += ':';
      show(out, field.value);
    }
    out += '}';
  }
}

/// What a field with arguments shows of them.
std::string shown(const graphql::FieldDef& field, const Args& args) {
  std::string out = "{";
  for (const auto& def : field.args) {
    const Input* value = args.find(def.name);
    if (!value) continue;
    if (out.size() > 1) out += ',';
    json::write_string(out, def.name);
    out += ':';
    show(out, *value);
  }
  return out + "}";
}

class Fixture {
 public:
  Fixture(const char* schema_path, const char* data_path) {
    auto made = graphql::Schema::from_sdl(content(schema_path));
    if (!made) std::cerr << made.error().message << '\n';
    ENSURE(made.has_value());
    schema = std::move(*made);
    auto read = json::parse(content(data_path));
    ENSURE(read.has_value());
    data = std::move(*read);
    for (const graphql::TypeDef* type : schema->types()) {
      if (type->kind != graphql::TypeKind::object || type->name.starts_with("__")) continue;
      for (const auto& field : type->fields) {
        ENSURE(schema->attach(type->name, field.name, [this, &field](const void* object, const Args&, Sink& sink) {
          put(sink, static_cast<const json::Value*>(object)->find(field.name));
        }));
      }
    }
  }

  void put(Sink& sink, const json::Value* value) const {
    if (!value || value->is_null()) return;
    if (const auto* number = value->as_int()) return sink.integer(*number);
    if (const auto* real = value->as_double()) return sink.real(*real);
    if (const auto* text = value->as_string()) return sink.text(*text);
    if (const auto* items = value->as_array()) {
      return sink.list(*items, [this](const json::Value& item, Sink& inner) { put(inner, &item); });
    }
    if (const auto* error = value->find("$error")) return sink.error({*error->as_string(), "TEST"});
    const json::Value* object = data.find("objects")->find(*value->find("$ref")->as_string());
    sink.object(*schema->type(*object->find("__typename")->as_string()), object);
  }

  std::string answer(std::variant<graphql::Request, std::vector<graphql::GraphqlError>> prepared) const {
    if (const auto* errors = std::get_if<std::vector<graphql::GraphqlError>>(&prepared)) {
      return graphql::errors_body(*errors);
    }
    auto& request = std::get<graphql::Request>(prepared);
    const graphql::TypeDef& root = *schema->root(request.type());
    while (const graphql::RootField* field = request.next_root()) {
      const graphql::FieldDef& def = *schema->field(root, field->name);
      const json::Value* known = data.find(root.name)->find(field->name);
      request.complete([&](Sink& sink) {
        if (known) return put(sink, known);
        if (def.type->named().builtin == graphql::Builtin::string_type) sink.text(shown(def, *field->args));
      });
    }
    return request.finish();
  }

  std::unique_ptr<graphql::Schema> schema;
  json::Value data;
};

/// The document as the printer lays it out; empty when it cannot be read. Printed again it must look the same.
std::string printed(const std::string& text) {
  const auto document = graphql::parse_document(text, {});
  if (!document) return {};
  const std::string once = graphql::print(*document);
  const auto again = graphql::parse_document(once, {});
  ENSURE(once.empty() || (again.has_value() && graphql::print(*again) == once));
  return once;
}

}  // namespace

int main(int count, char** arguments) {
  ENSURE(count == 3);
  const Fixture fixture(arguments[1], arguments[2]);
  graphql::PlanCache cache(*fixture.schema, {});
  std::ios::sync_with_stdio(false);
  for (std::string line; std::getline(std::cin, line);) {
    const auto asked = json::parse(line);
    ENSURE(asked.has_value());
    const std::string& text = *asked->find("query")->as_string();
    const json::Value* variables = asked->find("variables");
    const json::Value* name = asked->find("operationName");
    const std::string* operation = name ? name->as_string() : nullptr;
    const std::string plain = fixture.answer(graphql::prepare(*fixture.schema, {}, text, operation, variables));
    const std::string cached = fixture.answer(cache.prepare(text, operation, variables));
    if (plain != cached) {
      std::cerr << "the plan cache changes an answer\n" << text << '\n' << plain << '\n' << cached << '\n';
      return 1;
    }
    std::string line_out = "{\"printed\":";
    json::write_string(line_out, printed(text));
    std::cout << line_out << ",\"answer\":" << plain << "}\n";
  }
}
