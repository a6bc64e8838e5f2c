#include "server/config.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

namespace penstock::server {
namespace {

class TomlFile {
 public:
  explicit TomlFile(const std::string& text)
      : path_(::testing::TempDir() + "penstock_config_test_" + std::to_string(::getpid()) + ".toml") {
    std::ofstream(path_) << text;
  }
  ~TomlFile() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string refusal(const std::string& file, const std::map<std::string, std::string>& environment,
                    const KeyedTexts& flags) {
  const auto config = load_config(file, environment, flags);
  return config ? "accepted" : config.error().message;
}

TEST(Config, works_without_anything) {
  const auto config = load_config("", {}, {});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->listen, "127.0.0.1:8420");
  EXPECT_TRUE(config->engine.process_images);
}

TEST(Config, hosted_retention_holds_where_none_is_set) {
  const auto hosted = load_config("", {}, {{"compat.hosted_retention", "true"}});
  ASSERT_TRUE(hosted);
  EXPECT_EQ(hosted->engine.retention_async, Millis{1'800'000});
  EXPECT_EQ(hosted->engine.retention_sync, Millis{60'000});
  const auto own = load_config("", {{"PENSTOCK_COMPAT_HOSTED_RETENTION", "1"}}, {{"jobs.retention_async_s", "7"}});
  ASSERT_TRUE(own);
  EXPECT_EQ(own->engine.retention_async, Millis{7'000});
  EXPECT_EQ(own->engine.retention_sync, Millis{60'000});
}

TEST(Config, flags_win_over_variables_and_variables_over_the_file) {
  const TomlFile file(
      "[server]\nlisten = \"127.0.0.1:1\"\ndata = \"/from/file\"\n[workers]\nping_interval_ms = 2000\n");
  const auto config =
      load_config(file.path(), {{"PENSTOCK_LISTEN", "127.0.0.1:2"}, {"PENSTOCK_DATA", "/from/variable"}},
                  {{"server.listen", "127.0.0.1:3"}});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->listen, "127.0.0.1:3");
  EXPECT_EQ(config->data, "/from/variable");
  EXPECT_EQ(config->engine.ping_interval, Millis{2000});
}

TEST(Config, an_unknown_key_names_the_nearest_one) {
  EXPECT_EQ(refusal("", {}, {{"workers.ping_intervall_ms", "1000"}}),
            "command line: unknown setting \"workers.ping_intervall_ms\"; did you mean \"workers.ping_interval_ms\"?");
  EXPECT_EQ(refusal("", {{"PENSTOCK_LISTN", "x"}}, {}),
            "unknown environment variable PENSTOCK_LISTN; did you mean PENSTOCK_LISTEN?");
  EXPECT_EQ(refusal("", {{"PENSTOCK_FOO", "x"}}, {}), "unknown environment variable PENSTOCK_FOO");
  const TomlFile file("[jobs]\nrun_body = 3\n");
  EXPECT_NE(refusal(file.path(), {}, {}).find("did you mean \"jobs.run_body_mb\"?"), std::string::npos);
}

TEST(Config, a_bad_value_names_the_key_the_value_and_what_is_accepted) {
  EXPECT_EQ(refusal("", {}, {{"workers.ping_interval_ms", "500"}}),
            "command line: workers.ping_interval_ms: \"500\" is not accepted; a whole number from 1000 to 86400000 is");
  EXPECT_EQ(refusal("", {{"PENSTOCK_JOBS_TTL_EXPIRY", "never"}}, {}),
            "PENSTOCK_JOBS_TTL_EXPIRY: jobs.ttl_expiry: \"never\" is not accepted; timed_out and delete are");
  EXPECT_EQ(refusal("", {}, {{"server.listen", "8420"}}),
            "listen address \"8420\" is not accepted; use address:port, such as 127.0.0.1:8420");
}

TEST(Config, a_file_that_is_not_toml_is_refused_with_its_line) {
  const TomlFile file("[server]\nlisten = \n");
  EXPECT_NE(refusal(file.path(), {}, {}).find("(line 2)"), std::string::npos);
  EXPECT_NE(refusal("/nowhere/penstock.toml", {}, {}), "accepted");
}

TEST(Config, process_images_need_loopback_unless_the_operator_says_so) {
  EXPECT_FALSE(load_config("", {}, {{"server.listen", "0.0.0.0:1"}})->engine.process_images);
  EXPECT_TRUE(load_config("", {}, {{"server.listen", "[::1]:1"}})->engine.process_images);
  EXPECT_TRUE(
      load_config("", {}, {{"server.listen", "0.0.0.0:1"}, {"workers.process_images", "true"}})->engine.process_images);
}

TEST(Config, ephemeral_and_a_data_directory_contradict_each_other) {
  EXPECT_NE(refusal("", {}, {{"server.ephemeral", "true"}, {"server.data", "/x"}}), "accepted");
}

TEST(Config, limits_are_off_and_one_setting_switches_the_hosted_ones_on) {
  EXPECT_FALSE(load_config("", {}, {})->rate_limits.any());
  const auto hosted = load_config("", {{"PENSTOCK_LIMITS_RUN_PER_10S", "7"}},
                                  {{"limits.hosted", "true"}, {"limits.openai_concurrent", "0"}});
  ASSERT_TRUE(hosted);
  EXPECT_EQ(hosted->rate_limits.of(core::Operation::run).per_window, 7);
  EXPECT_EQ(hosted->rate_limits.of(core::Operation::run).concurrent, 200);
  EXPECT_EQ(hosted->rate_limits.of(core::Operation::openai).concurrent, 0);
  EXPECT_EQ(hosted->rate_limits.per_worker, 50);
  const auto single = load_config("", {}, {{"limits.cancel_per_10s", "3"}, {"limits.per_worker", "0"}});
  EXPECT_EQ(single->rate_limits.of(core::Operation::cancel).per_window, 3);
  EXPECT_EQ(single->rate_limits.of(core::Operation::run).per_window, 0);
  EXPECT_EQ(single->rate_limits.per_worker, 0);
  EXPECT_NE(refusal("", {}, {{"limits.run_per_10s", "-1"}}), "accepted");
}

TEST(Config, nodes_and_gpu_types_of_the_file) {
  const TomlFile file(
      "[gpus]\nnvml = \"off\"\n[gpus.types]\n\"NVIDIA T4\" = \"AMPERE_16\"\n[[node]]\nname = \"a\"\ngpus = "
      "[\"2xADA_24\", \"1xNVIDIA T4\"]\ndevices = [0, 1, 2]\nemulated = true\n[[node]]\ngpus = []\n");
  const auto config = load_config(file.path(), {}, {});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->host.nvml, "off");
  EXPECT_EQ(config->host.pools, (std::map<std::string, std::string>{{"NVIDIA T4", "AMPERE_16"}}));
  ASSERT_EQ(config->host.nodes.size(), 2u);
  EXPECT_EQ(config->host.nodes[0],
            (KeyedTexts{{"devices", "0,1,2"}, {"emulated", "true"}, {"gpus", "2xADA_24,1xNVIDIA T4"}, {"name", "a"}}));
  EXPECT_EQ(config->host.nodes[1], (KeyedTexts{{"gpus", ""}}));
  EXPECT_NE(refusal("", {}, {{"gpus.types", "NVIDIA T4=NOPE"}}).find("pools: AMPERE_16, "), std::string::npos);
  const TomlFile one_bracket("[node]\nname = \"a\"\n");
  EXPECT_NE(refusal(one_bracket.path(), {}, {}).find("with two brackets"), std::string::npos);
  const TomlFile nested("[[node]]\ngpus = [[\"2xADA_24\"]]\n");
  EXPECT_NE(refusal(nested.path(), {}, {}).find("gpus is not understood"), std::string::npos);
}

TEST(Config, every_setting_is_listed_once_with_a_variable) {
  std::map<std::string, int> seen;
  for (const auto& info : setting_infos()) {
    EXPECT_EQ(++seen[info.variable], 1) << info.variable;
    EXPECT_FALSE(info.help.empty()) << info.key;
  }
}

TEST(Config, what_is_listed_as_default_is_accepted_and_is_the_default) {
  std::map<std::string, std::string> initial;
  for (const auto& info : setting_infos()) {
    initial[info.key] = info.initial;
    if (!info.initial.empty()) EXPECT_EQ(refusal("", {}, {{info.key, info.initial}}), "accepted");
  }
  EXPECT_EQ(initial["server.listen"], "127.0.0.1:8420");
  EXPECT_EQ(initial["workers.start_timeout_s"], "420");
  EXPECT_EQ(initial["jobs.run_body_mb"], "10");
  EXPECT_EQ(initial["jobs.ttl_expiry"], "timed_out");
  EXPECT_EQ(initial["graphql.delete_endpoint_requires_zero_workers"], "true");
  EXPECT_EQ(initial["workers.process_images"], "");
}

}  // namespace
}  // namespace penstock::server
