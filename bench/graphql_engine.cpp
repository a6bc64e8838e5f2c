// The GraphQL engine alone, without HTTP and core: what each step costs for the three documents of bench/graphql, on
// the schema that the server offers. `./dev bench graphql-engine`.

#include <benchmark/benchmark.h>

#include "api/graphql/schema.h"
#include "graphql/parser.h"
#include "graphql/plan.h"
#include "graphql/plan_cache.h"
#include "graphql/validate.h"

using namespace penstock;
using graphql::Sink;

namespace {

struct Endpoint {
  std::string id;
  std::string name;
  std::uint64_t revision = 0;
};

struct User {
  std::vector<Endpoint> endpoints;
};

const std::string kSave =
    R"(mutation { saveEndpoint(input: { id: "i02xupws21hp6i", name: "bench 1234 -fb", templateId: "wphkv67a0p", )"
    R"(gpuIds: "AMPERE_16,AMPERE_24,-NVIDIA L4", locations: "EU-RO-1,US-KS-2", idleTimeout: 5, )"
    R"(scalerType: "QUEUE_DELAY", scalerValue: 4, workersMin: 0, workersMax: 3 }) { id name templateId gpuIds )"
    R"(networkVolumeId locations idleTimeout scalerType scalerValue workersMin workersMax createdAt } })";
const std::string kList =
    "query { myself { endpoints { id name templateId gpuIds networkVolumeId locations idleTimeout scalerType "
    "scalerValue workersMin workersMax createdAt } } }";

std::unique_ptr<graphql::Schema> make_schema() {
  auto made = graphql::Schema::from_sdl(api::schema_sdl());
  ENSURE(made.has_value());
  graphql::Schema& schema = **made;
  graphql::Binder<Endpoint> endpoint(schema, "Endpoint");
  endpoint.stable("id", [](const Endpoint& e) -> const auto& { return e.id; })
      .stable("name", [](const Endpoint& e) -> const auto& { return e.name; })
      .stable("networkVolumeId", [](const Endpoint&) { return graphql::Value(); });
  for (const char* text : {"templateId", "gpuIds", "locations", "scalerType", "createdAt"}) {
    endpoint.stable(text, [](const Endpoint&) { return std::string_view("AMPERE_16,AMPERE_24"); });
  }
  for (const char* number : {"idleTimeout", "scalerValue", "workersMin", "workersMax"}) {
    endpoint.stable(number, [](const Endpoint&) { return 5; });
  }
  graphql::Binder<User>(schema, "User")
      .field("endpoints", [type = schema.type("Endpoint")](const User& user, Sink& sink) {
        sink.list(user.endpoints, [&](const Endpoint& one, Sink& item) { item.object(*type, &one, one.revision); });
      });
  return std::move(*made);
}

const graphql::Schema& schema() {
  static const std::unique_ptr<graphql::Schema> made = make_schema();
  return *made;
}

const graphql::Limits kLimits;

void lex(benchmark::State& state, const std::string& text) {
  for (auto _ : state) benchmark::DoNotOptimize(graphql::shape_of(text, kLimits));
}

void parse(benchmark::State& state, const std::string& text) {
  for (auto _ : state) benchmark::DoNotOptimize(graphql::parse_document(text, kLimits));
}

void validate(benchmark::State& state, const std::string& text) {
  const auto document = graphql::parse_document(text, kLimits);
  for (auto _ : state) benchmark::DoNotOptimize(graphql::validate(schema(), *document, kLimits, {}));
}

void prepare_afresh(benchmark::State& state, const std::string& text) {
  for (auto _ : state) benchmark::DoNotOptimize(graphql::prepare(schema(), {}, text, nullptr, nullptr));
}

void prepare_from_cache(benchmark::State& state, const std::string& text) {
  graphql::PlanCache cache(schema(), {});
  for (auto _ : state) benchmark::DoNotOptimize(cache.prepare(text, nullptr, nullptr));
}

/// A whole save: prepare from the cache, one root field, the answer.
void save(benchmark::State& state) {
  graphql::PlanCache cache(schema(), {});
  const Endpoint saved{"i02xupws21hp6i", "bench 1234 -fb"};
  const graphql::TypeDef& type = *schema().type("Endpoint");
  for (auto _ : state) {
    auto prepared = cache.prepare(kSave, nullptr, nullptr);
    auto& request = std::get<graphql::Request>(prepared);
    request.next_root();
    request.complete([&](Sink& sink) { sink.object(type, &saved); });
    benchmark::DoNotOptimize(request.finish());
  }
}

/// A whole list of 100. `remembered`: the endpoints did not change since the last one.
void list(benchmark::State& state, bool remembered) {
  graphql::PlanCache cache(schema(), {});
  User user;
  for (std::uint64_t i = 1; i <= 100; ++i) {
    user.endpoints.push_back({"i02xupws21hp6i", "bench endpoint " + std::to_string(i), remembered ? i : 0});
  }
  const graphql::TypeDef& type = *schema().type("User");
  std::size_t bytes = 0;
  for (auto _ : state) {
    auto prepared = cache.prepare(kList, nullptr, nullptr);
    auto& request = std::get<graphql::Request>(prepared);
    request.next_root();
    request.complete([&](Sink& sink) { sink.object(type, &user); });
    bytes += request.finish().size();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}

BENCHMARK_CAPTURE(lex, save, kSave);
BENCHMARK_CAPTURE(lex, list, kList);
BENCHMARK_CAPTURE(parse, save, kSave);
BENCHMARK_CAPTURE(parse, list, kList);
BENCHMARK_CAPTURE(validate, save, kSave);
BENCHMARK_CAPTURE(validate, list, kList);
BENCHMARK_CAPTURE(prepare_afresh, save, kSave);
BENCHMARK_CAPTURE(prepare_afresh, list, kList);
BENCHMARK_CAPTURE(prepare_from_cache, save, kSave);
BENCHMARK_CAPTURE(prepare_from_cache, list, kList);
BENCHMARK(save);
BENCHMARK_CAPTURE(list, changed, false);
BENCHMARK_CAPTURE(list, remembered, true);

}  // namespace

BENCHMARK_MAIN();
