#include <gtest/gtest.h>

#include "graphql/tests/support.h"

namespace penstock::graphql {
namespace {

using test::run;

struct Author {
  std::string name;
  int books = 0;
};

struct Book {
  std::string title;
  std::shared_ptr<const Author> author;
  std::vector<std::string> tags;
  std::optional<double> price;
};

/// A library: every kind of output type, with resolvers.
class Library : public testing::Test {
 protected:
  Library()
      : schema_(test::schema_from(R"(
          interface Item { title: String! }
          type Book implements Item {
            title(upper: Boolean = false): String!
            author: Author
            tags: [String!]
            price: Float
            strict: Int!
            broken: Int
            brokenTags: [String!]
            genre: Genre
            raw: Any
            pages: Int
            number: ID
          }
          type Author { name: String! books: Int! }
          union Found = Book | Author
          enum Genre { PROSE VERSE }
          scalar Any
          type Query { book: Book books: [Book] strictBook: Book! items: [Item!] found: [Found] count: Int word: String }
          type Mutation { add(n: Int): Int must(n: Int): Int! }
        )")) {
    Binder<Author>(*schema_, "Author")
        .field("name", [](const Author& a) { return Value(a.name); })
        .field("books", [](const Author& a) { return Value(a.books); });
    Binder<Book>(*schema_, "Book")
        .field("title",
               [](const Book& b, const Args& args) {
                 return Value(*args.find("upper")->as_bool() ? "THE " + b.title : b.title);
               })
        .field("author",
               [this](const Book& b) { return b.author ? make_object(*schema_, "Author", *b.author) : Value(); })
        .field("tags", [](const Book& b) { return Value(ListValue(b.tags.begin(), b.tags.end())); })
        .field("price", [](const Book& b) { return Value::of(b.price); })
        .field("strict", [](const Book&) { return Value(); })
        .field("broken", [](const Book&) { return Value(FieldError{"it broke", "BROKEN"}); })
        .field("brokenTags", [](const Book&) { return Value(ListValue{"a", Value(), "b"}); })
        .field("genre", [](const Book& b) { return Value(b.title); })
        .field("raw", [](const Book&) { return Value::from_json(*json::parse(R"({"b":[1,{"a":null}]})")); })
        .field("pages", [](const Book&) { return Value(std::int64_t{3'000'000'000}); })
        .field("number", [](const Book&) { return Value(7); });
  }

  Value book(const std::string& title, bool with_author = true) const {
    auto author = with_author ? std::make_shared<const Author>(Author{"Ann", 2}) : nullptr;
    return make_object(*schema_, "Book", Book{title, author, {"x", "y"}, std::nullopt});
  }

  std::string ask(const std::string& text, const std::string& variables = {}) const {
    return run(*schema_, {text, variables}, [this](const RootField& field) -> Value {
      if (field.name == "books") return ListValue{book("one"), Value(), book("two", false)};
      if (field.name == "items") return ListValue{book("item")};
      if (field.name == "found") return ListValue{book("b"), make_object(*schema_, "Author", Author{"Bob", 1})};
      if (field.name == "count") return 3;
      if (field.name == "word") return "w\"\n\xC3\xA9";
      return book("PROSE");
    });
  }

  std::unique_ptr<Schema> schema_;
};

TEST_F(Library, AnswersInTheOrderOfTheSelection) {
  EXPECT_EQ(
      ask("{ word count book { title author { books name } tags price } }"),
      "{\"data\":{\"word\":\"w\\\"\\n\xC3\xA9\",\"count\":3,\"book\":{\"title\":\"PROSE\",\"author\":{\"books\":2,"
      "\"name\":\"Ann\"},\"tags\":[\"x\",\"y\"],\"price\":null}}}");
}

TEST_F(Library, AliasesAndArgumentsMakeFieldsOfTheirOwn) {
  EXPECT_EQ(ask("{ book { a: title b: title(upper: true) __typename } }"),
            R"({"data":{"book":{"a":"PROSE","b":"THE PROSE","__typename":"Book"}}})");
}

TEST_F(Library, EqualKeysAreMergedAtTheFirst) {
  EXPECT_EQ(
      ask("{ book { author { name } title ...B author { books } } count } fragment B on Book { author { n: name } }"),
      R"({"data":{"book":{"author":{"name":"Ann","n":"Ann","books":2},"title":"PROSE"},"count":3}})");
}

TEST_F(Library, FragmentsApplyByTheTypeOfTheObject) {
  EXPECT_EQ(ask("{ found { __typename ... on Book { title } ... on Author { name } ... on Item { t: title } } }"),
            R"({"data":{"found":[{"__typename":"Book","title":"b","t":"b"},{"__typename":"Author","name":"Bob"}]}})");
  EXPECT_EQ(ask("{ items { title ... on Book { tags } } }"),
            R"({"data":{"items":[{"title":"item","tags":["x","y"]}]}})");
}

TEST_F(Library, SkipAndIncludeLeaveFieldsOut) {
  const std::string text =
      "query ($y: Boolean!, $n: Boolean = false) { count @include(if: $y) word @skip(if: $y) "
      "book { ... @include(if: $n) { tags } ...F @skip(if: $n) } } fragment F on Book { title @include(if: true) "
      "@skip(if: true) price }";
  EXPECT_EQ(ask(text, R"({"y":true})"), R"({"data":{"count":3,"book":{"price":null}}})");
  EXPECT_EQ(ask(text, R"({"y":false,"n":true})"), R"({"data":{"word":"w\"\né","book":{"tags":["x","y"]}}})");
  EXPECT_EQ(ask("{ count @skip(if: true) }"), R"({"data":{}})");
}

TEST_F(Library, AFailedFieldIsNullWithPathAndCode) {
  EXPECT_EQ(ask("{ books { title b: broken } }"),
            R"({"errors":[{"message":"it broke","locations":[{"line":1,"column":17}],"path":["books",0,"b"],)"
            R"("extensions":{"code":"BROKEN"}},{"message":"it broke","locations":[{"line":1,"column":17}],)"
            R"("path":["books",2,"b"],"extensions":{"code":"BROKEN"}}],)"
            R"("data":{"books":[{"title":"one","b":null},null,{"title":"two","b":null}]}})");
}

TEST_F(Library, NullRisesToTheNearestFieldThatMayBeNull) {
  EXPECT_EQ(ask("{ count book { title strict } }"),
            R"({"errors":[{"message":"Cannot return null for non-nullable field Book.strict.","locations":)"
            R"([{"line":1,"column":22}],"path":["book","strict"],"extensions":{"code":"INTERNAL_SERVER_ERROR"}}],)"
            R"("data":{"count":3,"book":null}})");
  EXPECT_EQ(
      ask("{ book { title brokenTags } }"),
      R"({"errors":[{"message":"Cannot return null for non-nullable field Book.brokenTags.","locations":)"
      R"([{"line":1,"column":16}],"path":["book","brokenTags",1],"extensions":{"code":"INTERNAL_SERVER_ERROR"}}],)"
      R"("data":{"book":{"title":"PROSE","brokenTags":null}}})");
}

TEST_F(Library, NullAtTheRootMakesAllDataNullAndEndsTheRequest) {
  auto prepared = test::prepare(*schema_, {"{ count strictBook { strict } word }"});
  auto& request = std::get<Request>(prepared);
  EXPECT_EQ(request.next_root()->name, "count");
  request.complete(1);
  EXPECT_EQ(request.next_root()->name, "strictBook");
  request.complete(book("x"));
  EXPECT_EQ(request.next_root(), nullptr);
  const std::string answer = request.finish();
  EXPECT_NE(answer.find("\"path\":[\"strictBook\",\"strict\"]"), std::string::npos) << answer;
  EXPECT_TRUE(answer.ends_with(",\"data\":null}")) << answer;
}

TEST_F(Library, ErrorsPointAtEveryPlaceThatSelectedTheField) {
  const std::string answer = ask("{ book { broken ...F } } fragment F on Book { broken }");
  EXPECT_NE(answer.find(R"("locations":[{"line":1,"column":10},{"line":1,"column":47}])"), std::string::npos) << answer;
}

TEST_F(Library, LeavesAreCheckedOnTheWayOut) {
  EXPECT_EQ(ask("{ book { genre raw number } }"),
            R"({"data":{"book":{"genre":"PROSE","raw":{"b":[1,{"a":null}]},"number":"7"}}})");
  const std::string enum_answer = ask("{ items { ... on Book { genre } } }");
  EXPECT_NE(enum_answer.find(R"(Enum \"Genre\" cannot represent value: \"item\")"), std::string::npos) << enum_answer;
  const std::string int_answer = ask("{ book { pages } }");
  EXPECT_NE(int_answer.find("Int cannot represent non 32-bit signed integer value: 3000000000"), std::string::npos);
  EXPECT_TRUE(int_answer.ends_with(R"("data":{"book":{"pages":null}}})")) << int_answer;
}

TEST_F(Library, RootFieldsComeOneByOneWithTheirArguments) {
  auto prepared = test::prepare(*schema_, {"mutation { a: add(n: 1) __typename b: add must(n: 2) }"});
  auto& request = std::get<Request>(prepared);
  EXPECT_EQ(request.type(), OperationType::mutation);
  const RootField* field = request.next_root();
  ASSERT_TRUE(field);
  EXPECT_EQ(field->name, "add");
  EXPECT_EQ(field->response_key, "a");
  EXPECT_EQ(*field->args->find("n")->as_int(), 1);
  request.complete(10);
  field = request.next_root();  // __typename is answered inside
  ASSERT_TRUE(field);
  EXPECT_EQ(field->response_key, "b");
  EXPECT_EQ(field->args->find("n"), nullptr);
  request.complete(FieldError{"no", "RUNPOD"});
  field = request.next_root();
  ASSERT_TRUE(field);
  EXPECT_EQ(field->name, "must");
  request.complete(20);
  EXPECT_EQ(request.next_root(), nullptr);
  EXPECT_EQ(
      request.finish(),
      R"({"errors":[{"message":"no","locations":[{"line":1,"column":36}],"path":["b"],"extensions":{"code":"RUNPOD"}}],)"
      R"("data":{"a":10,"__typename":"Mutation","b":null,"must":20}})");
}

TEST_F(Library, ARequestMayMoveWhileItWaits) {
  auto prepared = test::prepare(*schema_, {"{ count word }"});
  Request first = std::move(std::get<Request>(prepared));
  ASSERT_TRUE(first.next_root());
  Request second = std::move(first);
  second.complete(1);
  ASSERT_TRUE(second.next_root());
  second.complete("x");
  EXPECT_EQ(second.next_root(), nullptr);
  EXPECT_EQ(second.finish(), R"({"data":{"count":1,"word":"x"}})");
}

TEST_F(Library, OperationsArePickedByName) {
  const std::string two = "query A { count } query B { word }";
  const auto run_named = [&](const std::string& text, const std::string& name) {
    return run(*schema_, {text, "", name},
               [](const RootField& field) { return Value(field.name == "count" ? Value(1) : Value("w")); });
  };
  EXPECT_EQ(run_named(two, "A"), R"({"data":{"count":1}})");
  EXPECT_EQ(run_named(two, "B"), R"({"data":{"word":"w"}})");
  EXPECT_EQ(run_named("query A { count }", ""), R"({"data":{"count":1}})");
  EXPECT_EQ(run_named(two, ""),
            R"({"errors":[{"message":"Must provide operation name if query contains multiple operations.",)"
            R"("extensions":{"code":"OPERATION_RESOLUTION_FAILURE"}}]})");
  EXPECT_EQ(run_named(two, "C"), R"({"errors":[{"message":"Unknown operation named \"C\".",)"
                                 R"("extensions":{"code":"OPERATION_RESOLUTION_FAILURE"}}]})");
}

TEST(Execution, FieldsWithoutResolverAreNull) {
  const auto schema = test::schema_from("type Query { a: A } type A { x: Int y: Int }");
  Binder<int>(*schema, "A").field("x", [](const int& n) { return Value(n); });
  EXPECT_EQ(run(*schema, {"{ a { x y } }"}, [&](const RootField&) { return make_object(*schema, "A", 4); }),
            R"({"data":{"a":{"x":4,"y":null}}})");
  EXPECT_EQ(schema->unresolved_fields(), (std::vector<std::string>{"A.y"}));
}

TEST(Execution, ResolversOutliveNothingOfTheRequest) {
  // The text is the request's own: the caller's copy may go.
  auto schema = test::schema_from("type Query { a(s: String): String }");
  auto text = std::make_unique<std::string>("{ key: a(s: \"v\") }");
  auto prepared = test::prepare(*schema, {*text});
  text.reset();
  auto& request = std::get<Request>(prepared);
  const RootField* field = request.next_root();
  request.complete(Value(field->args->text("s")));
  EXPECT_EQ(request.next_root(), nullptr);
  EXPECT_EQ(request.finish(), R"({"data":{"key":"v"}})");
}

TEST(Execution, ErrorBodiesHaveNoData) {
  EXPECT_EQ(errors_body({{"no \"x\"", {{2, 3}, {4, 5}}, {}, "SOME_CODE"}, {"bare", {}, {}, ""}}),
            R"({"errors":[{"message":"no \"x\"","locations":[{"line":2,"column":3},{"line":4,"column":5}],)"
            R"("extensions":{"code":"SOME_CODE"}},{"message":"bare"}]})");
}

}  // namespace
}  // namespace penstock::graphql
