#include <gtest/gtest.h>

#include <chrono>

#include "graphql/tests/support.h"

namespace penstock::graphql {
namespace {

using test::pets;

std::string repeated(const std::string& text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

/// Runs something that must not cost much, however large its input: a mistake here is minutes, not milliseconds, so the
/// bound is far away from the wanted time and holds under sanitizers too.
template <class F>
auto quickly(F function) {
  const auto start = std::chrono::steady_clock::now();
  auto result = function();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  return result;
}

/// Bounds that one test wants out of the way.
PrepareOptions without_bounds_of_text() {
  PrepareOptions options;
  options.limits.aliases_max = options.limits.spreads_max = 1'000'000;
  return options;
}

std::vector<GraphqlError> refused(const std::string& text, const std::string& variables = {},
                                  const PrepareOptions& options = without_bounds_of_text()) {
  return quickly([&] { return test::refusal(pets(), {text, variables, {}, options}); });
}

std::size_t bytes_of(const std::vector<GraphqlError>& errors) {
  return errors_body(errors).size();
}

constexpr std::size_t kMiB = 1024 * 1024;

TEST(Bounds, OpenBracesAreRefusedAtOnce) {
  EXPECT_EQ(refused(repeated("{", kMiB)).size(), 1u);
  EXPECT_EQ(refused("{ matrix(m: " + repeated("[", kMiB)).size(), 1u);
  EXPECT_EQ(refused("{ pet(filter: " + repeated("{a:", kMiB / 3)).size(), 1u);
  EXPECT_EQ(refused("query ($a: " + repeated("[", kMiB)).size(), 1u);
  EXPECT_EQ(refused(repeated("{ dog ", kMiB / 6)).size(), 1u);
  EXPECT_EQ(refused(repeated("{ ... ", kMiB / 6)).size(), 1u);
}

TEST(Bounds, TokensAreCounted) {
  const auto errors = refused("{ matrix(m: [" + repeated("1 ", kMiB / 2) + "]) }");
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_NE(errors.front().message.find("tokens"), std::string::npos) << errors.front().message;
}

TEST(Bounds, AliasesAreCounted) {
  std::string aliases = "{";
  for (int i = 0; aliases.size() < kMiB; ++i) aliases += "a" + std::to_string(i) + ":flag ";
  const auto errors = refused(aliases + "}", {}, {});
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors.front().message, "Syntax Error: Document contains more than 1000 aliases. Parsing aborted.");
  EXPECT_EQ(refused(aliases + "}").size(), 1u) << "the selections are too many also";
}

TEST(Bounds, SpreadsAreCounted) {
  const auto errors = refused("{" + repeated("...F ", 1'001) + "} fragment F on Query { flag }", {}, {});
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors.front().message,
            "Syntax Error: Document contains more than 1000 fragment spreads. Parsing aborted.");
}

TEST(Bounds, SettingsAreObeyed) {
  PrepareOptions options;
  options.limits.tokens_max = 5;
  EXPECT_EQ(test::refusal(pets(), {"{ flag }", "", "", options}).size(), 0u);
  EXPECT_EQ(test::refusal(pets(), {"{ flag matrix trick number }", "", "", options}).size(), 1u);
  options = {};
  options.limits.depth_max = 3;
  EXPECT_EQ(test::refusal(pets(), {"{ dog { owner { name } } }", "", "", options}).size(), 0u);
  EXPECT_EQ(test::refusal(pets(), {"{ dog { owner { pets { __typename } } } }", "", "", options}).size(), 1u);
  options = {};
  options.limits.aliases_max = options.limits.spreads_max = 2;
  EXPECT_EQ(test::refusal(pets(), {"{ a: flag b: flag }", "", "", options}).size(), 0u);
  EXPECT_EQ(test::refusal(pets(), {"{ a: flag b: flag c: flag }", "", "", options}).size(), 1u);
  EXPECT_EQ(test::refusal(pets(), {"{ ...F ...F } fragment F on Query { flag }", "", "", options}).size(), 0u);
  EXPECT_EQ(test::refusal(pets(), {"{ ...F ...F ...F } fragment F on Query { flag }", "", "", options}).size(), 1u);
  options = {};
  options.limits.selections_max = 10;
  EXPECT_EQ(test::refusal(pets(), {"{" + repeated("flag ", 8) + "}", "", "", options}).size(), 0u);
  EXPECT_EQ(test::refusal(pets(), {"{" + repeated("flag ", 12) + "}", "", "", options}).size(), 1u);
}

TEST(Bounds, DepthIsCountedThroughFragments) {
  // Within the bounds of the text, but thousands of levels deep when the fragments are followed.
  std::string text = "{ __type(name: \"Dog\") { ...F0 } }";
  for (int i = 0; i < 200; ++i) {
    const std::string next = i < 199 ? "...F" + std::to_string(i + 1) : "name";
    text +=
        " fragment F" + std::to_string(i) + " on __Type {" + repeated(" ofType {", 95) + next + repeated("}", 95) + "}";
  }
  EXPECT_FALSE(refused(text).empty());
  std::string inline_text = "{ ...F0 }";
  for (int i = 0; i < 200; ++i) {
    const std::string next = i < 199 ? "...F" + std::to_string(i + 1) : "flag";
    inline_text +=
        " fragment F" + std::to_string(i) + " on Query {" + repeated(" ... {", 95) + next + repeated("}", 95) + "}";
  }
  EXPECT_FALSE(refused(inline_text).empty());
}

TEST(Bounds, FragmentsThatDoubleAreRefused) {
  std::string text = "{ dog { ...F0 } }";
  for (int i = 0; i < 40; ++i) {
    const std::string next = i < 39 ? "...F" + std::to_string(i + 1) : "name";
    text += " fragment F" + std::to_string(i) + " on Dog { a: owner { pets { ... on Dog {" + next +
            "} } } b: owner { pets { ... on Dog {" + next + "} } } }";
  }
  EXPECT_FALSE(refused(text).empty());
}

TEST(Bounds, ManyOperationsOverManySpreads) {
  std::string text;
  for (int i = 0; i < 900; ++i) text += "query Q" + std::to_string(i) + "($v: Boolean) {...F} ";
  text += "fragment F on Query {" + repeated("...G ", 40'000) + "} fragment G on Query { " +
          repeated("flag(on: $v) ", 9'000) + "}";
  refused(text);
}

TEST(Bounds, ManyVariables) {
  std::string definitions;
  std::string uses;
  std::string values;
  for (int i = 0; i < 15'000; ++i) {
    const std::string name = "v" + std::to_string(i);
    definitions += "$" + name + ": Boolean ";
    uses += name + ": flag(on: $" + name + ") ";
    values += (i > 0 ? ",\"" : "\"") + name + "\":true";
  }
  refused("query (" + definitions + ") {" + uses + "}", "{" + values + "}");
}

TEST(Bounds, CyclesInAWideWeb) {
  std::string text = "{ dog { ...F0 } }";
  for (int i = 0; i < 900; ++i) {
    text += " fragment F" + std::to_string(i) + " on Dog {";
    for (int j = 1; j <= 60; ++j) text += "...F" + std::to_string((i + j) % 900) + " ";
    text += "}";
  }
  const auto errors = refused(text);
  EXPECT_FALSE(errors.empty());
  EXPECT_LT(bytes_of(errors), kMiB);
}

TEST(Bounds, WrongKeysInVariablesAreNotAllNamed) {
  std::string keys = "\"name\":\"" + repeated("x", 100'000) + "\"";
  for (int i = 0; i < 60'000; ++i) keys += ",\"nam" + std::to_string(i) + "\":1";
  const auto errors = refused("mutation ($i: Toy!) { addToy(input: $i) }", "{\"i\":{" + keys + "}}");
  EXPECT_FALSE(errors.empty());
  EXPECT_LT(bytes_of(errors), kMiB);
}

TEST(Bounds, WrongItemsInVariablesAreNotAllNamed) {
  const auto errors =
      refused("query ($m: [[Int]]) { matrix(m: $m) }", "{\"m\":[" + repeated("\"x\",", 200'000) + "1]}");
  EXPECT_FALSE(errors.empty());
  EXPECT_LT(bytes_of(errors), kMiB);
}

TEST(Bounds, LongTextsAreReadOnce) {
  EXPECT_TRUE(refused("{ number(s: \"\"\"" + repeated("\n", kMiB) + "\"\"\") }").empty());
  EXPECT_TRUE(refused("{ number(s: \"" + repeated("\\u00e9\xC3\xA9", kMiB / 8) + "\") }").empty());
  EXPECT_TRUE(refused("{" + repeated("#\xC3\xA9\n", kMiB / 4) + repeated(",", kMiB) + "flag }").empty());
  EXPECT_FALSE(refused("{ number(n: " + repeated("9", kMiB) + ") }").empty());
  EXPECT_FALSE(refused("{ " + repeated("name", kMiB / 4) + " }").empty());
  EXPECT_FALSE(refused("{ number(" + repeated("name", kMiB / 4) + ": 1) }").empty());
}

TEST(Bounds, ValidationStopsAfterManyErrors) {
  EXPECT_LE(refused("{" + repeated("dgo ", 19'000) + "}").size(), 101u);
  EXPECT_LE(refused("{ flag" + repeated("(on: 1)", 1) + repeated(" x", 19'000) + "}").size(), 101u);
}

TEST(Bounds, AnAnswerThatFeedsOnItselfEnds) {
  // Objects that refer to each other: every level is 40 times as wide as the one above.
  const auto schema = test::schema_from("type Query { node: Node } type Node { next: [Node!] leaf: Int }");
  Binder<int>(*schema, "Node").field("leaf", [](const int& n) { return Value(n); }).field("next", [&](const int& n) {
    return Value(ListValue(40, make_object(*schema, "Node", n + 1)));
  });
  const std::string text = "{ node " + repeated("{ leaf next ", 30) + "{ leaf }" + repeated("}", 30) + " }";
  const auto start = std::chrono::steady_clock::now();
  const std::string answer =
      test::run(*schema, {text}, [&](const RootField&) { return make_object(*schema, "Node", 0); });
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
  EXPECT_TRUE(answer.starts_with("{\"errors\":[")) << answer.substr(0, 300);
  EXPECT_TRUE(answer.ends_with("\"data\":null}")) << answer.substr(0, 300);
}

}  // namespace
}  // namespace penstock::graphql
