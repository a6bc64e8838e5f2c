#include "net/fields.h"

#include <gtest/gtest.h>

namespace penstock::net {
namespace {

TEST(Fields, KeepsNamesAndValuesInTheirOrder) {
  Fields fields{{"a", "1"}, {"", ""}, {"a", "2"}};
  const std::span<char> line = fields.copy("x-b[: Y.");
  line[6] = 'y';
  const std::string_view text(line.data(), line.size());
  fields.add_copied(text.substr(0, 4), text.substr(6, 1));
  ASSERT_EQ(fields.size(), 4U);
  EXPECT_EQ(fields[0], (Fields::Field{"a", "1"}));
  EXPECT_EQ(fields[1], (Fields::Field{"", ""}));
  EXPECT_EQ(fields[3], (Fields::Field{"x-b[", "y"}));
  EXPECT_EQ(fields.find("a"), "1");
  EXPECT_EQ(fields.find(""), "");
  EXPECT_EQ(fields.find("x-b["), "y");
  EXPECT_EQ(fields.find("x-b"), std::nullopt);
  EXPECT_EQ(fields.find("1"), std::nullopt) << "a value is no name";
  EXPECT_EQ(fields.count("a"), 2U);
  fields.add("c", "3");
  EXPECT_EQ(fields[4], (Fields::Field{"c", "3"}));
  EXPECT_EQ(fields.count("b"), 0U);
}

TEST(Fields, AreTheSameWhenEachFieldIs) {
  EXPECT_EQ((Fields{{"a", "b"}}), (Fields{{"a", "b"}}));
  EXPECT_NE((Fields{{"a", "b"}}), (Fields{{"a", "c"}}));
  EXPECT_NE((Fields{{"a", "b"}}), (Fields{{"c", "b"}}));
  EXPECT_NE((Fields{{"a", "bc"}}), (Fields{{"ab", "c"}})) << "though their texts are one";
  EXPECT_NE((Fields{{"a", ""}, {"b", ""}}), (Fields{{"a", "b"}}));
  EXPECT_NE((Fields{{"a", "b"}, {"", ""}}), (Fields{{"a", "b"}}));
  Fields copied;
  const std::span<char> line = copied.copy("b=a");
  copied.add_copied({&line[2], 1}, {&line[0], 1});
  EXPECT_EQ(copied, (Fields{{"a", "b"}})) << "though they lie elsewhere in their text";
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
