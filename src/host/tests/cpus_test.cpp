#include "host/cpus.h"

#include <gtest/gtest.h>

namespace penstock::host {
namespace {

std::string thread_of(int processor, int socket, int core) {
  return "processor\t: " + std::to_string(processor) + "\nvendor_id\t: AuthenticAMD\nmodel name\t: AMD EPYC 9\n" +
         "physical id\t: " + std::to_string(socket) + "\ncore id\t\t: " + std::to_string(core) + "\n\n";
}

TEST(CpuInfo, threads_of_one_core_and_cores_of_several_sockets) {
  std::string text;
  for (int n = 0; n < 8; ++n) text += thread_of(n, n / 4, n % 2);
  const auto cpus = parse_cpuinfo(text);
  ASSERT_EQ(cpus.size(), 1u);
  EXPECT_EQ(cpus[0].name, "AMD EPYC 9");
  EXPECT_EQ(cpus[0].manufacturer, "AMD");
  EXPECT_EQ(cpus[0].cores, 4);
  EXPECT_EQ(cpus[0].threads_per_core, 2);
}

TEST(CpuInfo, cores_without_numbers_have_one_thread_each) {
  const auto cpus = parse_cpuinfo("processor : 0\nmodel name : Some CPU\n\nprocessor : 1\nmodel name : Some CPU\n");
  ASSERT_EQ(cpus.size(), 1u);
  EXPECT_EQ(cpus[0].cores, 2);
  EXPECT_EQ(cpus[0].threads_per_core, 1);
  EXPECT_EQ(cpus[0].manufacturer, "");
}

TEST(CpuInfo, text_that_says_nothing_gives_nothing) {
  for (const char* text : {"", "\n\n\n", "processor: 0\n\n", "model name\n"}) EXPECT_TRUE(parse_cpuinfo(text).empty());
}

}  // namespace
}  // namespace penstock::host
