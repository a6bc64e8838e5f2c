#include "net/poller.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <functional>

#include "net/socket.h"

namespace penstock::net {
namespace {

/// One end of a pair of sockets is watched, the test has the other.
class Ears final : public Poller::Watcher {
 public:
  explicit Ears(Poller& poller) : Ears(poller, make_pair()) {}

  void on_ready(bool readable, bool writable, bool ended) override {
    ++told;
    last = {readable, writable, ended};
    if (on_told) on_told();
  }

  void forget() { poller_.forget(watched.descriptor(), *this); }

  Socket watched;
  Socket other;
  int told = 0;
  std::array<bool, 3> last{};  // readable, writable, ended
  std::function<void()> on_told;

 private:
  using Pair = std::array<int, 2>;

  static Pair make_pair() {
    Pair pair{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair.data()), 0);
    return pair;
  }

  Ears(Poller& poller, Pair pair) : watched(pair[0]), other(pair[1]), poller_(poller) {
    EXPECT_FALSE(poller.watch(watched.descriptor(), *this).failed());
  }

  Poller& poller_;
};

class PollerTest : public testing::Test {
 protected:
  PollerTest() { poller_.start(nullptr); }

  void look() {
    context_.restart();
    context_.run_one();
  }

  boost::asio::io_context context_{1};
  Poller poller_{context_};
};

TEST_F(PollerTest, TellsOnceOfWhatHasChanged) {
  Ears ears(poller_);
  look();
  EXPECT_EQ(ears.last, (std::array{false, true, false})) << "there is room from the start";
  ASSERT_EQ(ears.other.send("hello", {}), 5U);
  look();
  EXPECT_EQ(ears.last, (std::array{true, true, false}));
  EXPECT_EQ(ears.told, 2);
  context_.restart();
  EXPECT_EQ(context_.poll_one(), 0U) << "the bytes are still there, and nothing is new";
  ears.other.close();
  look();
  EXPECT_TRUE(ears.last[2]);
}

TEST_F(PollerTest, WhoWasForgottenIsNotToldEvenIfItWasReady) {
  Ears one(poller_);
  Ears two(poller_);
  one.on_told = [&] { two.forget(); };
  two.on_told = [&] { one.forget(); };
  look();
  EXPECT_EQ(one.told + two.told, 1);
}

TEST_F(PollerTest, LeavesTheRestWhenItIsClosedMeanwhile) {
  Ears one(poller_);
  Ears two(poller_);
  one.on_told = two.on_told = [&] { poller_.close(); };
  look();
  EXPECT_EQ(one.told + two.told, 1);
  context_.restart();
  EXPECT_EQ(context_.poll(), 0U);
}

}  // namespace
}  // namespace penstock::net
