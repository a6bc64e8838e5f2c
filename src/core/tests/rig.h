#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/engine.h"

namespace penstock::core {

/// The state that the records of a test add up to, as a store would load it.
class Books {
 public:
  void apply(const Record& record);
  StoredState load() const;  // without terminal jobs
  const StoredJob* find(const JobId& id) const;
  const WebhookDelivery* find(const DeliveryId& id) const;
  const std::vector<WebhookDelivery>& deliveries() const { return deliveries_; }
  std::vector<Release> releases_of(const EndpointId& endpoint) const;  // oldest first
  const std::vector<UsageRow>& usage() const { return rest_.usage; }

 private:
  std::vector<StoredJob> jobs_;
  std::vector<WebhookDelivery> deliveries_;
  std::vector<Release> releases_;
  StoredState rest_;
};

/// An engine at a given time with everything that it wanted done. Commands are applied one by one; advance() wakes it
/// up whenever it asked for that, and at no other time.
class Rig {
 public:
  explicit Rig(EngineSettings settings = {});
  Rig(EngineSettings settings, std::vector<Node> nodes);
  Rig(const Rig&) = delete;  // the engine knows the source of random numbers here
  Rig& operator=(const Rig&) = delete;

  /// One node with `gpus` GPUs of ADA_24.
  static std::vector<Node> node_with(int gpus);

  template <class C>
  Token send(C command) {
    command.to = next_token_;
    apply(std::move(command));
    return next_token_++;
  }
  void apply(Command command);
  /// A turn of several.
  template <class C>
  std::vector<Token> send_together(std::vector<C> commands) {
    std::vector<Token> tokens;
    last.clear();
    for (C& command : commands) {
      command.to = next_token_;
      tokens.push_back(next_token_++);
      engine->apply_in_turn(now, std::move(command), last);
    }
    engine->end_turn(last);
    absorb();
    return tokens;
  }
  /// As the server does for a job that the engine has let go of.
  void recall(const JobId& job);
  void advance(Millis time);
  /// The server is replaced by one that knows only what was recorded.
  void restart(std::vector<Absence> absences = {});

  // what became of a caller
  bool answered(Token token) const { return replies_.contains(token); }
  template <class T>
  const T& reply(Token token) const {
    static const T kNone{};
    const auto found = replies_.find(token);
    const T* what = found == replies_.end() ? nullptr : std::get_if<T>(&found->second.what);
    EXPECT_NE(what, nullptr) << (found == replies_.end() ? "not answered" : "another kind of reply");
    return what ? *what : kNone;
  }
  std::string error(Token token) const { return reply<Error>(token).message; }
  Errc code(Token token) const { return reply<Error>(token).code; }

  // control plane
  using Edit = std::function<void(EndpointInput&)>;
  EndpointId endpoint(const Edit& edit = {});
  Token save(const EndpointId& id, const Edit& edit);
  TemplateId template_of(const EndpointId& id) const { return engine->find_endpoint(id)->template_id; }

  // jobs
  JobId submit(const EndpointId& endpoint, const std::function<void(JobRequest&)>& edit = {});
  Token run_sync(const EndpointId& endpoint, Millis wait);
  JobView job(const EndpointId& endpoint, const JobId& id) const;
  JobStatus status(const EndpointId& endpoint, const JobId& id) const { return job(endpoint, id).status; }

  // workers
  std::vector<WorkerId> started() const;  // by orders, in order
  std::vector<StopWorker> stopped() const;
  Token take(const EndpointId& endpoint, const WorkerId& worker, int max_jobs = 1, bool busy = false);
  Token poll_stops(const EndpointId& endpoint, const WorkerId& worker);
  /// The worker takes jobs until its poll is held; gives the ids that it got.
  std::vector<JobId> work(const EndpointId& endpoint, const WorkerId& worker, int max_jobs = 1);
  Token finish(const EndpointId& endpoint, const WorkerId& worker, const JobId& job, const char* output = "1");
  Token fail_job(const EndpointId& endpoint, const WorkerId& worker, const JobId& job, const char* error);
  Token chunk(const EndpointId& endpoint, const WorkerId& worker, const JobId& job, const char* text);
  Token read(const EndpointId& endpoint, const JobId& job, Millis wait = Millis{1'000});
  void page_done(const EndpointId& endpoint, const JobId& job, const StreamPage& page, bool written);
  void ping(const EndpointId& endpoint, const WorkerId& worker, std::vector<JobId> jobs = {});
  /// An endpoint with workersMax 1 and its worker, idle and polling; `poll` is that poll.
  struct Staffed {
    EndpointId endpoint;
    WorkerId worker;
    Token poll = 0;
  };
  Staffed staffed(const Edit& edit = {});
  WorkerId attach(const EndpointId& endpoint);

  std::vector<std::string> chunk_texts(const StreamPage& page) const;
  bool noted(const std::string& text) const;
  template <class T>
  std::vector<T> records() const {
    std::vector<T> out;
    for (const Record& record : all.records) {
      if (const T* one = std::get_if<T>(&record)) out.push_back(*one);
    }
    return out;
  }

  EngineSettings settings;
  std::vector<Node> nodes;
  SeededRandom random{42};
  Time now{Millis{1'800'000'000'000}};
  std::unique_ptr<Engine> engine;
  AccountId owner;
  Effects last;  // of the last command
  Effects all;   // since the start
  Books books;

 private:
  void absorb();

  std::map<Token, Reply> replies_;
  Token next_token_ = 1;
  int names_ = 0;
};

inline std::string text_of(const Bytes& bytes) {
  return bytes ? *bytes : "(none)";
}

}  // namespace penstock::core
