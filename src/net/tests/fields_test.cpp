#include "net/fields.h"

#include <gtest/gtest.h>

namespace penstock::net {
namespace {

TEST(Fields, KeepsNamesAndValuesInTheirOrder) {
  Fields fields{{"a", "1"}, {"", ""}, {"a", "2"}};
  fields.add_lower("X-B[", "Y");
  ASSERT_EQ(fields.size(), 4U);
  EXPECT_EQ(fields[0], (Fields::Field{"a", "1"}));
  EXPECT_EQ(fields[1], (Fields::Field{"", ""}));
  EXPECT_EQ(fields[3], (Fields::Field{"x-b[", "Y"}));
  EXPECT_EQ(fields.find("a"), "1");
  EXPECT_EQ(fields.find(""), "");
  EXPECT_EQ(fields.find("x-b["), "Y");
  EXPECT_EQ(fields.find("x-b"), std::nullopt);
  EXPECT_EQ(fields.find("1"), std::nullopt) << "a value is no name";
  EXPECT_EQ(fields.count("a"), 2U);
  std::string every;
  std::string lower;
  for (int c = 0; c < 256; ++c) {
    every += static_cast<char>(c);
    lower += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  }
  fields.add_lower(every, every);
  EXPECT_EQ(fields[4], (Fields::Field{lower, every}));
  EXPECT_EQ(fields.count("b"), 0U);
}

TEST(Fields, AreTheSameWhenEachFieldIs) {
  EXPECT_EQ((Fields{{"a", "b"}}), (Fields{{"a", "b"}}));
  EXPECT_NE((Fields{{"a", "bc"}}), (Fields{{"ab", "c"}})) << "though their texts are one";
  EXPECT_NE((Fields{{"a", ""}, {"b", ""}}), (Fields{{"a", "b"}}));
  EXPECT_NE((Fields{{"a", "b"}, {"", ""}}), (Fields{{"a", "b"}}));
}

TEST(Fields, ForgetsAllWhenItIsCleared) {
  Fields fields{{"a", "1"}};
  const Fields copy = fields;
  fields.clear();
  EXPECT_TRUE(fields.empty());
  EXPECT_EQ(fields.find("a"), std::nullopt);
  fields.add("b", "2");
  EXPECT_EQ(fields, (Fields{{"b", "2"}}));
  EXPECT_EQ(copy.find("a"), "1");
}

}  // namespace
}  // namespace penstock::net
