#include "json/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace penstock::json {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

const std::vector<std::string>& valid_texts() {
  static const std::vector<std::string> kTexts = {"null",
                                                  "true",
                                                  "false",
                                                  "0",
                                                  "-0",
                                                  "-1",
                                                  "1.5",
                                                  "1e5",
                                                  "1E+5",
                                                  "1e-5",
                                                  "\"\"",
                                                  "[]",
                                                  "{}",
                                                  " [ 1 , 2 ] ",
                                                  "\t\r\n{\"a\" : null}\n",
                                                  "9223372036854775807",
                                                  "-9223372036854775808",
                                                  "18446744073709551616",
                                                  "123456789012345678901234567890.123456789",
                                                  "\"\\u0000\"",
                                                  "\"\\ud83d\\ude00\"",
                                                  "\"\xf0\x9f\x98\x80\"",
                                                  "\"\x7f\"",
                                                  "\"\\/\\b\\f\\n\\r\\t\\\"\\\\\"",
                                                  "\"\\ud800\"",
                                                  "\"\\ude00x\"",
                                                  "\"\\ud83dx\\ud83d\\ude00\"",
                                                  "\"\\ud83d\\ud83d\\ude00\"",
                                                  "1e-400",
                                                  "1e-99999999999",
                                                  "0e99999999999",
                                                  "{\"a\":1,\"a\":2}",
                                                  "-0." + std::string(500, '0') + "1",
                                                  std::string(300, '9'),
                                                  nested(64)};
  return kTexts;
}

TEST(Json, AcceptsEveryValidText) {
  for (const std::string& text : valid_texts()) {
    EXPECT_TRUE(check(text).has_value()) << text << ": " << check(text).error().message;
    EXPECT_TRUE(parse(text).has_value()) << text << ": " << parse(text).error().message;
  }
}

TEST(Json, RefusesWhatIsNotStrictJson) {
  const std::vector<std::string> texts = {"",
                                          " ",
                                          "nul",
                                          "nulll",
                                          "True",
                                          "NaN",
                                          "Infinity",
                                          "-Infinity",
                                          "-",
                                          "+1",
                                          "01",
                                          "-01",
                                          "1.",
                                          ".5",
                                          "1e",
                                          "1e+",
                                          "0x10",
                                          "1 2",
                                          "[1,]",
                                          "[,1]",
                                          "[1 2]",
                                          "{\"a\":1,}",
                                          "{\"a\"}",
                                          "{\"a\":}",
                                          "{a:1}",
                                          "{'a':1}",
                                          "{1:2}",
                                          "[1",
                                          "{\"a\":1",
                                          "\"abc",
                                          "\"\\x\"",
                                          "\"\\u12\"",
                                          "\"\\u12g4\"",
                                          "\"a\nb\"",
                                          "\"a\x01\"",
                                          "// x\n1",
                                          "/* x */ 1",
                                          "\xef\xbb\xbf{}",
                                          "{}\0"s,
                                          "\0"s,
                                          "\"a\0b\""s,
                                          "\"\xff\"",
                                          "\"\xc0\x80\"",
                                          "\"\xed\xa0\x80\"",
                                          "\"\xf4\x90\x80\x80\"",
                                          "\"\xe2\x82\"",
                                          "\"\xe2\x82",
                                          "{} x",
                                          "[]]",
                                          "}",
                                          "]",
                                          "1\xc2\xa0",
                                          "1e99999999999x",
                                          "\"\\ud800",
                                          "\"\\ud800\\\"",
                                          "\"\\ud800\\u12\"",
                                          nested(65),
                                          std::string(100'000, '['),
                                          "{\"\xff\":1}",
                                          "\"\\ud800\xff\"",
                                          "1e99999999999,",
                                          "[1e99999999999 1]"};
  for (const std::string& text : texts) {
    ASSERT_FALSE(check(text).has_value()) << text.substr(0, 80);
    EXPECT_EQ(check(text).error().code, Errc::invalid);
    EXPECT_FALSE(parse(text).has_value()) << text.substr(0, 80);
    EXPECT_FALSE(split_object(text).has_value()) << text.substr(0, 80);
  }
}

TEST(Json, ErrorsNameTheByte) {
  EXPECT_EQ(parse("{\"a\": x}").error().message, "not valid JSON: an unexpected byte at byte 6");
  EXPECT_EQ(check("[1, 2").error().message, "not valid JSON: the text ends too early at byte 5");
  EXPECT_EQ(check("{} {}").error().message, "not valid JSON: more text after the end of the value at byte 3");
  EXPECT_EQ(check("[[1]]", {.depth = 1}).error().message, "not valid JSON: nested too deeply at byte 1");
  EXPECT_EQ(parse("[1, 1e400]").error().message, "not valid JSON: a number that does not fit a double at byte 4");
  EXPECT_EQ(parse("[1, -1e99999999999]").error().message,
            "not valid JSON: a number that does not fit a double at byte 4");
  EXPECT_EQ(parse(std::string(400, '9')).error().message,
            "not valid JSON: a number that does not fit a double at byte 0");
}

TEST(Json, FindsWhatIsNoPlainCharacterWhereverItStands) {
  for (std::size_t size = 1; size <= 70; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      const auto with = [&](std::string_view character) {
        std::string text(size, 'x');
        text.replace(at, 1, character);
        return "\"" + text + "\"";
      };
      for (const char* good : {" ", "~", "\x7f", "\\\"", "\\u00e4", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"}) {
        EXPECT_TRUE(check(with(good)).has_value()) << good << " at " << at << " of " << size;
      }
      for (const std::string_view bad : {"\0"sv, "\x1f"sv, "\""sv, "\\x"sv, "\x80"sv, "\xc3"sv, "\xf0\x9f\x98"sv}) {
        EXPECT_FALSE(check(with(bad)).has_value()) << bad << " at " << at << " of " << size;
      }
    }
  }
}

TEST(Json, TakesTheCharactersOfUnicodeAndNothingElse) {
  const auto takes = [](std::string_view bytes) { return check("\"" + std::string(bytes) + "\"").has_value(); };
  const struct {
    unsigned first;
    unsigned last;
    std::size_t size;
  } ranges[] = {{0x80, 0x7ff, 2}, {0x800, 0xd7ff, 3}, {0xe000, 0xffff, 3}, {0x10000, 0x10ffff, 4}};
  const auto encoded = [](unsigned code, std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t i = size; i-- > 1; code >>= 6) bytes[i] = static_cast<char>(0x80 | (code & 0x3f));
    const unsigned mark = size == 2 ? 0xc0 : size == 3 ? 0xe0 : 0xf0;
    bytes[0] = static_cast<char>(mark | code);
    return bytes;
  };
  for (const auto& [first, last, size] : ranges) {
    ASSERT_TRUE(takes(encoded(last, size))) << last;
    for (unsigned code = first; code <= last; code += size < 4 ? 1 : 61) {
      ASSERT_TRUE(takes(encoded(code, size))) << code;
      ASSERT_FALSE(takes(encoded(code, size).substr(0, size - 1))) << code << " cut short";
      if (size < 4) ASSERT_FALSE(takes(encoded(code, size + 1))) << code << " in a byte more than it needs";
    }
  }
  for (unsigned code = 0xd800; code < 0xe000; ++code) ASSERT_FALSE(takes(encoded(code, 3))) << code;
  for (unsigned code = 0x110000; code < 0x200000; code += 0x3ff) ASSERT_FALSE(takes(encoded(code, 4))) << code;
}

TEST(Json, DepthCountsWhatIsInsideEachOtherOnly) {
  for (const std::string side_by_side : {"[[],[],[]]", "[{},{},{}]", "{\"a\":{},\"b\":[],\"c\":{}}"}) {
    EXPECT_TRUE(check(side_by_side, {.depth = 2}).has_value()) << side_by_side;
    EXPECT_FALSE(check(side_by_side, {.depth = 1}).has_value()) << side_by_side;
  }
}

TEST(Json, NumbersBeyondDoubleAreTextToCheckAndSplit) {
  for (const std::string number : {"1e400", "-1e400", "1e99999999999", "1E+99999999999"}) {
    EXPECT_TRUE(check(number).has_value()) << number;
    const std::string text = "{\"input\":" + number + "}";
    const auto members = split_object(text);
    ASSERT_TRUE(members.has_value()) << number;
    EXPECT_EQ(members->front().value, number);
    EXPECT_FALSE(parse(text).has_value()) << number;
  }
}

TEST(Json, NumbersKeepTheirKind) {
  EXPECT_EQ(*parse("42"), Value(42));
  EXPECT_EQ(*parse("-9223372036854775808"), Value(std::numeric_limits<std::int64_t>::min()));
  EXPECT_EQ(*parse("9223372036854775807"), Value(std::numeric_limits<std::int64_t>::max()));
  EXPECT_EQ(*parse("9223372036854775808"), Value(9223372036854775808.0));
  EXPECT_EQ(*parse("-9223372036854775809"), Value(-9223372036854775809.0));
  EXPECT_EQ(*parse("1.0"), Value(1.0));
  EXPECT_EQ(*parse("1e2"), Value(100.0));
  EXPECT_EQ(*parse("1e-400"), Value(0.0));
  EXPECT_EQ(*parse("0e99999999999"), Value(0.0));
  // Correctly rounded, which Boost's own reading is not.
  EXPECT_EQ(*parse("8.41e22"), Value(8.41e22));
  EXPECT_EQ(*parse("2.2250738585072011e-308"), Value(2.2250738585072011e-308));
  EXPECT_EQ(*parse("0.30000000000000004"), Value(0.1 + 0.2));
}

TEST(Json, ReadsStrings) {
  EXPECT_EQ(*parse("\"a\\u00e9\\ud83d\\ude00\\u0000\\n\""), Value("a\xc3\xa9\xf0\x9f\x98\x80\0\n"s));
  EXPECT_EQ(*parse("\"\\ud800\""), Value("\xef\xbf\xbd"));
  EXPECT_EQ(*parse("\"\\ud83dx\\ud83d\\ude00\\\\ud800\""), Value("\xef\xbf\xbdx\xf0\x9f\x98\x80\\ud800"));
  EXPECT_EQ(*parse("[\"\\\"\", \"\\ude00\", 1e5]"), Value(Array{"\"", "\xef\xbf\xbd", 100000.0}));
  const std::string big(300'000, 'x');
  EXPECT_EQ(*parse("\"\\n" + big + "\""), Value("\n" + big));
}

TEST(Json, ReadsNestedValuesInOrder) {
  const auto value = parse(R"({"b":[1,"two",{"c":null}],"a":{},"d":[]})");
  ASSERT_TRUE(value.has_value());
  const Value expected(Object{{"b", Array{1, "two", Object{{"c", nullptr}}}}, {"a", Object{}}, {"d", Array{}}});
  EXPECT_EQ(*value, expected);
  EXPECT_EQ(write(*value), R"({"b":[1,"two",{"c":null}],"a":{},"d":[]})");
  EXPECT_EQ(*value->find("a"), Value(Object{}));
  EXPECT_EQ(value->find("x"), nullptr);
  EXPECT_EQ(Value(1).find("x"), nullptr);
}

TEST(Json, LastValueOfARepeatedKeyWins) {
  EXPECT_EQ(write(*parse(R"({"a":1,"b":2,"a":3})")), R"({"a":3,"b":2})");
  std::string text = "{";
  for (int i = 0; i < 50; ++i) text += "\"k" + std::to_string(i % 20) + "\":" + std::to_string(i) + ",";
  text.back() = '}';
  const auto value = parse(text);
  ASSERT_TRUE(value.has_value());
  ASSERT_EQ(value->as_object()->size(), 20U);
  EXPECT_EQ(value->as_object()->front(), Member("k0", 40));
  EXPECT_EQ(value->as_object()->back(), Member("k19", 39));
}

TEST(Json, WritesCompactly) {
  EXPECT_EQ(write(Value(Array{nullptr, true, false, 1, -2.5, 3.0, 1e30, -0.0, "x"})),
            "[null,true,false,1,-2.5,3.0,1e+30,-0.0,\"x\"]");
  EXPECT_EQ(write(Value(std::nan(""))), "null");
  EXPECT_EQ(write(Value(std::numeric_limits<double>::infinity())), "null");
  EXPECT_EQ(write(Value("\"\\\b\f\n\r\t\x01\x1f\0/\xc3\xa9"s)),
            "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\\u0000/\xc3\xa9\"");
  EXPECT_EQ(write(Value(std::numeric_limits<std::int64_t>::min())), "-9223372036854775808");
}

TEST(Json, WrittenValuesReadBackTheSame) {
  for (const std::string& text : valid_texts()) {
    const Value value = *parse(text);
    const auto again = parse(write(value));
    ASSERT_TRUE(again.has_value()) << text;
    EXPECT_EQ(*again, value) << text;
  }
  for (const double number : {5e-324, 1.7976931348623157e308, 0.1, 1.0 / 3, 1e15, 1e16, 123456789.0}) {
    EXPECT_EQ(*parse(write(Value(number))), Value(number));
  }
}

TEST(Json, NamesTypes) {
  const std::pair<Value, std::string_view> kinds[] = {{nullptr, "null"},   {true, "boolean"}, {1, "number"},
                                                      {1.5, "number"},     {"", "string"},    {Array{}, "array"},
                                                      {Object{}, "object"}};
  for (const auto& [value, name] : kinds) EXPECT_EQ(value.type_name(), name);
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

Pairs split(std::string_view text) {
  Pairs pairs;
  const auto members = split_object(text);
  if (!members) return {{"error", members.error().message}};
  for (const RawMember& member : *members) pairs.emplace_back(member.key, member.value);
  return pairs;
}

TEST(SplitObject, KeepsTheBytesOfEveryValue) {
  EXPECT_EQ(split(R"({"input": {"z":1.0,"a":12345678901234567890}})"),
            (Pairs{{"input", R"({"z":1.0,"a":12345678901234567890})"}}));
  EXPECT_EQ(split(" {\n \"a\" : 7.50 ,\"b\":[ 1 , {\"x\" : \"]}\"} ] , \"c\":\"q\\\"}\\\\\" ,\"d\":-0\t} "),
            (Pairs{{"a", "7.50"}, {"b", "[ 1 , {\"x\" : \"]}\"} ]"}, {"c", "\"q\\\"}\\\\\""}, {"d", "-0"}}));
  EXPECT_EQ(split("{}"), Pairs{});
  EXPECT_EQ(split(" { } "), Pairs{});
  EXPECT_EQ(split(R"({"a":1,"a":null,"":true})"), (Pairs{{"a", "1"}, {"a", "null"}, {"", "true"}}));
  EXPECT_EQ(split(R"({"\u0061\"\n":{},"b":"\ud800","c":1e999999999999})"),
            (Pairs{{"a\"\n", "{}"}, {"b", "\"\\ud800\""}, {"c", "1e999999999999"}}));
  EXPECT_EQ(split(R"({"a":{"a":{"b":1}},"b":[[{"c":2}]]})"),
            (Pairs{{"a", R"({"a":{"b":1}})"}, {"b", R"([[{"c":2}]])"}}));
}

TEST(SplitObject, RefusesWhatIsNoObject) {
  for (const char* text : {"[]", "1", "\"{}\"", "null", "[{\"a\":1}]"}) {
    const auto members = split_object(text);
    ASSERT_FALSE(members.has_value()) << text;
    EXPECT_EQ(members.error().code, Errc::invalid);
    EXPECT_EQ(members.error().message, "the JSON text is not an object: an object {...} is accepted");
  }
}

TEST(SplitArray, KeepsTheBytesOfEveryElement) {
  using Texts = std::vector<std::string_view>;
  EXPECT_EQ(*split_array("[]"), Texts{});
  EXPECT_EQ(*split_array(" [ ] "), Texts{});
  EXPECT_EQ(*split_array(R"( [7.50 ,"a,]",[1, {"b":2}] , {"x" : "]"},null])"),
            (Texts{"7.50", R"("a,]")", R"([1, {"b":2}])", R"({"x" : "]"})", "null"}));
  EXPECT_EQ(split_array("{}").error().message, "the JSON text is not an array: an array [...] is accepted");
  EXPECT_FALSE(split_array("[1,]").has_value());
  EXPECT_FALSE(split_array("[1").has_value());
  EXPECT_FALSE(split_array("").has_value());
}

TEST(SplitObject, LimitsTheDepth) {
  const std::string text = "{\"a\":" + nested(3) + "}";
  EXPECT_TRUE(split_object(text, {.depth = 4}).has_value());
  EXPECT_FALSE(split_object(text, {.depth = 3}).has_value());
}

}  // namespace
}  // namespace penstock::json
