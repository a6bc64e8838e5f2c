#include <gtest/gtest.h>

#include <bit>
#include <set>

#include "base/error.h"
#include "base/ids.h"
#include "base/number.h"
#include "base/random.h"
#include "base/spare_texts.h"
#include "base/text.h"
#include "base/time.h"

namespace penstock {
namespace {

// ---------------------------------------------------------------- identifiers

TEST(Ids, AcceptTheAlphabetOfEveryClient) {
  for (const char* good : {"a", "Z9", "sync-0b1f-u1", "under_score", "-", "_"}) EXPECT_TRUE(is_id(good)) << good;
  for (const char* bad : {"", "a b", "a/b", "a?b", "a&b", "a%20", "a.b", "\xc3\xa4", "a\n"})
    EXPECT_FALSE(is_id(bad)) << bad;
  EXPECT_TRUE(is_id(std::string(128, 'x')));
  EXPECT_FALSE(is_id(std::string(129, 'x')));
  EXPECT_FALSE(is_id(std::string_view("a\0b", 3)));
  const std::string_view good = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
  for (int c = 0; c < 256; ++c) {
    std::string id(40, 'x');
    id[static_cast<std::size_t>(c) % id.size()] = static_cast<char>(c);
    EXPECT_EQ(is_id(id), good.find(static_cast<char>(c)) != std::string_view::npos) << c;
  }
}

TEST(Ids, ARefusalNamesTheKindAndTheText) {
  const auto refused = JobId::parse("no/slash");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::invalid);
  EXPECT_NE(refused.error().message.find("job id \"no/slash\""), std::string::npos) << refused.error().message;
  EXPECT_LT(WorkerId::parse(std::string(5'000, '!')).error().message.size(), 300u) << "a refusal echoes little";
}

TEST(Ids, CompareByText) {
  const auto a = *EndpointId::parse("a");
  const auto b = *EndpointId::parse("b");
  EXPECT_LT(a, b);
  EXPECT_EQ(a, *EndpointId::parse("a"));
  EXPECT_TRUE(EndpointId{}.empty());
  EXPECT_EQ(std::hash<EndpointId>{}(a), std::hash<EndpointId>{}(*EndpointId::parse("a")));
}

TEST(Ids, OfJobsAreAsLongAsWeMakeThem) {
  const std::string made = "sync-01234567-89ab-cdef-0123-456789abcdef-u1";
  const auto id = JobId::parse(made);
  ASSERT_TRUE(id.has_value());
  EXPECT_EQ(id->str(), made);
  EXPECT_EQ(to_string(*id), made);
  EXPECT_EQ(*id, *JobId::parse(made));
  EXPECT_LT(*JobId::parse("a"), *JobId::parse("aa"));
  EXPECT_LT(*JobId::parse("aa"), *JobId::parse("b"));
  EXPECT_TRUE(JobId().empty());
  EXPECT_TRUE(JobId::parse(std::string(47, 'a')).has_value());
  EXPECT_FALSE(JobId::parse(std::string(48, 'a')).has_value());
  EXPECT_TRUE(WorkerId::parse(std::string(128, 'a')).has_value()) << "workers name themselves";
}

TEST(Ids, HashDependsOnEveryCharacterInAllItsBits) {
  for (std::size_t size = 1; size <= 128; ++size) {
    const std::string id(size, 'a');
    const std::size_t hash = IdHash{}(id);
    EXPECT_NE(hash, IdHash{}(id + "a"));
    for (std::size_t at = 0; at < size; ++at) {
      std::string other = id;
      other[at] = 'b';
      const int changed = std::popcount(hash ^ IdHash{}(other));
      EXPECT_GE(changed, 12) << at << " of " << size;
      EXPECT_LE(changed, 52) << at << " of " << size;
    }
  }
}

// ---------------------------------------------------------------- errors

TEST(Errors, MapToStatuses) {
  EXPECT_EQ(http_status(Errc::invalid), 400);
  EXPECT_EQ(http_status(Errc::unauthenticated), 401);
  EXPECT_EQ(http_status(Errc::forbidden), 403);
  EXPECT_EQ(http_status(Errc::not_found), 404);
  EXPECT_EQ(http_status(Errc::conflict), 400);
  EXPECT_EQ(http_status(Errc::too_large), 413);
  EXPECT_EQ(http_status(Errc::busy), 429);
  EXPECT_EQ(http_status(Errc::unavailable), 503);
  EXPECT_EQ(http_status(Errc::no_space), 507);
  EXPECT_EQ(http_status(Errc::not_implemented), 501);
  EXPECT_EQ(http_status(Errc::internal), 500);
}

TEST(ErrorsDeathTest, EnsureSaysWhere) {
  const int two = 2;
  EXPECT_DEATH(ENSURE(two == 3), "two == 3.*base_test.cpp");
}

// ---------------------------------------------------------------- time

TEST(Time, IsWrittenAsTheProtocolShowsIt) {
  EXPECT_EQ(iso8601(from_ms(0)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(iso8601(from_ms(1'720'811'680'144)), "2024-07-12T19:14:40.144Z");
  EXPECT_EQ(iso8601(from_ms(951'782'400'007)), "2000-02-29T00:00:00.007Z");
  EXPECT_EQ(iso8601(from_ms(-1)), "1969-12-31T23:59:59.999Z");
}

TEST(Time, IsReadBack) {
  for (const std::int64_t ms : {0LL, 1LL, 951'782'400'007LL, 1'720'811'680'144LL, 4'102'444'799'999LL}) {
    EXPECT_EQ(parse_iso8601(iso8601(from_ms(ms))), from_ms(ms));
  }
  EXPECT_EQ(parse_iso8601("2024-07-12T19:14:40Z"), from_ms(1'720'811'680'000));
  EXPECT_EQ(parse_iso8601("2024-07-12T19:14:40.1Z"), from_ms(1'720'811'680'100));
  EXPECT_EQ(parse_iso8601("2024-07-12T19:14:40.1449Z"), from_ms(1'720'811'680'144)) << "finer digits are cut";
}

TEST(Time, OtherTextIsNoInstant) {
  for (const char* bad :
       {"", "2024", "2024-07-12", "2024-07-12T19:14:40", "2024-07-12T19:14:40+02:00", "2024-07-12T24:00:00Z",
        "2024-07-12T19:60:00Z", "2024-13-01T00:00:00Z", "2023-02-29T00:00:00Z", "2024-07-12T19:14:40.144Zx",
        "2024-07-12 19:14:40Z", "2024-07-12T-1:14:40Z", "2024-07-12T19:14:40.Z", "yesterday", "20x4-07-12T19:14:40Z",
        "2024-07-12T19:14:40.144"}) {
    EXPECT_FALSE(parse_iso8601(bad)) << bad;
  }
}

TEST(Time, TheSystemClockGoesForward) {
  const SystemClock clock;
  const Time first = clock.now();
  EXPECT_GE(clock.now(), first);
  EXPECT_GT(first, from_ms(1'700'000'000'000)) << "it starts from the wall clock";
}

// ---------------------------------------------------------------- text

TEST(Text, Trims) {
  EXPECT_EQ(trim("  a b\t\r\n"), "a b");
  EXPECT_EQ(trim(" \t"), "");
  EXPECT_EQ(trim(""), "");
}

TEST(Text, SplitsLists) {
  using Parts = std::vector<std::string_view>;
  EXPECT_EQ(split_list("a, b ,,c,", ','), (Parts{"a", "b", "c"}));
  EXPECT_EQ(split_list("", ','), Parts{});
  EXPECT_EQ(split_list(" , ,", ','), Parts{});
  EXPECT_EQ(split_list("one", ','), Parts{"one"});
  EXPECT_EQ(join(Parts{"a", "b"}, ", "), "a, b");
  EXPECT_EQ(join(Parts{}, ", "), "");
}

struct Words {
  const char* text;
  std::vector<std::string> words;
};

TEST(Text, GivesItsMemoryBack) {
  std::string text(10'000, 'x');
  give_back(text);
  EXPECT_EQ(text, "");
  EXPECT_LT(text.capacity(), 100U);
}

TEST(Text, SplitsWordsAsAShellDoes) {
  const Words cases[] = {
      {"python3 -u handler.py", {"python3", "-u", "handler.py"}},
      {"  a \t b\n", {"a", "b"}},
      {"", {}},
      {"sh -c 'echo \"hi\" $HOME'", {"sh", "-c", "echo \"hi\" $HOME"}},
      {"a\"b c\"d", {"ab cd"}},
      {"''", {""}},
      {"a\\ b", {"a b"}},
      {"\"a\\\"b\\\\c\\$d\\e\"", {"a\"b\\c$d\\e"}},
      {"'a\\b'", {"a\\b"}},
      {"x\\", {"x\\"}},
      {"--flag=\"two words\" ''x", {"--flag=two words", "x"}},
  };
  for (const Words& c : cases) {
    std::vector<std::string> words;
    EXPECT_TRUE(split_words(c.text, words)) << c.text;
    EXPECT_EQ(words, c.words) << c.text;
  }
}

TEST(Text, AnOpenQuoteIsRefused) {
  for (const char* open : {"'a", "\"a", "a 'b c", "\"a\\\""}) {
    std::vector<std::string> words;
    EXPECT_FALSE(split_words(open, words)) << open;
  }
}

TEST(Text, FindsWhatWasMeant) {
  const std::vector<std::string_view> known = {"listen", "data", "fake-gpus", "quota"};
  EXPECT_EQ(nearest("listem", known), "listen");
  EXPECT_EQ(nearest("fake_gpu", known), "fake-gpus");
  EXPECT_EQ(nearest("qouta", known), "quota");
  EXPECT_EQ(nearest("quota", known), "quota");
  EXPECT_EQ(nearest("entirely-unrelated-words", known), "");
  EXPECT_EQ(nearest("x", {}), "");
}

// ---------------------------------------------------------------- randomness

TEST(Random, SeedsAreReproducible) {
  SeededRandom a(7);
  SeededRandom b(7);
  SeededRandom c(8);
  EXPECT_EQ(a.next(), b.next());
  EXPECT_NE(a.next(), c.next());
}

TEST(Random, StaysBelowItsBound) {
  SeededRandom random(1);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1'000; ++i) {
    const std::uint64_t value = random.below(7);
    ASSERT_LT(value, 7u);
    seen.insert(value);
  }
  EXPECT_EQ(seen.size(), 7u);
  EXPECT_EQ(random.below(1), 0u);
  EXPECT_DEATH(random.below(0), "bound > 0");
}

TEST(Random, MakesIdentifiers) {
  SeededRandom random(3);
  const std::string text = random_alphanumeric(random, 14);
  EXPECT_EQ(text.size(), 14u);
  EXPECT_EQ(text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789"), std::string::npos) << text;
  EXPECT_NE(text, random_alphanumeric(random, 14));
}

TEST(Random, UuidsHaveTheFormOfVersion4) {
  SystemRandom random;
  TimeOrderedUuids uuids(random);
  std::string before;
  for (int i = 0; i < 10'000; ++i) {
    const std::string uuid = uuids.next(from_ms(1'720'811'680'144));
    ASSERT_EQ(uuid.size(), 36u) << uuid;
    for (const std::size_t dash : {8u, 13u, 18u, 23u}) ASSERT_EQ(uuid[dash], '-') << uuid;
    ASSERT_EQ(uuid[14], '4') << uuid;
    ASSERT_NE(std::string("89ab").find(uuid[19]), std::string::npos) << uuid;
    ASSERT_EQ(uuid.find_first_not_of("0123456789abcdef-"), std::string::npos) << uuid;
    ASSERT_LT(before, uuid) << "also within one millisecond";
    before = uuid;
  }
}

TEST(Random, UuidsOfLaterTimesSortBehindEarlierOnes) {
  SeededRandom random(5);
  TimeOrderedUuids uuids(random);
  std::string before;
  for (const std::int64_t ms :
       {0LL, 1LL, 255LL, 256LL, 65'535LL, 65'536LL, 1'720'811'680'144LL, 1'720'811'680'143LL, 9'999'999'999'999LL}) {
    const std::string uuid = uuids.next(from_ms(ms));
    EXPECT_LT(before, uuid) << ms;
    before = uuid;
  }
}

TEST(Number, IsTheWholeTextOrNone) {
  EXPECT_EQ(parse_number<std::uint64_t>("0"), 0U);
  EXPECT_EQ(parse_number<std::uint64_t>("0012"), 12U);
  EXPECT_EQ(parse_number<std::uint64_t>("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(parse_number<int>("-7"), -7);
  EXPECT_EQ(parse_number<int>("ff", 16), 255);
  EXPECT_EQ(parse_number<double>("1.5e3"), 1500);
  for (const char* text : {"", "-1", "+1", " 1", "1 ", "1,1", "0x1", "18446744073709551616"}) {
    EXPECT_FALSE(parse_number<std::uint64_t>(text).has_value()) << text;
  }
  for (const char* text : {"", " 1", "1.5 ", "1.5x", "+1"})
    EXPECT_FALSE(parse_number<double>(text).has_value()) << text;
}

TEST(SpareTexts, AreEmptyAndLargeEnoughAndMuchMemoryIsNotKept) {
  give_text(std::string(3'000, 'x'));
  const std::string again = take_text(2'500);
  EXPECT_EQ(again, "");
  EXPECT_GE(again.capacity(), 3'000U) << "the same memory";
  give_text(std::string(3'000, 'x'));
  EXPECT_GE(take_text(100'000).capacity(), 100'000U);
  give_text(std::string(100'000, 'x'));
  EXPECT_LT(take_text(1).capacity(), 10'000U);
  give_text("small");
  EXPECT_GE(take_text(1).capacity(), 1'000U);
}

}  // namespace
}  // namespace penstock
