#include <gtest/gtest.h>

#include "graphql/coerce.h"
#include "graphql/parser.h"
#include "graphql/tests/support.h"

namespace penstock::graphql {
namespace {

using test::arguments_of;
using test::pets;
using test::refusal;
using test::shown;

// Messages and places are those of graphql-js 16 for the same schema.
struct VariableCase {
  std::string definitions;
  std::string variables;
  std::vector<std::string> errors;
};

const VariableCase kRefused[] = {
    {"$a: Int",
     R"gql({"a":"1"})gql",
     {R"gql([1:8] Variable "$a" got invalid value "1"; Int cannot represent non-integer value: "1")gql"}},
    {"$a: Int",
     R"gql({"a":1.5})gql",
     {R"gql([1:8] Variable "$a" got invalid value 1.5; Int cannot represent non-integer value: 1.5)gql"}},
    {"$a: Int",
     R"gql({"a":3000000000})gql",
     {R"gql([1:8] Variable "$a" got invalid value 3000000000; Int cannot represent non 32-bit signed integer value: 3000000000)gql"}},
    {"$a: Int",
     R"gql({"a":true})gql",
     {R"gql([1:8] Variable "$a" got invalid value true; Int cannot represent non-integer value: true)gql"}},
    {"$a: Int",
     R"gql({"a":{"x":1}})gql",
     {R"gql([1:8] Variable "$a" got invalid value { x: 1 }; Int cannot represent non-integer value: { x: 1 })gql"}},
    {"$a: Int",
     R"gql({"a":[1]})gql",
     {R"gql([1:8] Variable "$a" got invalid value [1]; Int cannot represent non-integer value: [1])gql"}},
    {"$a: Int!", "{}", {R"gql([1:8] Variable "$a" of required type "Int!" was not provided.)gql"}},
    {"$a: Int!", R"gql({"a":null})gql", {R"gql([1:8] Variable "$a" of non-null type "Int!" must not be null.)gql"}},
    {"$a: Int! = 3", R"gql({"a":null})gql", {R"gql([1:8] Variable "$a" of non-null type "Int!" must not be null.)gql"}},
    {"$a: Float",
     R"gql({"a":"1"})gql",
     {R"gql([1:8] Variable "$a" got invalid value "1"; Float cannot represent non numeric value: "1")gql"}},
    {"$a: String",
     R"gql({"a":1})gql",
     {R"gql([1:8] Variable "$a" got invalid value 1; String cannot represent a non string value: 1)gql"}},
    {"$a: String",
     R"gql({"a":true})gql",
     {R"gql([1:8] Variable "$a" got invalid value true; String cannot represent a non string value: true)gql"}},
    {"$a: String",
     R"gql({"a":["x"]})gql",
     {R"gql([1:8] Variable "$a" got invalid value ["x"]; String cannot represent a non string value: ["x"])gql"}},
    {"$a: Boolean",
     R"gql({"a":1})gql",
     {R"gql([1:8] Variable "$a" got invalid value 1; Boolean cannot represent a non boolean value: 1)gql"}},
    {"$a: Boolean",
     R"gql({"a":"true"})gql",
     {R"gql([1:8] Variable "$a" got invalid value "true"; Boolean cannot represent a non boolean value: "true")gql"}},
    {"$a: ID",
     R"gql({"a":1.5})gql",
     {R"gql([1:8] Variable "$a" got invalid value 1.5; ID cannot represent value: 1.5)gql"}},
    {"$a: ID",
     R"gql({"a":true})gql",
     {R"gql([1:8] Variable "$a" got invalid value true; ID cannot represent value: true)gql"}},
    {"$a: Trick",
     R"gql({"a":"sit"})gql",
     {R"gql([1:8] Variable "$a" got invalid value "sit"; Value "sit" does not exist in "Trick" enum. Did you mean the enum value "SIT"?)gql"}},
    {"$a: Trick",
     R"gql({"a":"NOPE"})gql",
     {R"gql([1:8] Variable "$a" got invalid value "NOPE"; Value "NOPE" does not exist in "Trick" enum.)gql"}},
    {"$a: Trick",
     R"gql({"a":1})gql",
     {R"gql([1:8] Variable "$a" got invalid value 1; Enum "Trick" cannot represent non-string value: 1.)gql"}},
    {"$a: Trick",
     R"gql({"a":""})gql",
     {R"gql([1:8] Variable "$a" got invalid value ""; Value "" does not exist in "Trick" enum.)gql"}},
    {"$a: Trick!",
     R"gql({"a":""})gql",
     {R"gql([1:8] Variable "$a" got invalid value ""; Value "" does not exist in "Trick" enum.)gql"}},
    {"$a: Trick",
     R"gql({"a":{"SIT":1}})gql",
     {R"gql([1:8] Variable "$a" got invalid value { SIT: 1 }; Enum "Trick" cannot represent non-string value: { SIT: 1 }.)gql"}},
    {"$a: Toy",
     R"gql({"a":"x"})gql",
     {R"gql([1:8] Variable "$a" got invalid value "x"; Expected type "Toy" to be an object.)gql"}},
    {"$a: Toy",
     R"gql({"a":[]})gql",
     {R"gql([1:8] Variable "$a" got invalid value []; Expected type "Toy" to be an object.)gql"}},
    {"$a: Toy",
     R"gql({"a":{}})gql",
     {R"gql([1:8] Variable "$a" got invalid value {}; Field "name" of required type "String!" was not provided.)gql"}},
    {"$a: Toy",
     R"gql({"a":{"name":null}})gql",
     {R"gql([1:8] Variable "$a" got invalid value null at "a.name"; Expected non-nullable type "String!" not to be null.)gql"}},
    {"$a: Toy",
     R"gql({"a":{"name":1}})gql",
     {R"gql([1:8] Variable "$a" got invalid value 1 at "a.name"; String cannot represent a non string value: 1)gql"}},
    {"$a: Toy",
     R"gql({"a":{"name":"x","pric":1}})gql",
     {R"gql([1:8] Variable "$a" got invalid value { name: "x", pric: 1 }; Field "pric" is not defined by type "Toy". Did you mean "price"?)gql"}},
    {"$a: Toy",
     R"gql({"a":{"name":"x","zzzzzzz":1}})gql",
     {R"gql([1:8] Variable "$a" got invalid value { name: "x", zzzzzzz: 1 }; Field "zzzzzzz" is not defined by type "Toy".)gql"}},
    {"$a: Toy",
     R"gql({"a":{"name":"x","price":"1","kind":"SITT","tags":["a",null,3]}})gql",
     {R"gql([1:8] Variable "$a" got invalid value "1" at "a.price"; Float cannot represent non numeric value: "1")gql",
      R"gql([1:8] Variable "$a" got invalid value null at "a.tags[1]"; Expected non-nullable type "String!" not to be null.)gql",
      R"gql([1:8] Variable "$a" got invalid value 3 at "a.tags[2]"; String cannot represent a non string value: 3)gql",
      R"gql([1:8] Variable "$a" got invalid value "SITT" at "a.kind"; Value "SITT" does not exist in "Trick" enum. Did you mean the enum value "SIT"?)gql"}},
    {"$a: Filter",
     R"gql({"a":{"toy":{"squeaks":1}}})gql",
     {R"gql([1:8] Variable "$a" got invalid value { squeaks: 1 } at "a.toy"; Field "name" of required type "String!" was not provided.)gql",
      R"gql([1:8] Variable "$a" got invalid value 1 at "a.toy.squeaks"; Boolean cannot represent a non boolean value: 1)gql"}},
    {"$a: Filter",
     R"gql({"a":{"ids":[1,"2",3.5]}})gql",
     {R"gql([1:8] Variable "$a" got invalid value "2" at "a.ids[1]"; Int cannot represent non-integer value: "2")gql",
      R"gql([1:8] Variable "$a" got invalid value 3.5 at "a.ids[2]"; Int cannot represent non-integer value: 3.5)gql"}},
    {"$a: [Filter!]!",
     R"gql({"a":[{"name":"a"},null,{"name":2}]})gql",
     {R"gql([1:8] Variable "$a" got invalid value null at "a[1]"; Expected non-nullable type "Filter!" not to be null.)gql",
      R"gql([1:8] Variable "$a" got invalid value 2 at "a[2].name"; String cannot represent a non string value: 2)gql"}},
    {"$a: [[Int]]",
     R"gql({"a":[["x"]]})gql",
     {R"gql([1:8] Variable "$a" got invalid value "x" at "a[0][0]"; Int cannot represent non-integer value: "x")gql"}},
    {"$a: [Int!]",
     R"gql({"a":[null]})gql",
     {R"gql([1:8] Variable "$a" got invalid value null at "a[0]"; Expected non-nullable type "Int!" not to be null.)gql"}},
    {"$a: Int, $b: Int",
     R"gql({"a":"x","b":"y"})gql",
     {R"gql([1:8] Variable "$a" got invalid value "x"; Int cannot represent non-integer value: "x")gql",
      R"gql([1:17] Variable "$b" got invalid value "y"; Int cannot represent non-integer value: "y")gql"}},
    {"$a: Filter",
     R"gql({"a":{"name":{"b":{"c":{"d":1}}}}})gql",
     {R"gql([1:8] Variable "$a" got invalid value { b: { c: [Object] } } at "a.name"; String cannot represent a non string value: { b: { c: [Object] } })gql"}},
    {"$a: Filter",
     R"gql({"a":{"name":[[[[1]]]]}})gql",
     {R"gql([1:8] Variable "$a" got invalid value [[[Array]]] at "a.name"; String cannot represent a non string value: [[[Array]]])gql"}},
    {"$a: Filter",
     R"gql({"a":{"name":[1,2,3,4,5,6,7,8,9,10,11,12]}})gql",
     {R"gql([1:8] Variable "$a" got invalid value [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ... 2 more items] at "a.name"; String cannot represent a non string value: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ... 2 more items])gql"}},
    {"$a: Int",
     R"gql({"a":"quote \" and \u00e9\n"})gql",
     {"[1:8] Variable \"$a\" got invalid value \"quote \\\" and \303\251\\n\"; Int cannot represent non-integer value: "
      "\"quote \\\" and \303\251\\n\""}},
    {"$a: Toy",
     R"gql({"a":{"name":"x","toString":1}})gql",
     {R"gql([1:8] Variable "$a" got invalid value { name: "x", toString: 1 }; Field "toString" is not defined by type "Toy".)gql"}},
    {"$a: Int",
     R"gql({"a":1e300})gql",
     {R"gql([1:8] Variable "$a" got invalid value 1e+300; Int cannot represent non 32-bit signed integer value: 1e+300)gql"}},
    {"$a: Float",
     R"gql({"a":{}})gql",
     {R"gql([1:8] Variable "$a" got invalid value {}; Float cannot represent non numeric value: {})gql"}},
    {"$a: Toy",
     R"gql({"a":7})gql",
     {R"gql([1:8] Variable "$a" got invalid value 7; Expected type "Toy" to be an object.)gql"}},
};

/// What reading the variables alone has to say: the documents of the table do not use what they define.
std::vector<std::string> read(const std::string& definitions, const std::string& variables) {
  const Limits limits;
  const std::string text = "query (" + definitions + ") { flag }";
  const auto document = parse_document(text, limits);
  if (!document) return {shown(document.error())};
  const auto& nodes = document->operations.front().variables;
  TypePool pool;
  std::vector<const Type*> types;
  for (const VariableNode& node : nodes) types.push_back(pool.type_of(pets(), node.type));
  const auto given = json::parse(variables);
  if (!given) return {given.error().message};
  Variables read;
  return shown(read_variables(nodes, types, &*given, {}, limits, read));
}

TEST(Variables, RefusalsAreThoseOfGraphqlJs) {
  for (const VariableCase& c : kRefused) {
    EXPECT_EQ(read(c.definitions, c.variables), c.errors) << c.definitions << " " << c.variables;
  }
}

TEST(Variables, RefusalsCarryTheirCode) {
  const auto refused = refusal(pets(), {"query ($n: Int!) { number(n: $n) }"});
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_EQ(refused.front().code, kBadUserInput);
}

TEST(Variables, AreCoercedToTheirType) {
  const auto number = [](const std::string& type, const std::string& argument, const std::string& value) {
    return arguments_of(pets(), {"query ($v: " + type + ") { number(" + argument + ": $v) }", "{\"v\":" + value + "}"});
  };
  EXPECT_EQ(number("Int", "n", "5"), "n:5");
  EXPECT_EQ(number("Int", "n", "5.0"), "n:5");
  EXPECT_EQ(number("Int", "n", "null"), "n:null");
  EXPECT_EQ(number("Float", "f", "5"), "f:5.0");
  EXPECT_EQ(number("ID", "id", "5"), "id:\"5\"");
  EXPECT_EQ(number("Moment", "at", R"({"a":[1,null,true,"x",1.5]})"), R"(at:{a:[1,null,true,"x",1.5]})");
  EXPECT_EQ(number("Int = 3", "n", "7"), "n:7");
  EXPECT_EQ(arguments_of(pets(), {"query ($v: Int = 3) { number(n: $v) }"}), "n:3");
  EXPECT_EQ(arguments_of(pets(), {"query ($v: Int) { number(n: $v) }", R"({"other":1})"}), "");
  EXPECT_EQ(arguments_of(pets(), {"query ($v: [[Int]]) { matrix(m: $v) }", R"({"v":[[1,null],2]})"}),
            "m:[[1,null],[2]]");
  EXPECT_EQ(arguments_of(pets(), {"query ($v: [[Int]]) { matrix(m: $v) }", R"({"v":7})"}), "m:[[7]]");
}

TEST(Variables, StandInsideLiterals) {
  const std::string text =
      "query ($s: String!, $i: Int) { pet(filter: {toy: {name: $s}, ids: [1, $i, 3]}) { __typename } }";
  EXPECT_EQ(arguments_of(pets(), {text, R"({"s":"x","i":2})"}),
            R"(filter:{toy:{name:"x",squeaks?:false},ids:[1,2,3]})");
  EXPECT_EQ(arguments_of(pets(), {text, R"({"s":"x"})"}), R"(filter:{toy:{name:"x",squeaks?:false},ids:[1,null,3]})");
}

TEST(Presence, KeysOfTheRequestAreToldFromDefaults) {
  EXPECT_EQ(arguments_of(pets(), {R"(mutation { addToy(input: {name: "x"}) })"}), R"(input:{name:"x",squeaks?:false})");
  EXPECT_EQ(arguments_of(pets(), {R"(mutation { addToy(input: {name: "x", squeaks: false}) })"}),
            R"(input:{name:"x",squeaks:false})");
  EXPECT_EQ(arguments_of(pets(), {R"(mutation { addToy(input: {name: "x", squeaks: null, price: null}) })"}),
            R"(input:{name:"x",squeaks:null,price:null})");
}

TEST(Presence, IsTheSameThroughVariables) {
  const std::string text = "mutation ($input: Toy!) { addToy(input: $input) }";
  EXPECT_EQ(arguments_of(pets(), {text, R"({"input":{"name":"x"}})"}), R"(input:{name:"x",squeaks?:false})");
  EXPECT_EQ(arguments_of(pets(), {text, R"({"input":{"squeaks":false,"name":"x"}})"}),
            R"(input:{name:"x",squeaks:false})");
  EXPECT_EQ(arguments_of(pets(), {text, R"({"input":{"name":"x","squeaks":null}})"}),
            R"(input:{name:"x",squeaks:null})");
}

TEST(Presence, AVariableWithoutValueIsAnAbsentKey) {
  const std::string text = "mutation ($s: Boolean, $p: Float) { addToy(input: {name: \"x\", squeaks: $s, price: $p}) }";
  EXPECT_EQ(arguments_of(pets(), {text, "{}"}), R"(input:{name:"x",squeaks?:false})");
  EXPECT_EQ(arguments_of(pets(), {text, R"({"s":true,"p":null})"}), R"(input:{name:"x",squeaks:true,price:null})");
}

TEST(Presence, DefaultsOfArgumentsFillIn) {
  EXPECT_EQ(arguments_of(pets(), {"{ people(limit: 1) { name } }"}), R"(limit:1 after:"a")");
  EXPECT_EQ(arguments_of(pets(), {"{ people(limit: 1, after: null) { name } }"}), "limit:1 after:null");
  EXPECT_EQ(arguments_of(pets(), {"query ($a: String) { people(limit: 1, after: $a) { name } }"}),
            R"(limit:1 after:"a")");
}

PrepareOptions lenient(bool empty_enum, bool nullable) {
  PrepareOptions options;
  options.leniency.empty_enum_is_absent = empty_enum;
  options.leniency.nullable_variable_anywhere = nullable;
  return options;
}

TEST(Leniency, AnEmptyEnumThroughVariablesIsAbsent) {
  const std::string text = "mutation ($input: Toy!) { addToy(input: $input) }";
  const std::string variables = R"({"input":{"name":"x","kind":""}})";
  EXPECT_EQ(
      arguments_of(pets(), {text, variables}),
      R"([1:11] Variable "$input" got invalid value "" at "input.kind"; Value "" does not exist in "Trick" enum.)");
  EXPECT_EQ(arguments_of(pets(), {text, variables, "", lenient(true, false)}), R"(input:{name:"x",squeaks?:false})");
  EXPECT_EQ(arguments_of(pets(), {"query ($t: Trick) { trick(t: $t) }", R"({"t":""})", "", lenient(true, false)}), "");
}

TEST(Leniency, AnEmptyEnumInTheDocumentStaysAnError) {
  EXPECT_EQ(arguments_of(pets(), {R"({ trick(t: "") })", "", "", lenient(true, false)}),
            R"([1:12] Enum "Trick" cannot represent non-enum value: "".)");
}

TEST(Leniency, ANullableVariableIsCheckedByItsValue) {
  const std::string text = "query ($n: Int) { people(limit: $n) { name } }";
  EXPECT_EQ(arguments_of(pets(), {text, R"({"n":5})"}),
            R"([1:8 1:33] Variable "$n" of type "Int" used in position expecting type "Int!".)");
  EXPECT_EQ(arguments_of(pets(), {text, R"({"n":5})", "", lenient(false, true)}), R"(limit:5 after:"a")");
  EXPECT_EQ(arguments_of(pets(), {text, R"({"n":null})", "", lenient(false, true)}),
            R"({"errors":[{"message":"Argument \"limit\" of non-null type \"Int!\" must not be null.",)"
            R"("locations":[{"line":1,"column":33}],"path":["people"],"extensions":{"code":"BAD_USER_INPUT"}}],)"
            R"("data":{"people":null}})");
  EXPECT_EQ(arguments_of(pets(), {text, "{}", "", lenient(false, true)}),
            R"({"errors":[{"message":"Argument \"limit\" of required type \"Int!\" was provided the variable \"$n\" )"
            R"(which was not provided a runtime value.","locations":[{"line":1,"column":33}],"path":["people"],)"
            R"("extensions":{"code":"BAD_USER_INPUT"}}],"data":{"people":null}})");
}

TEST(Leniency, OtherTypesStayApart) {
  EXPECT_EQ(arguments_of(pets(), {"query ($n: String) { people(limit: $n) { name } }", "", "", lenient(false, true)}),
            R"([1:8 1:36] Variable "$n" of type "String" used in position expecting type "Int!".)");
}

TEST(Scalars, AReaderMayRefuseOrChange) {
  const auto schema = test::schema_from("scalar Port type Query { open(port: Port): Int }");
  ASSERT_TRUE(schema->attach_scalar("Port", [](Input value) -> tl::expected<Input, std::string> {
    const auto* number = value.as_int();
    if (!number || *number > 65535) return tl::unexpected<std::string>("Port must be 0 to 65535");
    return Input(*number + 1);
  }));
  EXPECT_FALSE(schema->attach_scalar("Int", {}));
  EXPECT_FALSE(schema->attach_scalar("Query", {}));
  EXPECT_EQ(arguments_of(*schema, {"{ open(port: 80) }"}), "port:81");
  EXPECT_EQ(arguments_of(*schema, {"{ open(port: 70000) }"}), "[1:14] Port must be 0 to 65535");
  EXPECT_EQ(arguments_of(*schema, {"query ($p: Port) { open(port: $p) }", R"({"p":"x"})"}),
            R"([1:8] Variable "$p" got invalid value "x"; Port must be 0 to 65535)");
}

TEST(Scalars, CustomOnesTakeAnyLiteral) {
  EXPECT_EQ(arguments_of(pets(), {R"(query ($v: Int) { number(at: {a: [1, -2.5, "x", null, true, ENUM], b: $v}) })",
                                  R"({"v":9})"}),
            R"(at:{a:[1,-2.5,"x",null,true,"ENUM"],b:9})");
}

}  // namespace
}  // namespace penstock::graphql
