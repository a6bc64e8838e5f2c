#include "graphql/tests/support.h"

#include <gtest/gtest.h>

#include "graphql/lexer.h"
#include "graphql/plan_cache.h"

namespace penstock::graphql::test {
namespace {

constexpr std::string_view kPets = R"graphql(
schema { query: Query mutation: Mutation }

directive @tag(name: String!, weight: Int = 1) repeatable on FIELD | QUERY
directive @once on FIELD

scalar Moment

interface Named { name: String! }

type Dog implements Named {
  name: String!
  barks: Boolean
  owner: Person
  size: Int
  knows(trick: Trick!, times: Int = 1): Boolean
}

type Cat implements Named {
  name: String!
  meows: Boolean
  owner: Person
  size: String
}

type Person implements Named {
  name: String!
  pets(first: Int): [Pet!]
  born: Moment
  score: Float
}

union Pet = Dog | Cat

enum Trick { SIT ROLL JUMP }

input Toy { name: String! squeaks: Boolean = false price: Float tags: [String!] kind: Trick }
input Filter { name: String, trick: Trick, toy: Toy, ids: [Int] }

type Query {
  dog(id: ID): Dog
  pet(filter: Filter): Pet
  named: Named
  people(limit: Int!, after: String = "a"): [Person]
  flag(on: Boolean): Boolean
  number(n: Int, f: Float, s: String, id: ID, at: Moment): String
  trick(t: Trick): Trick
  matrix(m: [[Int]]): Int
}

type Mutation {
  addToy(input: Toy!): String
  rename(id: ID!, name: String): Dog!
}
)graphql";

void show(std::string& out, const Input& value);

void show(std::string& out, const InputObject& fields) {
  out += '{';
  for (const InputField& field : fields) {
    if (out.back() != '{') out += ',';
    out += field.name + (field.given ? ":" : "?:");
    show(out, field.value);
  }
  out += '}';
}

void show(std::string& out, const Input& value) {
  if (value.is_null()) out += "null";
  if (const auto* yes = value.as_bool()) out += *yes ? "true" : "false";
  if (const auto* number = value.as_int()) out += std::to_string(*number);
  if (const auto* real = value.as_double()) out += json::write(json::Value(*real));
  if (const auto* text = value.as_string()) json::write_string(out, *text);
  if (const auto* fields = value.as_object()) show(out, *fields);
  if (const auto* items = value.as_list()) {
    out += '[';
    for (const Input& item : *items) {
      if (out.back() != '[') out += ',';
      show(out, item);
    }
    out += ']';
  }
}

}  // namespace

const Schema& pets() {
  static const std::unique_ptr<Schema> schema = schema_from(kPets);
  return *schema;
}

std::unique_ptr<Schema> schema_from(std::string_view sdl) {
  auto made = Schema::from_sdl(sdl);
  if (made) return std::move(*made);
  ADD_FAILURE() << shown(made.error());
  std::abort();
}

std::string shown(const GraphqlError& error) {
  std::string out = "[";
  for (const Location& at : error.locations) {
    if (out.size() > 1) out += ' ';
    out += std::to_string(at.line) + ":" + std::to_string(at.column);
  }
  return out + "] " + error.message;
}

std::vector<std::string> shown(const std::vector<GraphqlError>& errors) {
  std::vector<std::string> out;
  for (const GraphqlError& error : errors) out.push_back(shown(error));
  return out;
}

std::string of_same_shape(std::string_view text, const Limits& limits) {
  std::string out = "\n # another\n";
  try {
    Lexer lexer(text, limits);
    for (Token token = lexer.next(); token.kind != TokenKind::end; token = lexer.next()) {
      switch (token.kind) {
        case TokenKind::int_value:
          out += "77";
          break;
        case TokenKind::float_value:
          out += "7.5";
          break;
        case TokenKind::string:
          out += "\"another one\"";
          break;
        case TokenKind::block_string:
          out += "\"\"\"another one\"\"\"";
          break;
        default:
          out += token.text;
      }
      out += "\n  ";
    }
  } catch (const SyntaxError&) {
    return {};
  }
  return out;
}

/// Through a cache that has seen a document of the same shape, with other literals in other places: every test that
/// asks this way also tests that it makes no difference.
std::variant<Request, std::vector<GraphqlError>> prepare(const Schema& schema, const Asked& asked) {
  PlanCache cache(schema, asked.options);
  static_cast<void>(cache.prepare(of_same_shape(asked.text, asked.options.limits), nullptr, nullptr));
  json::Value variables;
  if (!asked.variables.empty()) {
    auto parsed = json::parse(asked.variables);
    EXPECT_TRUE(parsed.has_value()) << asked.variables;
    if (parsed) variables = std::move(*parsed);
  }
  return cache.prepare(asked.text, asked.operation.empty() ? nullptr : &asked.operation,
                       asked.variables.empty() ? nullptr : &variables);
}

std::vector<GraphqlError> refusal(const Schema& schema, const Asked& asked) {
  auto prepared = prepare(schema, asked);
  auto* errors = std::get_if<std::vector<GraphqlError>>(&prepared);
  return errors ? std::move(*errors) : std::vector<GraphqlError>{};
}

std::string shown(const Args& args, const std::vector<InputValueDef>& defs) {
  std::string out;
  for (const InputValueDef& def : defs) {
    const Input* value = args.find(def.name);
    if (!value) continue;
    if (!out.empty()) out += ' ';
    out += def.name + ":";
    show(out, *value);
  }
  return out;
}

std::string run(const Schema& schema, const Asked& asked, const Answer& answer) {
  auto prepared = prepare(schema, asked);
  if (const auto* errors = std::get_if<std::vector<GraphqlError>>(&prepared)) return errors_body(*errors);
  auto& request = std::get<Request>(prepared);
  while (const RootField* field = request.next_root()) request.complete(answer(*field));
  return request.finish();
}

std::string arguments_of(const Schema& schema, const Asked& asked) {
  auto prepared = prepare(schema, asked);
  if (const auto* errors = std::get_if<std::vector<GraphqlError>>(&prepared)) return shown(errors->front());
  auto& request = std::get<Request>(prepared);
  const RootField* field = request.next_root();
  if (!field) return request.finish();
  return shown(*field->args, schema.field(*schema.root(request.type()), field->name)->args);
}

}  // namespace penstock::graphql::test
