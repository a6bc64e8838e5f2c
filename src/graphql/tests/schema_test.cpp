#include <gtest/gtest.h>

#include "graphql/tests/support.h"

namespace penstock::graphql {
namespace {

using test::run;
using test::schema_from;

std::string refusal_of(std::string_view sdl) {
  const auto made = Schema::from_sdl(sdl);
  return made ? "" : made.error().message;
}

TEST(SchemaText, WrongSchemasAreRefused) {
  EXPECT_NE(refusal_of("type A { x: Int }"), "");  // no query root
  EXPECT_NE(refusal_of("schema { query: Q } type A { x: Int }"), "");
  EXPECT_NE(refusal_of("schema { query: Query mutation: M } type Query { x: Int }"), "");
  EXPECT_NE(refusal_of("type Query { x: Missing }").find("Missing"), std::string::npos);
  EXPECT_NE(refusal_of("type Query { x: Int } type Query { y: Int }").find("Query"), std::string::npos);
  EXPECT_NE(refusal_of("type Query { x: Int x: Int }").find("Query.x"), std::string::npos);
  EXPECT_NE(refusal_of("type Query { x(a: Int, a: Int): Int }").find("a is defined twice"), std::string::npos);
  EXPECT_NE(refusal_of("type Query { x(a: Query): Int }"), "");         // output type as input
  EXPECT_NE(refusal_of("type Query { x: I } input I { a: Int }"), "");  // input type as output
  EXPECT_NE(refusal_of("type Query { x: U } union U = Int"), "");
  EXPECT_NE(refusal_of("type Query implements Query { x: Int }"), "");
  EXPECT_NE(refusal_of("interface I { y: Int } type Query implements I { x: Int }").find("I.y"), std::string::npos);
  EXPECT_NE(refusal_of("enum E { A A } type Query { x: E }").find("E.A"), std::string::npos);
  EXPECT_NE(refusal_of("type Query { x(a: Int = \"1\"): Int }"), "");
  EXPECT_NE(refusal_of("type Query { x(a: E = C): Int } enum E { A B }"), "");
  EXPECT_NE(refusal_of("type Query"), "");
  EXPECT_NE(refusal_of("directive @a on FIELD directive @a on FIELD type Query { x: Int }"), "");
}

TEST(SchemaText, SyntaxErrorsSayWhere) {
  const auto error_of = [](std::string_view sdl) {
    const auto made = Schema::from_sdl(sdl);
    return made ? std::string() : test::shown(made.error());
  };
  // As graphql-js says it.
  EXPECT_EQ(error_of("type X { a }"), R"([1:12] Syntax Error: Expected ":", found "}".)");
  EXPECT_EQ(error_of("enum E { true }"),
            R"([1:10] Syntax Error: Name "true" is reserved and cannot be used for an enum value.)");
  EXPECT_EQ(error_of("schema { foo: Q }"), R"([1:10] Syntax Error: Unexpected Name "foo".)");
  EXPECT_EQ(error_of("directive @a on FIELD | FOO"), R"([1:25] Syntax Error: Unexpected Name "FOO".)");
  EXPECT_EQ(error_of("type X { a(b: Int = $x): Int }"),
            R"([1:21] Syntax Error: Unexpected variable "$x" in constant value.)");
  EXPECT_EQ(error_of("input I { a(b: Int): Int }"), R"([1:12] Syntax Error: Expected ":", found "(".)");
  EXPECT_EQ(error_of("\n\nfoo X"), R"([3:1] Syntax Error: Unexpected Name "foo".)");
}

TEST(SchemaText, DefaultsAreCompleteWhateverTheOrder) {
  const auto schema = schema_from(
      "type Query { x(outer: Outer = {}): Int } input Outer { inner: Inner = {b: 5}, more: [Inner!] = {} } "
      "input Inner { a: Int = 1, b: Int = 2, self: Inner = null }");
  EXPECT_EQ(test::arguments_of(*schema, {"{ x }"}),
            "outer:{inner?:{a?:1,b:5,self?:null},more?:[{a?:1,b?:2,self?:null}]}");
}

TEST(SchemaText, ResolversAttachOnlyToWhatExists) {
  const auto schema = schema_from("type Query { x: Int } interface I { y: Int }");
  EXPECT_TRUE(schema->attach("Query", "x", {}));
  EXPECT_FALSE(schema->attach("Query", "y", {}));
  EXPECT_FALSE(schema->attach("Missing", "x", {}));
}

// ---- introspection

std::string ask(const Schema& schema, const std::string& text) {
  return run(schema, {text}, [](const RootField&) { return Value(); });
}

constexpr std::string_view kDescribed = R"(
  """
  The schema
    of pets
  """
  schema { query: Q }
  "A moment" scalar Moment @specifiedBy(url: "https://example.com/t")
  enum Color { RED GREEN @deprecated BLUE @deprecated(reason: "old \"one\"") }
  input Box { a: Int! = 1, b: [Color!] = [RED, GREEN], c: String = "x\ny", gone: Int @deprecated(reason: "no") }
  interface Node { id: ID! }
  "An A" type A implements Node { id: ID! "a name" name("shout" upper: Boolean = false): String old: Int @deprecated }
  type B implements Node { id: ID! }
  union U = A | B
  directive @cost("how much" weight: Int! = 1) repeatable on FIELD | QUERY
  type Q { node(id: ID!, box: Box = {b: [BLUE]}): Node u: [U!]! m: Moment }
)";

TEST(Introspection, DescribesTypesInAllTheirKinds) {
  const auto schema = schema_from(kDescribed);
  EXPECT_EQ(
      ask(*schema,
          R"({ __type(name: "A") { kind name description interfaces { name } fields { name } possibleTypes { name } } })"),
      R"({"data":{"__type":{"kind":"OBJECT","name":"A","description":"An A","interfaces":[{"name":"Node"}],)"
      R"("fields":[{"name":"id"},{"name":"name"}],"possibleTypes":null}}})");
  EXPECT_EQ(ask(*schema, R"({ __type(name: "Node") { kind possibleTypes { name } interfaces { name } } })"),
            R"({"data":{"__type":{"kind":"INTERFACE","possibleTypes":[{"name":"A"},{"name":"B"}],"interfaces":[]}}})");
  EXPECT_EQ(ask(*schema, R"({ __type(name: "U") { kind fields { name } possibleTypes { name } } })"),
            R"({"data":{"__type":{"kind":"UNION","fields":null,"possibleTypes":[{"name":"A"},{"name":"B"}]}}})");
  EXPECT_EQ(
      ask(*schema, R"({ __type(name: "Moment") { kind specifiedByURL description ofType { name } } })"),
      R"({"data":{"__type":{"kind":"SCALAR","specifiedByURL":"https://example.com/t","description":"A moment","ofType":null}}})");
  EXPECT_EQ(ask(*schema, R"({ __type(name: "Missing") { kind } })"), R"({"data":{"__type":null}})");
}

TEST(Introspection, ShowsWrappersDefaultsAndArguments) {
  const auto schema = schema_from(kDescribed);
  EXPECT_EQ(
      ask(*schema,
          R"({ __type(name: "Q") { fields { name type { kind name ofType { kind ofType { kind ofType { name } } } } } } })"),
      R"({"data":{"__type":{"fields":[{"name":"node","type":{"kind":"INTERFACE","name":"Node","ofType":null}},)"
      R"({"name":"u","type":{"kind":"NON_NULL","name":null,"ofType":{"kind":"LIST","ofType":{"kind":"NON_NULL","ofType":{"name":"U"}}}}},)"
      R"({"name":"m","type":{"kind":"SCALAR","name":"Moment","ofType":null}}]}}})");
  EXPECT_EQ(
      ask(*schema, R"({ __type(name: "Box") { inputFields { name defaultValue } } })"),
      R"({"data":{"__type":{"inputFields":[{"name":"a","defaultValue":"1"},{"name":"b","defaultValue":"[RED, GREEN]"},)"
      R"({"name":"c","defaultValue":"\"x\\ny\""}]}}})");
  EXPECT_EQ(
      ask(*schema, R"({ __type(name: "A") { fields { args { name description defaultValue type { name } } } } })"),
      R"({"data":{"__type":{"fields":[{"args":[]},{"args":[{"name":"upper","description":"shout","defaultValue":"false",)"
      R"("type":{"name":"Boolean"}}]}]}}})");
}

TEST(Introspection, DeprecatedMembersAreShownOnRequest) {
  const auto schema = schema_from(kDescribed);
  EXPECT_EQ(
      ask(*schema,
          R"({ __type(name: "Color") { enumValues { name } all: enumValues(includeDeprecated: true) { name isDeprecated deprecationReason } } })"),
      R"({"data":{"__type":{"enumValues":[{"name":"RED"}],"all":[{"name":"RED","isDeprecated":false,"deprecationReason":null},)"
      R"({"name":"GREEN","isDeprecated":true,"deprecationReason":"No longer supported"},)"
      R"({"name":"BLUE","isDeprecated":true,"deprecationReason":"old \"one\""}]}}})");
  EXPECT_EQ(ask(*schema, R"({ __type(name: "Box") { inputFields(includeDeprecated: true) { name } } })"),
            R"({"data":{"__type":{"inputFields":[{"name":"a"},{"name":"b"},{"name":"c"},{"name":"gone"}]}}})");
  EXPECT_EQ(
      ask(*schema, R"({ __type(name: "A") { fields(includeDeprecated: true) { name isDeprecated } } })"),
      R"({"data":{"__type":{"fields":[{"name":"id","isDeprecated":false},{"name":"name","isDeprecated":false},{"name":"old","isDeprecated":true}]}}})");
}

TEST(Introspection, DescribesTheSchema) {
  const auto schema = schema_from(kDescribed);
  EXPECT_EQ(
      ask(*schema,
          "{ __schema { description queryType { name } mutationType { name } subscriptionType { name } } __typename }"),
      R"({"data":{"__schema":{"description":"The schema\n  of pets","queryType":{"name":"Q"},"mutationType":null,)"
      R"("subscriptionType":null},"__typename":"Q"}})");
  const std::string directives =
      ask(*schema, "{ __schema { directives { name isRepeatable locations args { name defaultValue } } } }");
  for (
      const char* part :
      {R"({"name":"include","isRepeatable":false,"locations":["FIELD","FRAGMENT_SPREAD","INLINE_FRAGMENT"],"args":[{"name":"if","defaultValue":null}]})",
       R"({"name":"skip",)", R"({"name":"deprecated",)", R"({"name":"specifiedBy",)",
       R"({"name":"cost","isRepeatable":true,"locations":["FIELD","QUERY"],"args":[{"name":"weight","defaultValue":"1"}]})"}) {
    EXPECT_NE(directives.find(part), std::string::npos) << part << " in " << directives;
  }
  const std::string types = ask(*schema, "{ __schema { types { name } } }");
  for (const char* name : {"A", "Box", "Color", "Moment", "U", "String", "Boolean", "__Type", "__DirectiveLocation"}) {
    EXPECT_NE(types.find("{\"name\":\"" + std::string(name) + "\"}"), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace penstock::graphql
