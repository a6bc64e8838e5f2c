#include <gtest/gtest.h>

#include "graphql/tests/support.h"

namespace penstock::graphql {
namespace {

using test::arguments_of;
using test::pets;

// Messages and places are those of graphql-js 16.
struct SyntaxCase {
  std::string document;
  std::string error;
};

const SyntaxCase kCases[] = {
    {"", "[1:1] Syntax Error: Unexpected <EOF>."},
    {"{", "[1:2] Syntax Error: Expected Name, found <EOF>."},
    {"{ a", "[1:4] Syntax Error: Expected Name, found <EOF>."},
    {"{ a ", "[1:5] Syntax Error: Expected Name, found <EOF>."},
    {"}", R"gql([1:1] Syntax Error: Unexpected "}".)gql"},
    {"{ a(: 1) }", R"gql([1:5] Syntax Error: Expected Name, found ":".)gql"},
    {"{ a() }", R"gql([1:5] Syntax Error: Expected Name, found ")".)gql"},
    {"{ }", R"gql([1:3] Syntax Error: Expected Name, found "}".)gql"},
    {"query () { a }", R"gql([1:8] Syntax Error: Expected "$", found ")".)gql"},
    {"query Q", R"gql([1:8] Syntax Error: Expected "{", found <EOF>.)gql"},
    {"notanop Foo { field }", R"gql([1:1] Syntax Error: Unexpected Name "notanop".)gql"},
    {"...", R"gql([1:1] Syntax Error: Unexpected "...".)gql"},
    {"{ ...on }", R"gql([1:9] Syntax Error: Expected Name, found "}".)gql"},
    {"fragment on on on { on }", R"gql([1:10] Syntax Error: Unexpected Name "on".)gql"},
    {"fragment F { a }", R"gql([1:12] Syntax Error: Expected "on", found "{".)gql"},
    {"{ a: }", R"gql([1:6] Syntax Error: Expected Name, found "}".)gql"},
    {"{ a(b: ) }", R"gql([1:8] Syntax Error: Unexpected ")".)gql"},
    {"{ a(b: $) }", R"gql([1:9] Syntax Error: Expected Name, found ")".)gql"},
    {"query ($a: Int = $b) { a }", R"gql([1:18] Syntax Error: Unexpected variable "$b" in constant value.)gql"},
    {"query ($a: [Int) { a }", R"gql([1:16] Syntax Error: Expected "]", found ")".)gql"},
    {"query ($a: Int = [1, $b]) { a }", R"gql([1:22] Syntax Error: Unexpected variable "$b" in constant value.)gql"},
    {R"gql({ a(b: "x) })gql", "[1:13] Syntax Error: Unterminated string."},
    {"{ a(b: \"x\n\") }", "[1:10] Syntax Error: Unterminated string."},
    {R"gql({ a(b: "\q") })gql", R"gql([1:9] Syntax Error: Invalid character escape sequence: "\q".)gql"},
    {R"gql({ a(b: "\u12") })gql", R"gql([1:9] Syntax Error: Invalid Unicode escape sequence: "\u12")".)gql"},
    {R"gql({ a(b: "\uD83D") })gql", R"gql([1:9] Syntax Error: Invalid Unicode escape sequence: "\uD83D".)gql"},
    {R"gql({ a(b: "\uDE00") })gql", R"gql([1:9] Syntax Error: Invalid Unicode escape sequence: "\uDE00".)gql"},
    {R"gql({ a(b: "\u{110000}") })gql", R"gql([1:9] Syntax Error: Invalid Unicode escape sequence: "\u{110000}".)gql"},
    {R"gql({ a(b: "\u{}") })gql", R"gql([1:9] Syntax Error: Invalid Unicode escape sequence: "\u{}".)gql"},
    {R"gql({ a(b: "\uD83Dx") })gql", R"gql([1:9] Syntax Error: Invalid Unicode escape sequence: "\uD83D".)gql"},
    {R"gql({ a(b: "\uD83D\u0041") })gql", R"gql([1:9] Syntax Error: Invalid Unicode escape sequence: "\uD83D".)gql"},
    {R"gql({ a(b: """x) })gql", "[1:15] Syntax Error: Unterminated string."},
    {"{ a(b: 00) }", R"gql([1:9] Syntax Error: Invalid number, unexpected digit after 0: "0".)gql"},
    {"{ a(b: 01) }", R"gql([1:9] Syntax Error: Invalid number, unexpected digit after 0: "1".)gql"},
    {"{ a(b: -) }", R"gql([1:9] Syntax Error: Invalid number, expected digit but got: ")".)gql"},
    {"{ a(b: +1) }", R"gql([1:8] Syntax Error: Unexpected character: "+".)gql"},
    {"{ a(b: 1.) }", R"gql([1:10] Syntax Error: Invalid number, expected digit but got: ")".)gql"},
    {"{ a(b: 1.x) }", R"gql([1:10] Syntax Error: Invalid number, expected digit but got: "x".)gql"},
    {"{ a(b: 1e) }", R"gql([1:10] Syntax Error: Invalid number, expected digit but got: ")".)gql"},
    {"{ a(b: 1ex) }", R"gql([1:10] Syntax Error: Invalid number, expected digit but got: "x".)gql"},
    {"{ a(b: 1x) }", R"gql([1:9] Syntax Error: Invalid number, expected digit but got: "x".)gql"},
    {"{ a(b: 1.2.3) }", R"gql([1:11] Syntax Error: Invalid number, expected digit but got: ".".)gql"},
    {"{ a(b: .5) }", R"gql([1:8] Syntax Error: Unexpected character: ".".)gql"},
    {"{ a(b: -x) }", R"gql([1:9] Syntax Error: Invalid number, expected digit but got: "x".)gql"},
    {"{ a(b: 0x1) }", R"gql([1:9] Syntax Error: Invalid number, expected digit but got: "x".)gql"},
    {"{ a(b: 1_) }", R"gql([1:9] Syntax Error: Invalid number, expected digit but got: "_".)gql"},
    {"{ a ? }", R"gql([1:5] Syntax Error: Unexpected character: "?".)gql"},
    {"{ a . b }", R"gql([1:5] Syntax Error: Unexpected character: ".".)gql"},
    {"{ a .. b }", R"gql([1:5] Syntax Error: Unexpected character: ".".)gql"},
    {"{ 'a' }",
     R"gql([1:3] Syntax Error: Unexpected single quote character ('), did you mean to use a double quote (")?)gql"},
    {"{ \303\251 }", "[1:3] Syntax Error: Unexpected character: U+00E9."},
    {"{ \360\237\230\200 }", "[1:3] Syntax Error: Unexpected character: U+1F600."},
    {"\357\273\277{ a", "[1:5] Syntax Error: Expected Name, found <EOF>."},
    {"# c\n{ a\n  ^ }", R"gql([3:3] Syntax Error: Unexpected character: "^".)gql"},
    {"{ a @ }", R"gql([1:7] Syntax Error: Expected Name, found "}".)gql"},
    {"{ a @b( ) }", R"gql([1:9] Syntax Error: Expected Name, found ")".)gql"},
    {"query Q { a } }", R"gql([1:15] Syntax Error: Unexpected "}".)gql"},
    {"{ a(b: {c: }) }", R"gql([1:12] Syntax Error: Unexpected "}".)gql"},
    {"{ a(b: {c 1}) }", R"gql([1:11] Syntax Error: Expected ":", found Int "1".)gql"},
    {"{ a(b: [1, }) }", R"gql([1:12] Syntax Error: Unexpected "}".)gql"},
    {"{ a b: { c } ", R"gql([1:8] Syntax Error: Expected Name, found "{".)gql"},
    {R"gql({ "a" })gql", R"gql([1:3] Syntax Error: Expected Name, found String "a".)gql"},
    {"{ 1 }", R"gql([1:3] Syntax Error: Expected Name, found Int "1".)gql"},
    {"{ 1.5 }", R"gql([1:3] Syntax Error: Expected Name, found Float "1.5".)gql"},
    {"{ \"\"\"b\nc\"\"\" }", "[1:3] Syntax Error: Expected Name, found BlockString \"b\nc\"."},
    {"query Q($a) { b }", R"gql([1:11] Syntax Error: Expected ":", found ")".)gql"},
    {"query Q($a: !) { b }", R"gql([1:13] Syntax Error: Expected Name, found "!".)gql"},
    {"query Q($a: Int!!) { b }", R"gql([1:17] Syntax Error: Expected "$", found "!".)gql"},
    {"subscription S { a", "[1:19] Syntax Error: Expected Name, found <EOF>."},
    {"{ a(b: \"tab\there\") @", "[1:21] Syntax Error: Expected Name, found <EOF>."},
    {"{ a\r\n  b\r  ! }", R"gql([3:3] Syntax Error: Expected Name, found "!".)gql"},
    {R"gql({ a(b: "\") })gql", "[1:14] Syntax Error: Unterminated string."},
    {R"gql({ a(b: "\)gql", R"gql([1:9] Syntax Error: Invalid character escape sequence: "\".)gql"},
    {"\342\200\213{ a }", "[1:1] Syntax Error: Unexpected character: U+200B."},
    {"{ a & b }", R"gql([1:5] Syntax Error: Expected Name, found "&".)gql"},
    {"mutation M { a } { ", "[1:20] Syntax Error: Expected Name, found <EOF>."},
};

TEST(Syntax, ErrorsAreThoseOfGraphqlJs) {
  for (const SyntaxCase& c : kCases) {
    const auto refused = test::refusal(pets(), {c.document});
    ASSERT_EQ(refused.size(), 1u) << c.document;
    EXPECT_EQ(test::shown(refused.front()), c.error) << c.document;
    EXPECT_EQ(refused.front().code, kParseFailed);
  }
}

TEST(Syntax, IgnoresCommasCommentsAndByteOrderMark) {
  EXPECT_EQ(arguments_of(pets(), {"\xEF\xBB\xBF# c\r\n,,{,number,(n:,1,f:2 # {\n)}\t\n# end"}), "n:1 f:2.0");
}

TEST(Syntax, StringsAreUnescaped) {
  EXPECT_EQ(arguments_of(pets(), {R"({ number(s: "a\"\\\/\b\f\n\r\t\u0041\u00e9\uD83D\uDE00\u{1F600}") })"}),
            "s:\"a\\\"\\\\/\\b\\f\\n\\r\\tA\303\251\360\237\230\200\360\237\230\200\"");
  EXPECT_EQ(arguments_of(pets(), {"{ number(s: \"\") }"}), "s:\"\"");
  EXPECT_EQ(arguments_of(pets(), {"{ number(s: \"# no comment\") }"}), "s:\"# no comment\"");
}

TEST(Syntax, BlockStringsLoseIndentAndBlankEnds) {
  const auto block = [](const std::string& raw) {
    return arguments_of(pets(), {"{ number(s: \"\"\"" + raw + "\"\"\") }"});
  };
  EXPECT_EQ(block("\n\n    a\n      b\n\n    c\n  \n"), R"(s:"a\n  b\n\nc")");
  EXPECT_EQ(block("first\n   second\r\n   third\r   fourth"), R"(s:"first\nsecond\nthird\nfourth")");
  EXPECT_EQ(block("a \\\"\"\" b \\n \"\" c"), R"(s:"a \"\"\" b \\n \"\" c")");
  EXPECT_EQ(block(""), R"(s:"")");
  EXPECT_EQ(block("  \n \t\n"), R"(s:"")");
}

TEST(Syntax, MessagesAboutBytesThatAreNoUtf8AreJson) {
  for (const char* text : {"{ number(s: \"\\u00e\xD1\") }", "{ number(s: \"\\\xD1\") }", "{ number(s: \"\xD1\") }",
                           "{ \xD1 }", "# \xFF"}) {
    const auto refused = test::refusal(pets(), {text});
    ASSERT_EQ(refused.size(), 1u) << text;
    EXPECT_TRUE(json::check(errors_body(refused)).has_value()) << errors_body(refused);
  }
}

TEST(Syntax, KeywordsAreNamesWhereNamesAreWanted) {
  const auto schema = test::schema_from(
      "type Query { query: Int on: Int fragment(type: Int, null: Int): Int true: Query } input input { enum: Int }");
  const char* text =
      "query query { on fragment(type: 1, null: null) true { ...fragment query: on } } "
      "fragment fragment on Query { true { on } }";
  EXPECT_TRUE(test::refusal(*schema, {text}).empty());
}

TEST(Syntax, NumbersKeepTheirKind) {
  EXPECT_EQ(arguments_of(pets(), {"{ number(n: -0, f: 1.5e2) }"}), "n:0 f:150.0");
  EXPECT_EQ(arguments_of(pets(), {"{ number(n: -2147483648, f: -1E-2, id: 12345678901234567890) }"}),
            "n:-2147483648 f:-0.01 id:\"12345678901234567890\"");
}

}  // namespace
}  // namespace penstock::graphql
