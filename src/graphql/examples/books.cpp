// A whole program on the engine: a schema, resolvers, a query with variables, a mutation that the program answers when
// it wants, a subscription, and an error. Run it; its output is in books.txt beside this file, and a test holds it to
// that.

#include <iostream>

#include "graphql/plan_cache.h"

using namespace penstock;
using graphql::Sink;

namespace {

constexpr std::string_view kSdl = R"graphql(
  type Query { books(by: String): [Book!]! }
  type Mutation { rate(id: ID!, stars: Int!): Book }
  type Subscription { rated: Book! }
  type Book { id: ID! title: String! author: Author! stars: Int }
  type Author { name: String! books: [Book!]! }
)graphql";

struct Book {
  std::string id;
  std::string title;
  std::string author;
  std::optional<std::int64_t> stars;
};

struct Author {
  std::string name;
};

struct Library {
  std::vector<Book> books = {
      {"1", "Emma", "Austen", {}}, {"2", "Persuasion", "Austen", 5}, {"3", "Dracula", "Stoker", 4}};

  std::vector<const Book*> by(std::string_view author) const {
    std::vector<const Book*> out;
    for (const Book& book : books) {
      if (author.empty() || book.author == author) out.push_back(&book);
    }
    return out;
  }
};

std::unique_ptr<graphql::Schema> make_schema(const Library& library) {
  auto made = graphql::Schema::from_sdl(kSdl);
  if (!made) throw std::runtime_error(made.error().message);
  graphql::Schema& schema = **made;
  const graphql::TypeDef* book_type = schema.type("Book");
  const graphql::TypeDef* author_type = schema.type("Author");
  graphql::Binder<Book>(schema, "Book")
      .field("id", [](const Book& book) -> const auto& { return book.id; })
      .field("title", [](const Book& book) -> const auto& { return book.title; })
      .field("stars", [](const Book& book) { return book.stars; })
      .field("author", [=](const Book& book, Sink& sink) {
        const Author author{book.author};
        sink.object(*author_type, &author);
      });
  graphql::Binder<Author>(schema, "Author")
      .field("name", [](const Author& author) -> const auto& { return author.name; })
      .field("books", [=, &library](const Author& author, Sink& sink) {
        sink.list(library.by(author.name), [=](const Book* book, Sink& item) { item.object(*book_type, book); });
      });
  return std::move(*made);
}

/// Gives one root field its value.
void answer(graphql::Request& request, const graphql::RootField& field, const graphql::Schema& schema,
            Library& library) {
  const graphql::TypeDef& type = *schema.type("Book");
  if (field.name == "books") {
    return request.complete([&](Sink& sink) {
      sink.list(library.by(field.args->text("by")), [&](const Book* book, Sink& item) { item.object(type, book); });
    });
  }
  for (Book& book : library.books) {
    if (book.id != field.args->text("id")) continue;
    book.stars = *field.args->find("stars")->as_int();
    return request.complete([&](Sink& sink) { sink.object(type, &book); });
  }
  request.complete(graphql::FieldError{"There is no such book.", "NOT_FOUND"});
}

void ask(graphql::PlanCache& cache, const graphql::Schema& schema, Library& library, std::string text,
         const char* variables = "{}") {
  std::cout << "> " << text << '\n';
  const auto values = json::parse(variables);
  auto prepared = cache.prepare(std::move(text), nullptr, &*values);
  if (const auto* errors = std::get_if<std::vector<graphql::GraphqlError>>(&prepared)) {
    std::cout << graphql::errors_body(*errors) << '\n';
    return;
  }
  auto& request = std::get<graphql::Request>(prepared);
  while (const graphql::RootField* field = request.next_root()) answer(request, *field, schema, library);
  std::cout << request.finish() << '\n';
}

}  // namespace

int main() {
  Library library;
  const auto schema = make_schema(library);
  graphql::PlanCache cache(*schema, {});

  ask(cache, *schema, library, "query ($by: String) { books(by: $by) { title stars } }", R"({"by": "Austen"})");
  ask(cache, *schema, library, R"(mutation { rate(id: "1", stars: 3) { title stars author { books { title } } } })");
  ask(cache, *schema, library, R"(mutation { rate(id: "7", stars: 9) { title stars author { books { title } } } })");
  ask(cache, *schema, library, "{ books { titel } }");

  std::cout << "> subscription { rated { title stars } }\n";
  auto prepared = cache.prepare("subscription { rated { title stars } }", nullptr, nullptr);
  auto& rated = std::get<graphql::Request>(prepared);
  static_cast<void>(rated.next_root());  // what to listen to
  for (const Book& book : library.books) {
    std::cout << rated.respond([&](Sink& sink) { sink.object(*schema->type("Book"), &book); }) << '\n';
  }
  std::cout << cache.plans() << " plans, " << cache.hits() << " found again\n";
}
