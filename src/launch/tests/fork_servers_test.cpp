#include "launch/fork_servers.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "launch/proc_fs.h"

namespace penstock::launch {
namespace {

namespace fs = std::filesystem;
using Instant = ForkServers::Instant;
using Clock = std::chrono::steady_clock;
using Words = std::vector<std::string>;
using Environment = std::vector<core::EnvVar>;

constexpr std::chrono::seconds kPatience{60};

/// With the Python of this machine, and an empty module in the place of the SDK.
class ForkServersTest : public testing::Test {
 protected:
  ForkServersTest() {
    std::string name = (fs::temp_directory_path() / "penstock-test-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = fs::canonical(name);
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    options_.after = std::chrono::milliseconds{0};
    options_.answer_max = kPatience;
    options_.log_file = (directory_ / "logs/fork-servers.txt").string();
    write("runpod.py", "");
    write("handler.py", "print('handler')\n");
  }
  ~ForkServersTest() override {
    servers_.reset();
    fs::remove_all(directory_);
  }

  ForkServers& servers() {
    if (!servers_) servers_ = std::make_unique<ForkServers>(options_);
    return *servers_;
  }

  /// As if it had been there for long: what is newer than a fork server may be another text than it has read.
  void write(const std::string& name, const std::string& text) {
    const fs::path path = directory_ / name;
    std::ofstream(path) << text;
    fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours{24} + std::chrono::seconds{age_++});
  }

  std::string text_of(const fs::path& path) const {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::string log(const std::string& worker) const { return text_of(directory_ / (worker + ".log")); }

  std::optional<Spawned> fork(const std::string& worker, Environment environment = {},
                              Words command = {"python3", "-u", "handler.py"}) {
    environment.push_back({"RUNPOD_POD_ID", worker});
    const WorkerSpec spec{WorkerId::parse(worker).value(), "process:" + directory_.string(), std::move(command),
                          std::move(environment)};
    const auto prepared = prepare_spawn(spec);
    EXPECT_TRUE(prepared) << prepared.error().message;
    const std::string path = (directory_ / (worker + ".log")).string();
    const Descriptor log(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    return servers().fork_worker(spec, *prepared, log.get(), now_);
  }

  /// What the launcher's loop does, until `condition` holds.
  bool drive(const std::function<bool()>& condition) {
    const auto deadline = Clock::now() + kPatience;
    while (!condition()) {
      if (Clock::now() > deadline) return false;
      pollfd readable{servers().descriptor().get(), POLLIN, 0};
      ::poll(&readable, 1, 10);
      servers().tick(now_);
    }
    return true;
  }

  std::vector<pid_t> children() const {
    std::vector<pid_t> found;
    for (const ProcessStat& process : list_processes()) {
      if (process.parent == ::getpid() && process.state != 'Z') found.push_back(process.pid);
    }
    return found;
  }
  /// The fork server and its spare, and none of those that were there before.
  bool is_ready() {
    const auto all = children();
    return all.size() == 2 && std::ranges::all_of(all, [&](pid_t pid) {
             return servers().is_one(pid) && std::ranges::find(before_, pid) == before_.end();
           });
  }
  /// The spare waits for an order.
  bool has_rehearsed() {
    const auto stat = read_stat(spare());
    return stat && stat->state == 'S';
  }
  /// To be called before something ends them.
  void remember() { before_ = children(); }
  bool has_begun() {
    return std::ranges::any_of(children(), [&](pid_t pid) { return servers().is_one(pid); });
  }
  pid_t fork_server() const {
    const auto all = children();
    return all.empty() ? 0 : *std::ranges::min_element(all);
  }
  pid_t spare() const {
    const auto all = children();
    return all.empty() ? 0 : *std::ranges::max_element(all);
  }

  void prepare(const Environment& environment = {}) {
    EXPECT_FALSE(fork("first", environment));
    EXPECT_TRUE(drive([&] { return is_ready(); })) << text_of(options_.log_file);
  }

  /// Of a worker that runs to its end.
  int status_of(const Spawned& worker) {
    int status = 0;
    EXPECT_EQ(::waitpid(worker.pid, &status, 0), worker.pid);
    return status;
  }
  std::string output(const std::string& worker, const Environment& environment = {},
                     Words command = {"python3", "-u", "handler.py"}) {
    const auto forked = fork(worker, environment, std::move(command));
    if (!forked) return "not forked";
    status_of(*forked);
    return log(worker);
  }
  /// What a worker prints that is run afresh.
  std::string spawned_output(const std::string& worker, Environment environment, Words command) {
    environment.push_back({"RUNPOD_POD_ID", worker});
    const WorkerSpec spec{WorkerId::parse(worker).value(), "process:" + directory_.string(), command, environment};
    const auto prepared = prepare_spawn(spec);
    const std::string path = (directory_ / (worker + ".log")).string();
    const Descriptor log_file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    const auto spawned = spawn_process(command, *prepared, log_file.get());
    EXPECT_TRUE(spawned);
    status_of(*spawned);
    return log(worker);
  }

  fs::path directory_;
  ForkServers::Options options_;
  std::unique_ptr<ForkServers> servers_;
  std::vector<pid_t> before_;
  Instant now_ = Clock::now();
  int age_ = 0;
};

TEST_F(ForkServersTest, AForkedWorkerIsLikeOneThatWasRun) {
  write("handler.py", R"py(
import json, multiprocessing, os, signal, sys, __main__
status = open("/proc/self/status").read()
print(json.dumps({
    "session": os.getpid() == os.getsid(0) == os.getpgid(0), "parent": os.getppid(), "directory": os.getcwd(),
    "arguments": sys.argv, "original": sys.orig_argv, "path": sys.path, "executable": sys.executable,
    "name": __name__, "main": [__main__.__file__, __main__.__spec__, __main__.__package__, type(__loader__).__name__],
    "names": sorted(globals()), "environment": sorted(os.environ.items()), "unbuffered": sys.stdout.write_through,
    "descriptors": {entry: os.readlink(f"/proc/self/fd/{entry}").replace(os.environ["RUNPOD_POD_ID"], "ID")
                    for entry in ("0", "1", "2")}, "more": [os.path.exists(f"/proc/self/fd/{n}") for n in range(3, 64)],
    "signals": [line for line in status.splitlines() if line.startswith(("SigIgn", "SigBlk", "SigCgt"))],
    "handlers": [str(signal.getsignal(n)) for n in (2, 13, 15, 17, 29)],
    "warnings": str(sys.modules["warnings"].filters) if "warnings" in sys.modules else "",
    "shown": open("/proc/self/cmdline").read().replace("\0", " ").strip(), "limits": open("/proc/self/limits").read(),
}).replace(os.environ["RUNPOD_POD_ID"], "ID"))
)py");
  const Environment environment = {{"OWN", "mine"}, {"CUDA_VISIBLE_DEVICES", "3"}};
  const Words command = {"python3", "-u", "./handler.py", "one", "two words"};
  prepare(environment);
  ASSERT_TRUE(drive([&] { return has_rehearsed(); }));
  const std::string forked = output("forked", environment, command);
  EXPECT_EQ(forked, spawned_output("spawned", environment, command));
  EXPECT_NE(forked.find("\"session\": true"), std::string::npos) << forked;
}

TEST_F(ForkServersTest, ItEndsLikeOneThatWasRun) {
  write("handler.py", R"py(
import atexit, os, signal, sys
atexit.register(lambda: print("at exit"))
exec({"text": "sys.exit('a text')", "code": "sys.exit(7)", "raise": "def f(): raise ValueError('wrong')\nf()",
      "interrupt": "os.kill(os.getpid(), signal.SIGINT)\nsignal.pause()", "kill": "os.kill(os.getpid(), signal.SIGTERM)",
      "end": "pass"}[sys.argv[1]])
)py");
  prepare();
  for (const char* how : {"text", "code", "raise", "interrupt", "kill", "end"}) {
    const Words command = {"python3", "-u", "handler.py", how};
    const auto forked = fork(std::string("forked-") + how, {}, command);
    ASSERT_TRUE(forked) << how;
    const int status = status_of(*forked);
    EXPECT_EQ(log(std::string("forked-") + how), spawned_output(std::string("spawned-") + how, {}, command));
    if (std::string(how) == "code") EXPECT_EQ(WEXITSTATUS(status), 7);
    if (std::string(how) == "raise") EXPECT_EQ(WEXITSTATUS(status), 1);
    if (std::string(how) == "interrupt") EXPECT_EQ(WTERMSIG(status), SIGINT);
    if (std::string(how) == "kill") EXPECT_EQ(WTERMSIG(status), SIGTERM);
  }
  write("broken.py", "def (:\n");
  const Words broken = {"python3", "-u", "broken.py"};
  EXPECT_EQ(output("forked", {}, broken), spawned_output("spawned", {}, broken));
  write("dubious.py", "print(1 is 1)\n");
  const Words dubious = {"python3", "-u", "dubious.py"};
  const std::string warned = output("warned", {}, dubious);
  EXPECT_EQ(warned, spawned_output("spawned-warned", {}, dubious));
  EXPECT_NE(warned.find("SyntaxWarning"), std::string::npos) << warned;
}

TEST_F(ForkServersTest, NothingOfAWorkerReachesAnother) {
  write("handler.py", R"py(
import os, random, sys, helper
shown = open("/proc/self/environ").read().split("\0")
print(os.environ.get("RUNPOD_AI_API_KEY"), [word for word in shown if "KEY" in word], helper.key, helper.pod)
print(random.random(), os.urandom(4).hex())
)py");
  write("helper.py", "import os\nkey = os.environ.get('RUNPOD_AI_API_KEY')\nfrom runpod import pod\nprint('helper')\n");
  write("runpod.py", "import os, heavy\npod = os.environ.get('RUNPOD_POD_ID')\n");
  write("heavy.py", "print('heavy')\n");
  const Environment preload = {{"PENSTOCK_PRELOAD", " helper "}};
  const auto with_key = [&](const std::string& key) {
    Environment all = preload;
    all.push_back({"RUNPOD_AI_API_KEY", key});
    return all;
  };
  prepare(with_key("secret-1"));
  const std::string one = output("one", with_key("secret-2"));
  const std::string two = output("two", with_key("secret-3"));
  const std::string none = output("none", preload);
  // What looked at variables of its own is imported again, what it imports is not.
  EXPECT_TRUE(one.starts_with("helper\nsecret-2 ['RUNPOD_AI_API_KEY=secret-2'] secret-2 one\n")) << one;
  EXPECT_TRUE(two.starts_with("helper\nsecret-3 ['RUNPOD_AI_API_KEY=secret-3'] secret-3 two\n")) << two;
  EXPECT_TRUE(none.starts_with("helper\nNone [] None none\n")) << none;
  const auto drawn = [](const std::string& text) { return text.substr(text.rfind('\n', text.size() - 2) + 1); };
  EXPECT_NE(drawn(one), drawn(two));
  EXPECT_NE(text_of(options_.log_file).find("heavy"), std::string::npos);
}

TEST_F(ForkServersTest, WhatImportsSetIsKept) {
  write("runpod.py", "import os\nos.environ['SET'] = 'by an import'\nos.environ.pop('GONE', None)\n");
  write("handler.py",
        "import os, subprocess\nsubprocess.run(['sh', '-c', 'echo $SET $GONE $CUDA_VISIBLE_DEVICES.'])\n");
  prepare({{"GONE", "1"}});
  EXPECT_EQ(output("a", {{"GONE", "1"}}), "by an import .\n");
  EXPECT_EQ(output("b", {{"GONE", "1"}, {"CUDA_VISIBLE_DEVICES", "5"}}), "by an import 5.\n");
}

TEST_F(ForkServersTest, ImportsSeeNoGpu) {
  write("runpod.py", "import subprocess\nsubprocess.run(['sh', '-c', 'echo gpus: ${CUDA_VISIBLE_DEVICES-unset}.'])\n");
  prepare({{"CUDA_VISIBLE_DEVICES", "5"}});
  EXPECT_NE(text_of(options_.log_file).find("gpus: .\n"), std::string::npos) << text_of(options_.log_file);
}

TEST_F(ForkServersTest, TheScriptIsReadAfreshAndWhatWasImportedIsNeverOld) {
  write("handler.py", "import helper\nprint(1, helper.VALUE)\n");
  write("helper.py", "VALUE = 'a'\n");
  const Environment preload = {{"PENSTOCK_PRELOAD", "helper"}};
  prepare(preload);
  ASSERT_TRUE(drive([&] { return has_rehearsed(); }));
  write("handler.py", "import helper\nprint(1, helper.VALUE, 'again')\n");
  EXPECT_EQ(output("w1", preload), "1 a again\n");
  write("handler.py", "import helper\nprint(2, helper.VALUE)\n");
  EXPECT_EQ(output("w2", preload), "2 a\n");
  now_ += options_.spare_after;
  ASSERT_TRUE(drive([&] { return is_ready(); }));
  write("helper.py", "VALUE = 'b'\n");
  remember();
  EXPECT_EQ(output("w3", preload), "not forked");
  ASSERT_TRUE(drive([&] { return is_ready(); }));
  EXPECT_EQ(output("w4", preload), "2 b\n");
  fs::remove(directory_ / "helper.py");
  EXPECT_EQ(output("w5", preload), "not forked");
}

TEST_F(ForkServersTest, AFileThatHidesAModuleIsNoticed) {
  prepare();
  write("notes.txt", "");
  write("unknown.py", "");
  EXPECT_EQ(output("w1"), "handler\n");
  write("json.txt", "");
  EXPECT_EQ(output("w2"), "handler\n");
  write("traceback.py", "");
  EXPECT_EQ(output("w3"), "not forked");
}

TEST_F(ForkServersTest, OneThatWasKilledIsReplaced) {
  prepare();
  remember();
  ::kill(fork_server(), SIGKILL);
  ASSERT_TRUE(drive([&] { return children().empty(); }));
  EXPECT_EQ(output("w1"), "not forked");
  ASSERT_TRUE(drive([&] { return is_ready(); }));
  remember();
  ::kill(spare(), SIGKILL);
  EXPECT_EQ(output("w2"), "not forked");
  ASSERT_TRUE(drive([&] { return is_ready(); }));
  EXPECT_EQ(output("w3"), "handler\n");
}

TEST_F(ForkServersTest, OneThatHangsDelaysAStartForAShortTimeAndLosesNothing) {
  options_.answer_max = std::chrono::milliseconds{100};
  prepare();
  ::kill(spare(), SIGSTOP);
  EXPECT_FALSE(fork("w1"));
  ASSERT_TRUE(drive([&] { return children().empty(); }));
  EXPECT_EQ(log("w1"), "");  // what was given up has not begun
  // It is not tried again for some time.
  EXPECT_FALSE(fork("w2"));
  servers().tick(now_);
  EXPECT_TRUE(children().empty());
  now_ += options_.retry;
  servers().tick(now_);
  prepare();
  EXPECT_EQ(output("w3"), "handler\n");
}

TEST_F(ForkServersTest, WithoutASpareInTimeAWorkerIsRunAfresh) {
  write("runpod.py", R"py(
import os, time
me, forks = os.getpid(), []
os.register_at_fork(before=lambda: os.getpid() == me and (forks.append(1) or len(forks) > 1 and time.sleep(600)))
)py");
  options_.answer_max = std::chrono::milliseconds{3000};
  prepare();
  EXPECT_EQ(output("w1"), "handler\n");
  EXPECT_FALSE(fork("w2"));
  EXPECT_TRUE(drive([&] { return children().empty(); }));
}

TEST_F(ForkServersTest, ManyWorkersAreForkedInARow) {
  write("handler.py", "import time\ntime.sleep(600)\n");
  prepare();
  std::set<pid_t> pids;
  std::vector<Spawned> workers;
  for (int i = 0; i < 20; ++i) {
    auto worker = fork(fmt::format("w{}", i));
    ASSERT_TRUE(worker) << i;
    pids.insert(worker->pid);
    workers.push_back(std::move(*worker));
  }
  EXPECT_EQ(pids.size(), 20U);
  servers_.reset();  // the workers stay
  for (const Spawned& worker : workers) {
    EXPECT_EQ(read_stat(worker.pid).value_or(ProcessStat{}).parent, ::getpid());
    EXPECT_TRUE(send_signal(worker.pidfd, SIGKILL));
    EXPECT_EQ(WTERMSIG(status_of(worker)), SIGKILL);
  }
}

TEST_F(ForkServersTest, WhatCannotBeForkedIsNot) {
  const std::vector<std::string> modules = {
      "import threading, time\nthreading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n",
      "import socket\nkept = socket.socket()\n",
      "kept = open('handler.py')\n",
      "import absent\n",
      "raise SystemExit(1)\n",
      "import os\nos._exit(1)\n",
      "import os\nos.environ.get('RUNPOD_POD_ID')\n__spec__.loader = None\n",
      "import os\nos.utime(__file__)\n",  // what was read may be another text than what is there now
  };
  for (std::size_t i = 0; i < modules.size(); ++i) {
    write("runpod.py", modules[i]);
    const Environment own = {{"CASE", std::to_string(i)}};
    EXPECT_FALSE(fork(fmt::format("a{}", i), own));
    ASSERT_TRUE(drive([&] { return has_begun(); })) << modules[i];
    ASSERT_TRUE(drive([&] { return children().empty(); })) << modules[i];
    EXPECT_FALSE(fork(fmt::format("b{}", i), own)) << modules[i];
  }
}

TEST_F(ForkServersTest, ThreadsThatEndBeforeAForkAreFine) {
  write("runpod.py", R"py(
import os, threading
end = threading.Event()
thread = threading.Thread(target=end.wait, daemon=True)
thread.start()
os.register_at_fork(before=lambda: (end.set(), thread.join()))
)py");
  prepare();
  EXPECT_EQ(output("w"), "handler\n");
}

TEST_F(ForkServersTest, AnImportThatTakesTooLongIsGivenUp) {
  write("runpod.py", "import time\ntime.sleep(600)\n");
  EXPECT_FALSE(fork("w1"));
  ASSERT_TRUE(drive([&] { return has_begun(); }));
  EXPECT_FALSE(fork("w2"));
  now_ += options_.load_max;
  EXPECT_TRUE(drive([&] { return children().empty(); }));
}

TEST_F(ForkServersTest, TheirNumberAndTimeAreBounded) {
  options_.servers_max = 1;
  prepare({{"CASE", "1"}});
  const pid_t first = fork_server();
  EXPECT_FALSE(fork("w1", {{"CASE", "2"}}));
  servers().tick(now_);
  EXPECT_EQ(fork_server(), first);
  now_ += options_.lately;
  remember();
  EXPECT_FALSE(fork("w2", {{"CASE", "2"}}));
  ASSERT_TRUE(drive([&] { return is_ready(); }));
  now_ += options_.idle_max;
  EXPECT_LE(servers().next().value_or(Instant::max()), now_);
  EXPECT_TRUE(drive([&] { return children().empty(); }));
  EXPECT_FALSE(servers().next());
}

TEST_F(ForkServersTest, NothingIsPreparedWhenSwitchedOff) {
  options_.enabled = false;
  EXPECT_FALSE(fork("w1"));
  servers().tick(now_);
  EXPECT_FALSE(servers().next());
  EXPECT_TRUE(children().empty());
}

}  // namespace
}  // namespace penstock::launch
