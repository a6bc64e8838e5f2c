#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "graphql/parser.h"
#include "graphql/plan_cache.h"
#include "graphql/print.h"

using namespace penstock;
using graphql::Value;

namespace {

constexpr std::string_view kSdl = R"(
  interface Named { name: String! }
  type Dog implements Named { name: String! barks(times: Int = 1): Boolean mother: Dog toys(first: Int): [Toy!] }
  type Toy implements Named { name: String! price: Float! kind: Kind }
  union Thing = Dog | Toy
  enum Kind { BALL BONE }
  scalar Any
  input ToyInput { name: String! price: Float = 1.5 kind: Kind = BALL parts: [ToyInput!] any: Any }
  type Query { dog(id: ID): Dog named: Named things(limit: Int! = 2): [Thing] echo(text: String, any: Any): String }
  type Mutation { add(input: ToyInput!): Toy! remove(id: ID!): Boolean }
)";

struct Dog {
  int age = 0;
};
struct Toy {
  double price = 0;
};

std::unique_ptr<graphql::Schema> make_schema() {
  auto made = graphql::Schema::from_sdl(kSdl);
  ENSURE(made.has_value());
  graphql::Schema* schema = made->get();
  const auto toy = [schema](double price) { return graphql::make_object(*schema, "Toy", Toy{price}); };
  graphql::Binder<Dog>(*schema, "Dog")
      .field("name", [](const Dog& dog) { return dog.age > 3 ? Value() : Value("rex"); })
      .field("barks", [](const Dog&, const graphql::Args& args) { return Value(args.find("times") != nullptr); })
      .field("mother", [schema](const Dog& dog) { return graphql::make_object(*schema, "Dog", Dog{dog.age + 1}); })
      .field("toys", [toy](const Dog&) { return Value(graphql::ListValue{toy(1), toy(0)}); });
  graphql::Binder<Toy>(*schema, "Toy")
      .field("name", [](const Toy&) { return Value("ball"); })
      .field("price",
             [](const Toy& t) { return t.price > 0 ? Value(t.price) : Value(graphql::FieldError{"free", "F"}); })
      .field("kind", [](const Toy& t) { return Value(t.price > 0 ? "BALL" : "STICK"); });
  return std::move(*made);
}

Value answer(const graphql::Schema& schema, const graphql::RootField& field) {
  if (field.name == "dog" || field.name == "named") return graphql::make_object(schema, "Dog", Dog{});
  if (field.name == "things") {
    return graphql::ListValue{graphql::make_object(schema, "Dog", Dog{3}), graphql::make_object(schema, "Toy", Toy{2})};
  }
  if (field.name == "add") return graphql::make_object(schema, "Toy", Toy{1});
  if (field.name == "echo") return Value(field.args->text("text"));
  return graphql::FieldError{"refused", "NO"};
}

using Prepared = std::variant<graphql::Request, std::vector<graphql::GraphqlError>>;

std::string body_of(const graphql::Schema& schema, Prepared prepared) {
  if (const auto* errors = std::get_if<std::vector<graphql::GraphqlError>>(&prepared)) {
    ENSURE(!errors->empty());
    return graphql::errors_body(*errors);
  }
  auto& request = std::get<graphql::Request>(prepared);
  while (const graphql::RootField* field = request.next_root()) request.complete(answer(schema, *field));
  return request.finish();
}

}  // namespace

// The input is a document and, after a zero byte, its variables. Whatever it is, the answer is JSON with the right
// keys, and a cache that has seen all earlier inputs gives the same one. A document that can be read is printed and
// read again without a change.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::unique_ptr<graphql::Schema> schema = make_schema();
  graphql::PrepareOptions options;
  options.limits.resolved_max = 10'000;
  static graphql::PlanCache strict(*schema, options);
  options.leniency = {.empty_enum_is_absent = true, .nullable_variable_anywhere = true};
  static graphql::PlanCache forgiving(*schema, options);

  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t split = text.find('\0');
  const std::string_view rest = split == std::string_view::npos ? std::string_view() : text.substr(split + 1);
  const auto parsed = json::parse(rest);
  const json::Value* variables = parsed && parsed->as_object() ? &*parsed : nullptr;
  const bool lenient = !rest.empty() && rest.back() == ' ';
  if (!lenient) options.leniency = {};
  const std::string document(text.substr(0, split));

  if (const auto read = graphql::parse_document(document, options.limits)) {
    const std::string printed = graphql::print(*read);
    const auto again = graphql::parse_document(printed, options.limits);
    ENSURE(printed.empty() || (again.has_value() && graphql::print(*again) == printed));
  }

  const std::string body = body_of(*schema, graphql::prepare(*schema, options, document, nullptr, variables));
  graphql::PlanCache& cache = lenient ? forgiving : strict;
  ENSURE(body == body_of(*schema, cache.prepare(document, nullptr, variables)));

  const auto shown = json::parse(body, json::ParseLimits{1000});
  ENSURE(shown.has_value());
  const json::Value* given = shown->find("data");
  const json::Value* errors = shown->find("errors");
  ENSURE(given || errors);
  ENSURE(!errors || !errors->as_array()->empty());
  ENSURE(errors || !given->is_null());
  return 0;
}
