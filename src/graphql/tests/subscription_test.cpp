#include <gtest/gtest.h>

#include "graphql/tests/support.h"

namespace penstock::graphql {
namespace {

constexpr std::string_view kSdl = R"graphql(
schema { query: Query subscription: Events }
type Query { now: Int }
type Events { ticks(of: String!): Tick! tocks: Int }
type Tick { count: Int! label: String }
)graphql";

struct Tick {
  int count = 0;
};

class Subscriptions : public testing::Test {
 protected:
  void SetUp() override {
    schema = test::schema_from(kSdl);
    Binder<Tick>(*schema, "Tick")
        .field("count",
               [](const Tick& tick, Sink& sink) {
                 if (tick.count >= 0) sink.integer(tick.count);
               })
        .field("label", [](const Tick&) { return Value("tick"); });
  }

  std::vector<std::string> refused(const char* text) { return test::shown(test::refusal(*schema, {text})); }

  std::string respond(Request& request, int count) {
    const Tick tick{count};
    return request.respond([&](Sink& sink) { sink.object(*schema->type("Tick"), &tick); });
  }

  std::unique_ptr<Schema> schema;
};

TEST_F(Subscriptions, EachEventHasAResponseOfItsOwn) {
  auto prepared = test::prepare(*schema, {R"(subscription { all: ticks(of: "a clock") { count label } })"});
  auto& request = std::get<Request>(prepared);
  EXPECT_EQ(request.type(), OperationType::subscription);
  const RootField* field = request.next_root();
  ASSERT_NE(field, nullptr);
  EXPECT_EQ(field->name, "ticks");
  EXPECT_EQ(field->args->text("of"), "a clock");
  EXPECT_EQ(respond(request, 1), R"({"data":{"all":{"count":1,"label":"tick"}}})");
  EXPECT_EQ(respond(request, -1), R"({"errors":[{"message":"Cannot return null for non-nullable field Tick.count.",)"
                                  R"("locations":[{"line":1,"column":44}],"path":["all","count"],)"
                                  R"("extensions":{"code":"INTERNAL_SERVER_ERROR"}}],"data":null})");
  EXPECT_EQ(respond(request, 2), R"({"data":{"all":{"count":2,"label":"tick"}}})")
      << "an error ends an event, not the subscription";
}

TEST_F(Subscriptions, VariablesAndDirectivesHoldForEachEvent) {
  auto prepared = test::prepare(
      *schema, {"subscription ($of: String!, $l: Boolean!) { ticks(of: $of) { count label @include(if: $l) } }",
                R"({"of": "x", "l": false})"});
  auto& request = std::get<Request>(prepared);
  ASSERT_NE(request.next_root(), nullptr);
  EXPECT_EQ(respond(request, 1), R"({"data":{"ticks":{"count":1}}})");
  EXPECT_EQ(respond(request, 2), R"({"data":{"ticks":{"count":2}}})");
}

TEST_F(Subscriptions, HaveOneField) {
  using Messages = std::vector<std::string>;
  EXPECT_EQ(refused("subscription { tocks }"), Messages{});
  EXPECT_EQ(refused("subscription { tocks tocks ...F } fragment F on Events { tocks }"), Messages{});
  EXPECT_EQ(refused("subscription { tocks ticks(of: \"x\") @skip(if: true) { count } }"), Messages{});
  EXPECT_EQ(refused("subscription { a: tocks b: tocks b: tocks }"),
            Messages{"[1:25 1:34] Anonymous Subscription must select only one top level field."});
  EXPECT_EQ(refused("subscription S { tocks ... on Events { x: tocks } ...F } fragment F on Events { y: tocks }"),
            Messages{"[1:40 1:81] Subscription \"S\" must select only one top level field."});
  EXPECT_EQ(refused("subscription S { __typename }"),
            Messages{"[1:18] Subscription \"S\" must not select an introspection top level field."});
}

TEST_F(Subscriptions, AreIntrospected) {
  const std::string shown = test::run(*schema, {"{ __schema { subscriptionType { name } } }"}, {});
  EXPECT_EQ(shown, R"({"data":{"__schema":{"subscriptionType":{"name":"Events"}}}})");
}

TEST(SubscriptionSchema, TheRootIsAnObjectType) {
  EXPECT_EQ(Schema::from_sdl("type Query { a: Int } type Subscription { b: Int }")
                .value()
                ->root(OperationType::subscription)
                ->name,
            "Subscription");
  EXPECT_EQ(Schema::from_sdl("schema { query: Query } type Query { a: Int } type Subscription { b: Int }")
                .value()
                ->root(OperationType::subscription),
            nullptr);
  EXPECT_FALSE(Schema::from_sdl("schema { query: Query subscription: No } type Query { a: Int }").has_value());
  EXPECT_FALSE(Schema::from_sdl("type Query { a: Int } union Subscription = Query").has_value());
}

}  // namespace
}  // namespace penstock::graphql
