#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "graphql/request.h"

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

}  // namespace

// The input is a document and, after a zero byte, its variables. Whatever it is, the answer is JSON with the right
// keys.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::unique_ptr<graphql::Schema> schema = make_schema();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t split = text.find('\0');
  const std::string_view rest = split == std::string_view::npos ? std::string_view() : text.substr(split + 1);
  const auto variables = json::parse(rest);
  const bool lenient = !rest.empty() && rest.back() == ' ';
  graphql::PrepareOptions options;
  options.leniency.empty_enum_is_absent = lenient;
  options.leniency.nullable_variable_anywhere = lenient;
  options.limits.resolved_max = 10'000;

  auto prepared = graphql::prepare(*schema, options, std::string(text.substr(0, split)), nullptr,
                                   variables && variables->as_object() ? &*variables : nullptr);
  std::string body;
  if (const auto* errors = std::get_if<std::vector<graphql::GraphqlError>>(&prepared)) {
    ENSURE(!errors->empty());
    body = graphql::errors_body(*errors);
    ENSURE(json::check(body).has_value());
    return 0;
  }
  auto& request = std::get<graphql::Request>(prepared);
  while (const graphql::RootField* field = request.next_root()) request.complete(answer(*schema, *field));
  body = request.finish();
  const auto parsed = json::parse(body, json::ParseLimits{1000});
  ENSURE(parsed.has_value());
  ENSURE(parsed->find("data") != nullptr);
  const json::Value* errors = parsed->find("errors");
  ENSURE(!errors || !errors->as_array()->empty());
  ENSURE(errors || !parsed->find("data")->is_null());
  return 0;
}
