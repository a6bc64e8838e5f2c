#include <gtest/gtest.h>

#include "graphql/tests/support.h"

namespace penstock::graphql::test {
namespace {

/// Where the specification is easily missed: each case is a document and what comes of it, refused or executed.
struct Case {
  std::string text;
  std::string outcome;
  std::string variables = {};
};

const Schema& schema() {
  static const auto kSchema = [] {
    auto made = schema_from(R"(
      type Query {
        text(x: String): String
        id(x: ID): ID
        many(x: [In]): String
        any(x: Any): String
        one(x: One): String
        words: [String]
        node: Node
        thing: Thing
      }
      interface Node { id: ID! same: Int other: Named }
      interface Named { name: String }
      type Thing implements Node & Named { id: ID! same: Int other: Named name: String inner: Thing! }
      type Stone implements Node { id: ID! same: String other: Named }
      scalar Any
      input In { a: Int! }
      input One @oneOf { a: Int b: String })");
    const Schema& schema = *made;
    Binder<int>(*made, "Thing")
        .field("id", [](const int& number) { return Value(number); })
        .field("inner", [&schema](const int& number) { return make_object(schema, "Thing", number); })
        .field("name", [](const int&) { return Value(FieldError{"no name", "GONE"}); });
    return made;
  }();
  return *kSchema;
}

std::string outcome(const Case& one) {
  const Asked asked{one.text, one.variables};
  if (const auto errors = refusal(schema(), asked); !errors.empty()) {
    std::string out;
    for (const std::string& line : shown(errors)) out += (out.empty() ? "" : "\n") + line;
    return out;
  }
  return run(schema(), asked, [](const RootField& field) {
    if (field.name == "thing") return make_object(schema(), "Thing", 7);
    return field.args->find("x") ? Value(field.args->text("x")) : Value();
  });
}

void expect_all(const std::vector<Case>& cases) {
  for (const Case& one : cases) EXPECT_EQ(outcome(one), one.outcome) << one.text;
}

TEST(Edges, PlacesCountCharactersAsJavaScriptDoes) {
  expect_all(
      {{"{ text(x: \"\xC3\xA9\xF0\x9F\x98\x80\") no }", "[1:18] Cannot query field \"no\" on type \"Query\"."},
       {"# \xF0\x9F\x98\x80\r\n\xEF\xBB\xBF{ no }", "[2:4] Cannot query field \"no\" on type \"Query\"."},
       {"\xEF\xBB\xBF{ no }", "[1:4] Cannot query field \"no\" on type \"Query\"."},
       {"{ text(x: \"\"\"\xC3\xA9\n\xC3\xA9\"\"\") no }", "[2:7] Cannot query field \"no\" on type \"Query\"."}});
}

TEST(Edges, TextThatIsNoUtf8IsRefused) {
  expect_all({{"{ text(x: \"\xFF\") }", "[1:12] Syntax Error: Invalid character: U+00FF."},
              {"# \xC3", "[1:3] Syntax Error: Invalid character: U+00C3."},
              {"{ text(x: \"\"\"\xED\xA0\x80\"\"\") }", "[1:14] Syntax Error: Invalid character: U+00ED."},
              {"{ text(x: \"\xC0\xAF\") }", "[1:12] Syntax Error: Invalid character: U+00C0."}});
}

TEST(Edges, StringsTakeEveryCharacterAndEveryEscape) {
  expect_all(
      {{"{ text(x: \"\x07\") }", R"({"data":{"text":"\u0007"}})"},
       {R"({ text(x: "\u{1F600}\uD83D\uDE00\u{61}") })",
        "{\"data\":{\"text\":\"\xF0\x9F\x98\x80\xF0\x9F\x98\x80"
        "a\"}}"},
       {R"({ text(x: "\u{12345678}") })", R"([1:12] Syntax Error: Invalid Unicode escape sequence: "\u{12345678}".)"},
       {R"({ text(x: "\u{000000061}") })", R"([1:12] Syntax Error: Invalid Unicode escape sequence: "\u{000000061".)"},
       {R"({ text(x: "\uDE00\uD83D") })", R"([1:12] Syntax Error: Invalid Unicode escape sequence: "\uDE00".)"},
       {"{ text(x: \"\\\xC3\xA9\") }", "[1:12] Syntax Error: Invalid character escape sequence: \"\\\xC3\xA9\"."}});
}

TEST(Edges, ExecutableDefinitionsMayBeDescribed) {
  expect_all({{R"("what" query Q("why" $x: String) { text(x: $x) } """how""" fragment F on Query { id })",
               "[1:50] Fragment \"F\" is never used."},
              {R"("what" { id })",
               "[1:1] Syntax Error: Unexpected description, descriptions are not supported on shorthand queries."},
              {R"("what" word)",
               "[1:1] Syntax Error: Unexpected description, only GraphQL definitions support descriptions."}});
}

TEST(Edges, ConstantsRefuseVariablesWhereTheyStand) {
  expect_all({{"query ($a: String = $b) { id }", "[1:21] Syntax Error: Unexpected variable \"$b\" in constant value."},
              {"query ($a: String = $) { id }", "[1:21] Syntax Error: Unexpected \"$\"."}});
}

TEST(Edges, AMessageNamesTheWholeTypeOfThePlace) {
  expect_all({{"{ many(x: 5) }", "[1:11] Expected value of type \"[In]\", found 5."},
              {"{ many(x: [5]) }", "[1:12] Expected value of type \"In\", found 5."},
              {"{ many(x: \"\\u0001\\u007f\\\"\") }",
               "[1:11] Expected value of type \"[In]\", found \"\\u0001\\u007F\\\"\"."}});
}

TEST(Edges, OneOfTakesExactlyOneKey) {
  const std::string exactly = "OneOf Input Object \"One\" must specify exactly one key.";
  expect_all(
      {{"{ one(x: {}) }", "[1:10] " + exactly},
       {"{ one(x: {a: 1, b: \"\"}) }", "[1:10] " + exactly},
       {"{ one(x: {a: null}) }", "[1:10] Field \"One.a\" must be non-null."},
       {"query ($a: Int) { one(x: {a: $a}) }",
        "[1:8 1:30] Variable \"$a\" is of type \"Int\" but must be non-nullable to be used for OneOf Input Object "
        "\"One\"."},
       {"query ($x: One) { one(x: $x) }",
        "[1:8] Variable \"$x\" got invalid value {}; Exactly one key must be specified for OneOf type \"One\".",
        R"({"x":{}})"},
       {"query ($x: One) { one(x: $x) }",
        "[1:8] Variable \"$x\" got invalid value null at \"x.a\"; Field \"a\" must be non-null.",
        R"({"x":{"a":null}})"},
       {"query ($x: One) { one(x: $x) }", R"({"data":{"one":""}})", R"({"x":{"b":"y"}})"}});
}

TEST(Edges, NumbersAreShownAndReadAsJavaScriptDoes) {
  expect_all(
      {{"query ($x: ID) { id(x: $x) }", R"({"data":{"id":"1"}})", R"({"x":1.0})"},
       {"query ($x: String) { text(x: $x) }",
        "[1:8] Variable \"$x\" got invalid value 1; String cannot represent a non string value: 1", R"({"x":1.0})"},
       {"{ thing { id } }", R"({"data":{"thing":{"id":"7"}}})"}});
}

TEST(Edges, ConflictsNameTheTwoFieldsThatConflict) {
  const auto conflict = [](const std::string& places, const std::string& key, const std::string& why) {
    return places + " Fields \"" + key + "\" conflict because " + why +
           ". Use different aliases on the fields to fetch both if this was intentional.";
  };
  const std::string different = "\"id\" and \"name\" are different fields";
  expect_all({{"{ thing { id } thing { x: id x: name } }", conflict("[1:24 1:30]", "x", different)},
              {"{ thing { x: id } thing { same } thing { x: name } }",
               conflict("[1:3 1:11 1:34 1:42]", "thing", "subfields \"x\" conflict because " + different)},
              {"{ node { ... on Thing { same } ... on Stone { same } } }",
               conflict("[1:25 1:47]", "same", "they return conflicting types \"Int\" and \"String\"")},
              {"{ any(x: {a: [1, 2], b: \"c\"}) any(x: {b: \"c\", a: [1, 2]}) }", R"({"data":{"any":""}})"},
              {"{ any(x: {a: [1, 2]}) any(x: {a: [2, 1]}) }",
               conflict("[1:3 1:23]", "any", "they have differing arguments")}});
}

TEST(Edges, AConditionWithoutAValueNullsTheObjectItIsIn) {
  const std::string message = R"("Argument \"if\" of non-null type \"Boolean!\" must not be null.")";
  const std::string code = R"("extensions":{"code":"BAD_USER_INPUT"}}],)";
  const std::string given = R"({"b":null})";
  expect_all(
      {{"query ($b: Boolean = true) { id @include(if: $b) text }",
        R"({"errors":[{"message":)" + message + R"(,"locations":[{"line":1,"column":46}],)" + code + R"("data":null})",
        given},
       {"query ($b: Boolean = true) { text thing { id @skip(if: $b) } }",
        R"({"errors":[{"message":)" + message + R"(,"locations":[{"line":1,"column":56}],"path":["thing"],)" + code +
            R"("data":{"text":null,"thing":null}})",
        given},
       {"query ($b: Boolean = true) { text thing { inner { id @skip(if: $b) } } }",
        R"({"errors":[{"message":)" + message + R"(,"locations":[{"line":1,"column":64}],"path":["thing","inner"],)" +
            code + R"("data":{"text":null,"thing":null}})",
        given}});
}

TEST(Edges, AnErrorNamesEveryPlaceOfItsField) {
  expect_all({{"{ thing { name } thing { name ...F } } fragment F on Thing { name }",
               R"({"errors":[{"message":"no name","locations":[{"line":1,"column":11},{"line":1,"column":26},)"
               R"({"line":1,"column":62}],"path":["thing","name"],"extensions":{"code":"GONE"}}],)"
               R"("data":{"thing":{"name":null}}})"}});
}

TEST(Edges, CustomScalarsSeeVariables) {
  expect_all({{"query ($x: String) { any(x: $x) }",
               "[1:8 1:29] Variable \"$x\" of type \"String\" used in position "
               "expecting type \"Any\"."}});
  EXPECT_EQ(arguments_of(schema(), {"query ($x: Int, $y: Int) { any(x: {a: $x, b: $y, c: [$y]}) }", R"({"x":3})"}),
            "x:{a:3,c:[null]}");
}

TEST(Edges, AWordyDocumentIsRefusedBeforeItIsReadWhole) {
  Asked asked{"{ id id id"};
  asked.options.limits.selections_max = 2;
  EXPECT_EQ(shown(refusal(schema(), asked)),
            std::vector<std::string>{"[1:9] Syntax Error: Document contains more than 2 selections. Parsing aborted."});
}

TEST(Edges, AnInputIsFoundByItsKey) {
  const Input input(InputObject{{"a", Input(std::int64_t{1}), true}, {"b", Input(), false}});
  ASSERT_NE(input.find("b"), nullptr);
  EXPECT_FALSE(input.find("b")->given);
  EXPECT_EQ(*input.find("a")->value.as_int(), 1);
  EXPECT_EQ(input.find("c"), nullptr);
  EXPECT_EQ(Input(true).find("a"), nullptr);
}

TEST(Edges, ListItemsCountInAnAnswer) {
  Asked asked{"{ words }"};
  asked.options.limits.resolved_max = 3;
  const auto words = [](std::size_t count) {
    return [count](const RootField&) { return Value(ListValue(count, Value("w"))); };
  };
  EXPECT_EQ(run(schema(), asked, words(2)), R"({"data":{"words":["w","w"]}})");
  EXPECT_EQ(run(schema(), asked, words(9)),
            R"({"errors":[{"message":"The answer has more than 3 fields.","locations":[{"line":1,"column":3}],)"
            R"("path":["words"],"extensions":{"code":"BAD_USER_INPUT"}}],"data":null})");
}

TEST(Edges, AnAnswerIsBounded) {
  Asked asked{"{ thing { a: inner { id } b: inner { id } } }"};
  asked.options.limits.resolved_max = 4;
  const auto answer = [](const RootField&) { return make_object(schema(), "Thing", 7); };
  EXPECT_EQ(run(schema(), asked, answer),
            R"({"errors":[{"message":"The answer has more than 4 fields.","locations":[{"line":1,"column":3}],)"
            R"("path":["thing"],"extensions":{"code":"BAD_USER_INPUT"}}],"data":null})");
  asked.options.limits.resolved_max = 5;
  EXPECT_EQ(run(schema(), asked, answer), R"({"data":{"thing":{"a":{"id":"7"},"b":{"id":"7"}}}})");
  asked.options.limits.answer_bytes_max = 20;
  EXPECT_EQ(run(schema(), asked, answer),
            R"({"errors":[{"message":"The answer has more than 20 bytes.","locations":[{"line":1,"column":3}],)"
            R"("path":["thing"],"extensions":{"code":"BAD_USER_INPUT"}}],"data":null})");
}

}  // namespace
}  // namespace penstock::graphql::test
