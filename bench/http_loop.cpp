// The least a server of the job path can be: one epoll loop that speaks the routes jobload uses and keeps jobs in
// memory. No keys, limits, retries, time-outs or recovery, and it trusts the shape of what it reads. Without --durable
// a yardstick for what HTTP over loopback costs here. With it the yardstick for a durable server: what a turn of the
// loop has accepted is synced to disk in one write, and then all answers of the turn leave. Not a server in either
// case.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "bench/support/http.h"
#include "bench/support/measure.h"
#include "bench/support/stream.h"
#include "bench/support/turn_log.h"

namespace penstock::bench {
namespace {

// Older jobs are overwritten; far more than can be in flight.
constexpr std::size_t kJobsKept = 65'536;

class Server;

struct Connection {
  Connection(Poller& poller, Fd fd) : stream(poller, std::move(fd), this) {}
  Stream stream;
};

struct Job {
  std::uint64_t number = 0;
  bool taken = false;
  bool done = false;
  std::string input, output;
  Connection* waiter = nullptr;  // of /runsync
};

std::string id_text(std::uint64_t number) {
  return fmt::format("{:036x}-u1", number);
}

std::uint64_t number_of(std::string_view id) {
  std::uint64_t number = 0;
  std::from_chars(id.data(), id.data() + std::min<std::size_t>(id.size(), 36), number, 16);
  return number;
}

/// What stands between `"name":` and the last brace: bodies here have one member.
std::string_view only_member(std::string_view body, std::string_view name) {
  const std::size_t at = body.find(name);
  if (at == std::string_view::npos) return {};
  const std::size_t begin = at + name.size();
  return body.substr(begin, body.rfind('}') - begin);
}

class Server {
 public:
  /// Durable when there is a log.
  Server(int port, std::unique_ptr<TurnLog> log)
      : port_(port), listener_(listen_loopback(port_)), log_(std::move(log)), jobs_(kJobsKept) {
    poller_.add(listener_.get(), this);
  }

  int port() const { return port_; }

  [[noreturn]] void run() {
    while (true) {
      for (const epoll_event& event : poller_.wait(-1)) {
        if (event.data.ptr == this) {
          accept();
        } else {
          on_event(*static_cast<Connection*>(event.data.ptr), event.events);
        }
      }
      if (log_) end_turn();
      closed_.clear();
    }
  }

 private:
  /// Of a durable server: an answer that waits for its turn's records.
  struct Answer {
    Connection* to;
    std::size_t begin, size;  // in out_
  };

  void accept();
  void end_turn();
  void on_event(Connection& connection, std::uint32_t events);
  void close(Connection& connection);
  void handle(Connection& from, const Message& request);
  void attach(Connection& from, std::string_view target);
  void submit(Connection& from, std::string_view body, bool sync);
  void status(Connection& from, std::string_view id);
  void take(Connection& from);
  void done(Connection& from, std::string_view id, std::string_view body);
  void hand_out(Connection& worker, Job& job);
  void answer(Connection& to, std::string_view status, std::string_view body);
  void answer_result(Connection& to, const Job& job);
  Job& job_of(std::uint64_t number) { return jobs_[number % kJobsKept]; }

  int port_;
  Fd listener_;
  Poller poller_;
  std::unique_ptr<TurnLog> log_;
  std::unordered_map<Connection*, std::unique_ptr<Connection>> connections_;
  std::vector<std::unique_ptr<Connection>> closed_;  // kept to the end of the turn: its events may name them
  std::vector<Job> jobs_;
  std::deque<std::uint64_t> queue_;
  std::deque<Connection*> idle_workers_;
  std::uint64_t last_job_ = 0;
  int workers_ = 0;
  std::string out_, body_;
  std::vector<Answer> answers_;
};

void Server::accept() {
  while (true) {
    Fd fd = accept_from(listener_);
    if (fd.get() < 0) return;
    auto connection = std::make_unique<Connection>(poller_, std::move(fd));
    connections_.emplace(connection.get(), std::move(connection));
  }
}

void Server::close(Connection& connection) {
  std::erase(idle_workers_, &connection);
  for (Job& job : jobs_) {
    if (job.waiter == &connection) job.waiter = nullptr;
  }
  const auto found = connections_.find(&connection);
  if (found == connections_.end()) return;
  closed_.push_back(std::move(found->second));
  connections_.erase(found);
}

void Server::on_event(Connection& connection, std::uint32_t events) {
  if (!connections_.contains(&connection)) return;
  if ((events & EPOLLOUT) != 0 && !connection.stream.flush()) return close(connection);
  if ((events & ~static_cast<std::uint32_t>(EPOLLOUT)) == 0) return;
  if (!connection.stream.receive()) return close(connection);
  while (const auto request = read_message(connection.stream.unread())) {
    handle(connection, *request);
    connection.stream.consume(request->size);
  }
}

void Server::answer(Connection& to, std::string_view status, std::string_view body) {
  const std::size_t begin = out_.size();
  append_answer(out_, status, body);
  if (log_) return answers_.push_back({&to, begin, out_.size() - begin});
  // A connection that broke is closed by the event that follows.
  to.stream.send(out_);
  out_.clear();
}

void Server::end_turn() {
  log_->commit();
  for (const Answer& one : answers_) one.to->stream.send(std::string_view(out_).substr(one.begin, one.size));
  answers_.clear();
  out_.clear();
}

void Server::handle(Connection& from, const Message& request) {
  const std::string_view line = request.start_line;
  const std::size_t begin = line.find(' ') + 1;
  const std::string_view target = line.substr(begin, line.find(' ', begin) - begin);
  const std::string_view path = target.substr(0, target.find('?'));
  if (path.starts_with("/penstock/v1/endpoints/")) {
    return line.starts_with("DELETE") ? answer(from, "200 OK", "{}") : attach(from, path);
  }
  // /v2/{endpoint}/{operation}/...
  const std::size_t operation_at = path.find('/', 4);
  if (!path.starts_with("/v2/") || operation_at == std::string_view::npos) return answer(from, "404 Not Found", "{}");
  const std::string_view rest = path.substr(operation_at + 1);
  const std::string_view operation = rest.substr(0, rest.find('/'));
  const std::string_view last = rest.substr(rest.rfind('/') + 1);
  if (operation == "runsync" || operation == "run") return submit(from, request.body, operation == "runsync");
  if (operation == "status") return status(from, last);
  if (operation == "job-take") return take(from);
  if (operation == "job-done") return done(from, last, request.body);
  answer(from, "404 Not Found", "{}");
}

void Server::attach(Connection& from, std::string_view target) {
  const std::string_view before = target.substr(0, target.rfind('/'));
  const std::string_view endpoint = before.substr(before.rfind('/') + 1);
  const std::string base = fmt::format("http://127.0.0.1:{}/v2/{}", port_, endpoint);
  const std::string worker = fmt::format("w{}", ++workers_);
  answer(
      from, "200 OK",
      fmt::format("{{\"workerId\":\"{1}\",\"environment\":{{\"RUNPOD_WEBHOOK_GET_JOB\":\"{0}/job-take/{1}?gpu=none\","
                  "\"RUNPOD_WEBHOOK_POST_OUTPUT\":\"{0}/job-done/{1}/$ID?gpu=none\","
                  "\"RUNPOD_AI_API_KEY\":\"none\"}}}}",
                  base, worker));
}

void Server::submit(Connection& from, std::string_view body, bool sync) {
  Job& job = job_of(++last_job_);
  job.number = last_job_;
  job.taken = job.done = false;
  job.input = only_member(body, "\"input\":");
  job.waiter = sync ? &from : nullptr;
  if (log_) log_->add(TurnLog::Kind::submitted, job.number, job.input);
  if (!sync) answer(from, "200 OK", fmt::format("{{\"id\":\"{}\",\"status\":\"IN_QUEUE\"}}", id_text(job.number)));
  if (idle_workers_.empty()) return queue_.push_back(job.number);
  Connection* worker = idle_workers_.front();
  idle_workers_.pop_front();
  hand_out(*worker, job);
}

void Server::hand_out(Connection& worker, Job& job) {
  job.taken = true;
  body_ = fmt::format("{{\"id\":\"{}\",\"input\":", id_text(job.number));
  body_ += job.input;
  body_ += '}';
  answer(worker, "200 OK", body_);
}

void Server::take(Connection& from) {
  if (queue_.empty()) return idle_workers_.push_back(&from);
  const std::uint64_t number = queue_.front();
  queue_.pop_front();
  hand_out(from, job_of(number));
}

void Server::done(Connection& from, std::string_view id, std::string_view body) {
  Job& job = job_of(number_of(id));
  job.output = only_member(body, "\"output\":");
  job.done = true;
  if (log_) log_->add(TurnLog::Kind::finished, job.number, job.output);
  answer(from, "200 OK", "{}");
  if (job.waiter != nullptr) answer_result(*job.waiter, job);
  job.waiter = nullptr;
}

void Server::status(Connection& from, std::string_view id) {
  const Job& job = job_of(number_of(id));
  if (job.done) return answer_result(from, job);
  answer(from, "200 OK",
         fmt::format("{{\"id\":\"{}\",\"status\":\"{}\"}}", id, job.taken ? "IN_PROGRESS" : "IN_QUEUE"));
}

void Server::answer_result(Connection& to, const Job& job) {
  body_ = fmt::format("{{\"delayTime\":1,\"executionTime\":1,\"id\":\"{}\",\"output\":", id_text(job.number));
  body_ += job.output;
  body_ += ",\"status\":\"COMPLETED\",\"workerId\":\"w1\"}";
  answer(to, "200 OK", body_);
}

}  // namespace
}  // namespace penstock::bench

int main(int argc, char** argv) {
  int port = 0;
  int seconds = 600;
  std::string durable;
  CLI::App app{"The bare loop that servers of the job path are measured against"};
  app.add_option("--port", port, "on 127.0.0.1; 0 takes a free one")->check(CLI::Range(0, 65'535));
  app.add_option("--seconds", seconds, "ends by itself after this time")->check(CLI::Range(1, 3'600));
  app.add_option("--durable", durable, "directory for a log: answers wait until their turn is synced to disk")
      ->check(CLI::ExistingDirectory);
  CLI11_PARSE(app, argc, argv);
  alarm(static_cast<unsigned>(seconds));
  auto log = durable.empty() ? nullptr : std::make_unique<penstock::bench::TurnLog>(durable);
  penstock::bench::Server server(port, std::move(log));
  fmt::print("{{\"url\":\"http://127.0.0.1:{}\",\"pid\":{}}}\n", server.port(), getpid());
  std::fflush(stdout);
  server.run();
}
