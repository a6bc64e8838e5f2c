#include "failures.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "store/memory_store.h"
#include "store_samples.h"

namespace penstock::store::contract {
namespace {

using Turn = std::vector<core::Record>;

/// What the crash test writes as turn `n`: two jobs, a counter, and the completion of a job of the turn before.
Turn numbered_turn(int n) {
  const auto name = [](char kind, int number) { return std::string(1, kind) + "-" + std::to_string(number); };
  Turn turn = {full_job(name('a', n), "ep-1"), full_job(name('b', n), "ep-1"),
               core::CountersSaved{id<EndpointId>("ep-1"), {n, 0, 0}}};
  if (n > 0) {
    turn.push_back(core::JobChanged{id<JobId>(name('a', n - 1)), completed_state(), true,
                                    core::bytes(std::string(static_cast<std::size_t>(n % 5) * 1500, 'r'))});
  }
  return turn;
}

[[noreturn]] void commit_until_killed(const OpenStore& open, int first, int pipe) {
  auto store = open();
  if (!store) ::_exit(1);
  for (int n = first;; ++n) {
    if (!(*store)->commit(numbered_turn(n))) ::_exit(1);
    if (::write(pipe, &n, sizeof n) != sizeof n) ::_exit(1);
  }
}

/// Runs the child until it has acknowledged `turns` turns, kills it, and gives the last acknowledged number.
int run_and_kill(const OpenStore& open, int first, int turns) {
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    commit_until_killed(open, first, ends[1]);
  }
  ::close(ends[1]);
  int acknowledged = first - 1;
  int n = 0;
  while (acknowledged < first + turns - 1 && ::read(ends[0], &n, sizeof n) == sizeof n) acknowledged = n;
  ::kill(child, SIGKILL);
  while (::read(ends[0], &n, sizeof n) == sizeof n) acknowledged = n;
  ::close(ends[0]);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "the child ended by itself: " << status;
  return acknowledged;
}

}  // namespace

FileSizeLimit::FileSizeLimit(rlim_t bytes) {
  handler_ = std::signal(SIGXFSZ, SIG_IGN);
  EXPECT_EQ(::getrlimit(RLIMIT_FSIZE, &before_), 0);
  const rlimit limited{bytes, before_.rlim_max};
  EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &limited), 0);
}

FileSizeLimit::~FileSizeLimit() {
  ::setrlimit(RLIMIT_FSIZE, &before_);
  std::signal(SIGXFSZ, handler_);
}

void expect_survives_kill9(const OpenStore& open) {
  int written = -1;
  for (int round = 0; round < 8; ++round) {
    const int acknowledged = run_and_kill(open, written + 1, 5 + round * 7);
    auto opened = open();
    ASSERT_TRUE(opened) << opened.error().message;
    const auto store = std::move(*opened);
    const auto state = store->load();
    ASSERT_TRUE(state) << state.error().message;
    ASSERT_EQ(state->counters.size(), 1U);
    written = static_cast<int>(state->counters[0].second.completed);
    ASSERT_GE(written, acknowledged);
    ASSERT_LE(written, acknowledged + 1);

    const auto model = make_memory_store();
    for (int n = 0; n <= written; ++n) ASSERT_TRUE(model->commit(numbered_turn(n)));
    expect_same(*state, *model->load());
    for (int n = 0; n < written; ++n) {
      const JobId job = id<JobId>("a-" + std::to_string(n));
      const auto found = store->find_job(id<EndpointId>("ep-1"), job);
      ASSERT_TRUE(found && *found) << job.str();
      expect_same_job(**found, **model->find_job(id<EndpointId>("ep-1"), job));
    }
  }
}

}  // namespace penstock::store::contract
