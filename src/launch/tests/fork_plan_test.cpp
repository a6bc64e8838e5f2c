#include "launch/fork_plan.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace penstock::launch {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;
using Environment = std::vector<core::EnvVar>;

class ForkPlanTest : public testing::Test {
 protected:
  ForkPlanTest() {
    std::string name = (fs::temp_directory_path() / "penstock-test-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = fs::canonical(name);
    fs::create_directory(directory_ / "inner");
    for (const char* file : {"handler.py", "other.py", "handler.txt", "inner/handler.py"}) {
      std::ofstream(directory_ / file) << "pass\n";
    }
  }
  ~ForkPlanTest() override { fs::remove_all(directory_); }

  Result<ForkPlan> plan(Words command, Environment environment = {}) const {
    const WorkerSpec spec{WorkerId::parse("w").value(), "process:" + directory_.string(), std::move(command), {}};
    return plan_fork(spec, {directory_.string(), "/usr/bin/python3", std::move(environment)});
  }
  std::string key(Words command, Environment environment = {}) const {
    const auto made = plan(std::move(command), std::move(environment));
    return made ? made->key : made.error().message;
  }
  std::string refusal(Words command, Environment environment = {}) const {
    const auto made = plan(std::move(command), std::move(environment));
    return made ? "none" : made.error().message;
  }

  fs::path directory_;
};

TEST_F(ForkPlanTest, AScriptOfPythonCanBeForked) {
  const auto made = plan({"python3.11", "-u", "-B", "inner/handler.py", "one", "-x"});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->interpreter, "/usr/bin/python3");
  EXPECT_EQ(made->interpreter_words, (Words{"python3.11", "-u", "-B"}));
  EXPECT_EQ(made->arguments, (Words{"inner/handler.py", "one", "-x"}));
  EXPECT_EQ(made->script_directory, (directory_ / "inner").string());
  EXPECT_EQ(made->modules, "runpod");
  for (const char* program : {"python", "python3", ".venv/bin/python3.12"}) {
    EXPECT_TRUE(plan({program, "handler.py"})) << program;
  }
}

TEST_F(ForkPlanTest, WhatMayMeanSomethingElseIsNotForked) {
  const std::vector<std::pair<Words, std::string>> cases = {
      {{"node", "handler.py"}, "node is not known to be Python"},
      {{"python2", "handler.py"}, "python2 is not known to be Python"},
      {{"python3-config", "handler.py"}, "python3-config is not known to be Python"},
      {{"python3"}, "the command names no script"},
      {{"python3", "-u"}, "the command names no script"},
      {{"python3", "-m", "handler"}, "of Python's options, -m is not known"},
      {{"python3", "-c", "pass"}, "of Python's options, -c is not known"},
      {{"python3", "-I", "handler.py"}, "of Python's options, -I is not known"},
      {{"python3", "-X", "dev", "handler.py"}, "of Python's options, -X is not known"},
      {{"python3", "-"}, "of Python's options, - is not known"},
      {{"python3", "inner"}, "inner is no file whose name ends in .py"},
      {{"python3", "absent.py"}, "absent.py is no file whose name ends in .py"},
      {{"python3", "handler.txt"}, "handler.txt is no file whose name ends in .py"},
  };
  for (const auto& [command, why] : cases) EXPECT_EQ(refusal(command), why);
  EXPECT_EQ(refusal({"python3", "handler.py"}, {{"PENSTOCK_FORK_SERVER", "off"}}), "PENSTOCK_FORK_SERVER is off");
  EXPECT_EQ(refusal({"python3", "handler.py"}, {{"PENSTOCK_FORK_SERVER", "on"}}), "none");
}

TEST_F(ForkPlanTest, WorkersOfOneDirectoryAndEnvironmentShareAForkServer) {
  const std::string one = key({"python3", "handler.py"}, {{"A", "1"}, {"B", "2"}, {"RUNPOD_POD_ID", "x"}});
  EXPECT_EQ(one, key({"python3", "handler.py"}, {{"B", "2"}, {"A", "1"}, {"RUNPOD_POD_ID", "y"}}));
  EXPECT_EQ(one, key({"python3", "other.py", "argument"}, {{"A", "1"}, {"B", "2"}}));
  EXPECT_NE(one, key({"python3", "handler.py"}, {{"A", "1"}, {"B", "3"}}));
  EXPECT_NE(one, key({"python3", "handler.py"}, {{"A", "1"}}));
  EXPECT_NE(one, key({"python3", "-u", "handler.py"}, {{"A", "1"}, {"B", "2"}}));
  EXPECT_NE(one, key({"python3", "inner/handler.py"}, {{"A", "1"}, {"B", "2"}}));
}

TEST_F(ForkPlanTest, WhatIsAWorkersOwnIsNotShared) {
  const auto made = plan({"python3", "handler.py"}, {{"RUNPOD_AI_API_KEY", "secret"},
                                                     {"CUDA_VISIBLE_DEVICES", "2"},
                                                     {"RUNPOD_API_KEY", "of the template"},
                                                     {"PENSTOCK_PRELOAD", "torch, mine"}});
  ASSERT_TRUE(made);
  const auto names = [](const Environment& environment) {
    Words found;
    for (const auto& variable : environment) found.push_back(variable.key);
    return found;
  };
  EXPECT_EQ(names(made->own), (Words{"RUNPOD_AI_API_KEY", "CUDA_VISIBLE_DEVICES"}));
  EXPECT_EQ(names(made->shared), (Words{"PENSTOCK_PRELOAD", "RUNPOD_API_KEY"}));
  EXPECT_EQ(made->modules, "runpod,torch, mine");
}

}  // namespace
}  // namespace penstock::launch
