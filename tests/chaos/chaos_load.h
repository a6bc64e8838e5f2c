#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/chaos/peer.h"

namespace penstock::chaos {

struct Options {
  int port = 0;
  std::string key;
  std::string endpoint;
  std::string workers_file;  // a line for each: key, path of job-take, of job-done with $ID, of ping
  std::uint64_t jobs = 100'000;
  int clients = 32;
  int readers = 4;
  int rude = 2;
  std::uint64_t queued_max = 50'000;  // acknowledged and without an accepted result
  int pad_bytes = 200;
  int cancel_permille = 5;
  int double_permille = 10;
  int steal_permille = 10;
  int late_permille = 1;
  int late_ms = 6'000;  // longer than a lease
  int verify_s = 120;
  std::uint64_t seed = 1;
};

enum class Ending : std::uint8_t { none, completed, failed, cancelled, timed_out };

/// What is known of one submission from outside the server.
struct Job {
  std::string id;
  std::vector<std::uint64_t> nonces;  // one for each attempt that a worker made; no other may be the result
  std::uint64_t accepted = 0;         // the first that was answered 200
  std::uint64_t seen = 0;             // hash of the first terminal answer that was read
  std::uint64_t result = 0;           // nonce in it
  Ending ending = Ending::none;
  bool acknowledged = false;
  bool cancel_sent = false;
  bool cancelled = false;  // the server said so
  bool is_late = false;    // a worker let its lease end
};

/// The whole run: the jobs, the peers, what went wrong. One thread.
class Load {
 public:
  explicit Load(Options options);
  /// Prints progress while it runs, and what it found in the end. True when all was as it must be.
  bool run();

  // For the peers.
  const Options& options() const { return options_; }
  Poller& poller() { return poller_; }
  const std::string& authorization() const { return authorization_; }
  /// A random number below 1000 is below `permille`.
  bool chance(int permille) { return std::uniform_int_distribution<int>(0, 999)(random_) < permille; }
  void wrong(std::string what);

  bool is_loading() const { return phase_ == Phase::loading; }
  bool may_submit() const;
  std::uint64_t submit();
  Job& job(std::uint64_t number) { return jobs_.at(number); }
  bool knows(std::uint64_t number) const { return number < jobs_.size(); }
  std::uint64_t new_nonce() { return ++last_nonce_; }
  void acknowledge(std::uint64_t number, std::string_view id);
  void not_acknowledged() { --submitted_, ++unknown_; }
  void refused() { --submitted_; }
  void taken(std::uint64_t number, std::string_view id);
  void accepted(std::uint64_t number, std::uint64_t nonce);
  /// Some job that was taken lately, and who is not `number`.
  std::uint64_t other_job(std::uint64_t number) const { return last_taken_ == number ? before_last_ : last_taken_; }
  /// Reads of states: the next one to look at; nothing at present.
  bool next_read(std::uint64_t& number);
  void read_failed(std::uint64_t number);
  void read(std::uint64_t number, int status, std::string_view body);

  std::uint64_t doubles = 0, stolen = 0, late = 0, rude = 0;

 private:
  enum class Phase { loading, verifying, comparing, done };

  void add_peers();
  void tick();
  void progress();
  void start_verifying();
  void advance();
  void judge(std::uint64_t number);
  void judge_counters();
  void report();

  Options options_;
  std::string authorization_;
  Poller poller_;
  std::mt19937_64 random_;
  std::deque<Job> jobs_;  // by the number that the client gave it
  std::uint64_t submitted_ = 0, acknowledged_ = 0, accepted_ = 0, unknown_ = 0, last_nonce_ = 0;
  std::uint64_t last_taken_ = 0, before_last_ = 0;
  std::vector<std::unique_ptr<Peer>> peers_;
  Phase phase_ = Phase::loading;
  bool may_finish_ = false;  // standard input has ended
  std::deque<std::uint64_t> to_read_;
  std::vector<std::uint64_t> read_later_;
  std::uint64_t reading_ = 0;
  std::int64_t verify_until_ = 0;
  std::uint64_t errors_ = 0;
  std::vector<std::string> first_errors_;
};

}  // namespace penstock::chaos
