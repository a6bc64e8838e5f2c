#include "store/text_list.h"

#include <gtest/gtest.h>

namespace penstock::store {
namespace {

using namespace std::string_literals;

TEST(TextList, ReadsWellForPeople) {
  EXPECT_EQ(encode_list(std::vector<std::string>{"EU-RO-1", "US-KS-2"}), "EU-RO-1\nUS-KS-2\n");
  EXPECT_EQ(encode_list(std::vector<core::EnvVar>{{"MODEL", "a=b"}, {"EMPTY", ""}}), "MODEL=a=b\nEMPTY=\n");
  EXPECT_EQ(encode_list(std::vector<int>{0, 3}), "0\n3\n");
}

TEST(TextList, KeepsEveryByte) {
  const std::vector<std::string> texts = {"", "\n", "\\", "\\n", "a\0b\xff"s, "=", "\\=", "\n\n"};
  EXPECT_EQ(decode_texts(encode_list(texts)), texts);
  EXPECT_EQ(decode_texts(""), std::vector<std::string>{});
  EXPECT_EQ(decode_texts("\n"), std::vector<std::string>{""});

  std::vector<core::EnvVar> variables;
  for (const std::string& key : texts) {
    for (const std::string& value : texts) variables.push_back({key, value});
  }
  EXPECT_EQ(decode_variables(encode_list(variables)), variables);

  const std::vector<int> integers = {0, -1, 2147483647};
  EXPECT_EQ(decode_integers(encode_list(integers)), integers);
}

TEST(TextList, RefusesWhatItNeverWrites) {
  EXPECT_FALSE(decode_texts("no end"));
  EXPECT_FALSE(decode_texts("half an escape\\"));
  EXPECT_FALSE(decode_variables("NO_VALUE\n"));
  EXPECT_FALSE(decode_variables("A=1\nB=no end"));
  EXPECT_FALSE(decode_integers("1x\n"));
  EXPECT_FALSE(decode_integers("\n"));
  EXPECT_FALSE(decode_integers("99999999999\n"));
}

}  // namespace
}  // namespace penstock::store
