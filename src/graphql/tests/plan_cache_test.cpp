#include "graphql/plan_cache.h"

#include <gtest/gtest.h>

#include "graphql/tests/support.h"

namespace penstock::graphql {
namespace {

using Prepared = std::variant<Request, std::vector<GraphqlError>>;

class PlanCacheTest : public testing::Test {
 protected:
  /// Prepares a text and gives back the arguments of its first root field, or its first error.
  std::string ask(std::string text, const std::string* operation = nullptr) {
    Prepared prepared = cache.prepare(std::move(text), operation, nullptr);
    if (const auto* errors = std::get_if<std::vector<GraphqlError>>(&prepared)) return test::shown(errors->front());
    auto& request = std::get<Request>(prepared);
    const RootField* field = request.next_root();
    if (!field) return request.finish();
    const TypeDef& root = *test::pets().root(request.type());
    return test::shown(*field->args, test::pets().field(root, field->name)->args);
  }

  PlanCache cache{test::pets(), {}};
};

TEST_F(PlanCacheTest, TextsThatDifferInValuesOnlyShareAPlan) {
  EXPECT_EQ(ask("{ number(n: 1, f: 1.5, s: \"a\", id: \"x\") }"), R"(n:1 f:1.5 s:"a" id:"x")");
  EXPECT_EQ(ask("{ number(n: -20, f: 2e3, s: \"b\\n\", id: \"\") }"), R"(n:-20 f:2000.0 s:"b\n" id:"")");
  EXPECT_EQ(ask("{number(n:0,f:0.25\ns:\"\\u00e9\"  # so\n id:\"y\")}"), R"(n:0 f:0.25 s:"é" id:"y")");
  EXPECT_EQ(cache.plans(), 1u);
  EXPECT_EQ(cache.hits(), 2u);
}

TEST_F(PlanCacheTest, WhatIsNoValueMakesAnotherShape) {
  ask("{ number(n: 1) }");
  ask("{ number(f: 1) }");
  ask("{ number(f: 1.0) }");
  ask("{ a: number(n: 1) }");
  ask("query Q { number(n: 1) }");
  ask("{ trick(t: SIT) }");
  ask("{ trick(t: ROLL) }");
  ask("{ flag(on: true) }");
  ask("{ flag(on: false) }");
  ask("{ number(s: \"1\") }");
  ask("{ number(s: \"\"\"1\"\"\") }");
  EXPECT_EQ(cache.hits(), 0u);
  EXPECT_EQ(cache.plans(), 11u);
}

TEST_F(PlanCacheTest, ValuesInsideObjectsListsAndDefaultsAreTheRequestsOwn) {
  EXPECT_EQ(ask("{ pet(filter: {name: \"a\", ids: [1, 2], toy: {name: \"t\", price: 1}}) { __typename } }"),
            ask("{ pet(filter: {name: \"a\", ids: [1, 2], toy: {name: \"t\", price: 1}}) { __typename } }"));
  const std::string other =
      ask("{ pet(filter: {name: \"b\", ids: [3, 4], toy: {name: \"u\", price: 2}}) { __typename } }");
  EXPECT_NE(other.find("\"b\""), std::string::npos) << other;
  EXPECT_NE(other.find("[3,4]"), std::string::npos) << other;
  EXPECT_NE(other.find("\"u\""), std::string::npos) << other;
  ask("query ($n: Int = 5) { number(n: $n) }");
  EXPECT_EQ(ask("query ($n: Int = 6) { number(n: $n) }"), "n:6");
  EXPECT_EQ(cache.hits(), 3u);
}

TEST_F(PlanCacheTest, ChecksThatDependOnAValueAreDoneForEachRequest) {
  EXPECT_EQ(ask("{ number(n: 1) }"), "n:1");
  const std::string wrong = ask("{ number(n: 3000000000) }");
  EXPECT_EQ(wrong, "[1:13] Int cannot represent non 32-bit signed integer value: 3000000000");
  EXPECT_EQ(ask("{ number(n: 2147483647) }"), "n:2147483647");
  EXPECT_EQ(ask("{ number(n: -2147483648) }"), "n:-2147483648");
}

TEST_F(PlanCacheTest, FieldsThatMergeByTheirValuesAreLookedAtEachTime) {
  EXPECT_EQ(ask("{ number(n: 1) number(n: 1) }"), "n:1");
  EXPECT_NE(ask("{ number(n: 1) number(n: 2) }").find("differing arguments"), std::string::npos);
  EXPECT_EQ(ask("{ number(n: 3) number(n: 3) }"), "n:3");
  EXPECT_EQ(cache.plans(), 0u);
}

TEST_F(PlanCacheTest, ErrorsAreWhereTheRequestHasThem) {
  const std::string first = "query Q($l: Int!) { people(limit: $l, after: \"a\") { name } }";
  EXPECT_EQ(ask(first), "[1:9] Variable \"$l\" of required type \"Int!\" was not provided.");
  EXPECT_EQ(ask("query Q(\n  $l: Int!) { people(limit: $l, after: \"long enough\") { name } }"),
            "[2:3] Variable \"$l\" of required type \"Int!\" was not provided.");
  EXPECT_EQ(cache.hits(), 1u);
}

TEST_F(PlanCacheTest, RefusedDocumentsAreNotKept) {
  for (const char* wrong : {"{ nothing }", "{ number(n: \"1\") }", "{ number", "{ number(s: \"\\x\") }", ""}) {
    EXPECT_EQ(ask(wrong), ask(wrong)) << wrong;
  }
  EXPECT_EQ(cache.plans(), 0u);
}

TEST_F(PlanCacheTest, OperationsOfOneDocumentShareItsPlan) {
  const std::string text = "query A { number(n: 1) } query B { number(n: 2) }";
  const std::string a = "A";
  const std::string b = "B";
  EXPECT_EQ(ask(text, &a), "n:1");
  EXPECT_EQ(ask(text, &b), "n:2");
  EXPECT_EQ(ask(text), "[] Must provide operation name if query contains multiple operations.");
  EXPECT_EQ(cache.plans(), 1u);
}

/// Boxes whose resolvers count how often they run.
class WrittenBefore : public testing::Test {
 protected:
  struct Box {
    int size = 0;
  };

  void SetUp() override {
    schema = test::schema_from("type Box { size: Int weight: Int must: Int! } type Query { boxes: [Box!]! }");
    const auto count = [this](const Box& box) {
      ++runs;
      return box.size;
    };
    Binder<Box>(*schema, "Box")
        .stable("size", count)
        .field("weight", count)
        .stable("must", [this](const Box& box, Sink& sink) {
          ++runs;
          if (box.size > 0) sink.integer(box.size);
        });
    Binder<int>(*schema, "Query").field("boxes", [](const int&) { return Value(); });
  }

  std::string ask(PlanCache& cache, std::string text, int size, std::uint64_t revision) {
    Prepared prepared = cache.prepare(std::move(text), nullptr, nullptr);
    auto& request = std::get<Request>(prepared);
    EXPECT_NE(request.next_root(), nullptr);
    const Box box{size};
    request.complete([&](Sink& sink) {
      sink.list(std::vector<int>{1, 2}, [&](int, Sink& item) { item.object(*schema->type("Box"), &box, revision); });
    });
    return request.finish();
  }

  std::unique_ptr<Schema> schema;
  int runs = 0;
};

TEST_F(WrittenBefore, AnObjectOfAKnownRevisionIsNotResolvedAgain) {
  PlanCache cache(*schema, {});
  const std::string text = "{ boxes { size __typename } }";
  const std::string shown = R"({"data":{"boxes":[{"size":3,"__typename":"Box"},{"size":3,"__typename":"Box"}]}})";
  EXPECT_EQ(ask(cache, text, 3, 1), shown);
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(ask(cache, text, 3, 1), shown);
  EXPECT_EQ(runs, 1);
  EXPECT_NE(ask(cache, text, 4, 2), shown);
  EXPECT_EQ(runs, 2);
  EXPECT_NE(ask(cache, "{ boxes { s: size } }", 4, 2), shown) << "another plan knows nothing of this one";
  EXPECT_EQ(runs, 3);
}

TEST_F(WrittenBefore, WhatMayChangeIsResolvedEachTime) {
  PlanCache cache(*schema, {});
  ask(cache, "{ boxes { size weight } }", 3, 1);
  EXPECT_EQ(runs, 4) << "weight is not stable";
  ask(cache, "{ boxes { size @include(if: true) } }", 3, 1);
  EXPECT_EQ(runs, 6) << "a directive decides";
  ask(cache, "{ boxes { size } }", 3, 0);
  EXPECT_EQ(runs, 8) << "no revision";
}

TEST_F(WrittenBefore, ErrorsComeAgain) {
  PlanCache cache(*schema, {});
  const std::string text = "{ boxes { must } }";
  const std::string refused = ask(cache, text, 0, 1);
  EXPECT_NE(refused.find("Cannot return null for non-nullable field Box.must."), std::string::npos) << refused;
  EXPECT_EQ(ask(cache, text, 0, 1), refused);
  EXPECT_EQ(runs, 2);
}

TEST_F(WrittenBefore, ManyRevisionsAreForgotten) {
  PlanCache cache(*schema, {});
  for (int revision = 1; revision <= 20'000; ++revision) ask(cache, "{ boxes { size } }", revision, revision);
  EXPECT_EQ(runs, 20'000);
  EXPECT_EQ(ask(cache, "{ boxes { size } }", 7, 20'001), R"({"data":{"boxes":[{"size":7},{"size":7}]}})");
}

TEST(PlanCacheScalars, AScalarThatChecksItsValuesSeesEach) {
  const auto schema = test::schema_from("scalar Port type Query { open(port: Port): Int }");
  ASSERT_TRUE(schema->attach_scalar("Port", [](Input port) -> tl::expected<Input, std::string> {
    if (port.as_int() && *port.as_int() < 65'536) return port;
    return tl::unexpected<std::string>("Port must be 0 to 65535");
  }));
  PlanCache cache(*schema, {});
  const auto refused = [&](const char* text) {
    return std::holds_alternative<std::vector<GraphqlError>>(cache.prepare(text, nullptr, nullptr));
  };
  EXPECT_FALSE(refused("{ open(port: 80) }"));
  EXPECT_TRUE(refused("{ open(port: 70000) }"));
  EXPECT_FALSE(refused("{ open(port: 81) }"));
}

TEST(PlanCacheBounds, TheLongestUnusedPlanGoes) {
  PlanCache cache(test::pets(), {}, {.plans_max = 2});
  const auto ask = [&](const char* text) { static_cast<void>(cache.prepare(text, nullptr, nullptr)); };
  ask("{ a: number(n: 1) }");
  ask("{ b: number(n: 1) }");
  ask("{ a: number(n: 2) }");
  ask("{ c: number(n: 1) }");
  EXPECT_EQ(cache.plans(), 2u);
  EXPECT_EQ(cache.hits(), 1u);
  ask("{ a: number(n: 3) }");
  EXPECT_EQ(cache.hits(), 2u);
  ask("{ b: number(n: 3) }");
  EXPECT_EQ(cache.hits(), 2u);
}

TEST(PlanCacheBounds, LongDocumentsAndManyBytesAreNotKept) {
  PlanCache small(test::pets(), {}, {.plans_max = 9, .bytes_max = 1'000'000, .text_bytes_max = 20});
  static_cast<void>(small.prepare("{ number(n: 1, s: \"long enough\") }", nullptr, nullptr));
  EXPECT_EQ(small.plans(), 0u);
  PlanCache tight(test::pets(), {}, {.plans_max = 9, .bytes_max = 60});
  static_cast<void>(tight.prepare("{ a: number(n: 1) }", nullptr, nullptr));
  static_cast<void>(tight.prepare("{ b: number(n: 1) }", nullptr, nullptr));
  EXPECT_EQ(tight.plans(), 1u);
}

TEST(PlanCacheBounds, ARequestOutlivesItsCache) {
  auto cache = std::make_unique<PlanCache>(test::pets(), PrepareOptions{});
  static_cast<void>(cache->prepare("{ number(s: \"first\") }", nullptr, nullptr));
  Prepared prepared = cache->prepare("{ number(s: \"second\") }", nullptr, nullptr);
  cache.reset();
  auto& request = std::get<Request>(prepared);
  const RootField* field = request.next_root();
  ASSERT_NE(field, nullptr);
  request.complete(Value(field->args->text("s")));
  EXPECT_EQ(request.next_root(), nullptr);
  EXPECT_EQ(request.finish(), R"({"data":{"number":"second"}})");
}

}  // namespace
}  // namespace penstock::graphql
