#pragma once

#include <string>
#include <string_view>

#include "tests/chaos/chaos_load.h"

namespace penstock::chaos {

/// Submits, and now and then cancels what it has submitted.
class Client final : public Peer {
 public:
  explicit Client(Load& load);

 private:
  void on_idle() override;
  void on_answer(int status, std::string_view body) override;
  void on_broken() override;

  Load& load_;
  std::uint64_t number_ = 0;
  bool cancelling_ = false;
  std::string body_;
};

/// What an external worker is told at its registration.
struct WorkerFacts {
  std::string key, take, done, ping;
};

/// Takes jobs and answers them; now and then twice, too late, or for a job that is not its own. With `insists` it posts
/// a result until it is answered; otherwise a result that meets a dead server is lost, as with the SDK.
class Worker final : public Peer {
 public:
  Worker(Load& load, WorkerFacts facts, bool insists);

  const WorkerFacts& facts() const { return facts_; }
  /// The job that it would name in a ping; nothing while it has none, or pretends to be gone.
  const std::string& held() const { return held_; }
  bool is_silent() const { return step_ == Step::late; }

 private:
  enum class Step { take, late, post, again, steal };

  void on_idle() override;
  void on_answer(int status, std::string_view body) override;
  void on_broken() override;
  void take_up(std::string_view body);
  void post(std::string_view job, std::uint64_t nonce);
  void after_post();

  Load& load_;
  WorkerFacts facts_;
  bool insists_;
  Step step_ = Step::take;
  std::string held_;
  std::uint64_t number_ = 0;
  std::uint64_t nonce_ = 0;
  std::string target_, body_;
};

/// Pings for all workers, one after the other.
class Pinger final : public Peer {
 public:
  Pinger(Load& load, std::vector<const Worker*> workers);

 private:
  void on_idle() override;
  void on_answer(int status, std::string_view body) override;
  void on_broken() override {}

  Load& load_;
  std::vector<const Worker*> workers_;
  std::size_t next_ = 0;
};

/// Reads the states that the load wants to know.
class Reader final : public Peer {
 public:
  explicit Reader(Load& load);

 private:
  void on_idle() override;
  void on_answer(int status, std::string_view body) override;
  void on_broken() override;

  Load& load_;
  std::uint64_t number_ = 0;
};

/// Leaves in the middle of a submission, over and over.
class RudeClient final : public Peer {
 public:
  explicit RudeClient(Load& load);

 private:
  void on_idle() override;
  void on_answer(int, std::string_view) override {}
  void on_broken() override {}

  Load& load_;
};

}  // namespace penstock::chaos
